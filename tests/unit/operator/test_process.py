"""The controller's process: when it looks, and what it does while nobody answers."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.operator.fake_cluster import FakeCluster, FakeKube, labels
from tuner_job.cli.operator import _receiver
from tuner_job.errors import ClusterError, ConfigError
from tuner_job.operator import notify, process

_LONGEST = 60.0
_LABELS = {"app.kubernetes.io/instance": "va-tuning"}


class _EndError(BaseException):
    """The test is over."""


def _until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + _LONGEST
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


def _run(cluster: FakeCluster, look: Callable[[], None], alive: Path) -> threading.Thread:
    def body() -> None:
        with suppress(_EndError):
            process.run(FakeKube(cluster), look, _LABELS, alive)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    return thread


def test_a_change_is_looked_at_although_the_pace_is_slow(
    cluster: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PACE", 3600.0)
    monkeypatch.setattr(process, "_SETTLES", 0.0)
    monkeypatch.setattr(process, "_WATCH_AGAIN", 0.01)
    looks: list[int] = []
    ended = threading.Event()

    def look() -> None:
        looks.append(len(cluster.names("rayjobs")))
        if ended.is_set():
            raise _EndError

    thread = _run(cluster, look, tmp_path / "alive")
    _until(lambda: len(looks) >= 1)
    made = {"metadata": {"name": "adult", "labels": labels("adult")}, "spec": {}}
    cluster.put("rayjobs", made)
    _until(lambda: looks[-1] == 1)
    assert (tmp_path / "alive").exists()
    for kind in ("rayjobs", "configmaps", "tuningexperiments"):
        cluster.end_watches(kind)  # as a server does; they are begun again
    before = len(looks)
    cluster.change("rayjobs", "adult", lambda o: o.update(status={}))
    _until(lambda: len(looks) > before)
    ended.set()
    cluster.change("rayjobs", "adult", lambda o: o.update(status={"jobStatus": "RUNNING"}))
    thread.join(_LONGEST)
    assert not thread.is_alive()


def test_a_cluster_that_does_not_answer_is_asked_again_more_rarely(
    cluster: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(process.time, "sleep", pauses.append)
    monkeypatch.setattr(process, "PACE", 0.0)
    monkeypatch.setattr(process, "_watch", lambda *_: None)
    answers = iter([True] * 7 + [False, True, None])

    def look() -> None:
        if (fails := next(answers)) is None:
            raise _EndError
        if fails:
            raise ClusterError("the cluster cannot be reached")

    _run(cluster, look, tmp_path / "alive").join(_LONGEST)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, process._SETTLES, 1.0]


def test_the_line_break_that_ends_a_file_is_no_part_of_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notify, "Receiver", lambda url, key: (url, key))
    monkeypatch.setenv("VA_TUNING_NOTIFY_URL", "https://receiver.example/hook")
    monkeypatch.setenv("VA_TUNING_NOTIFY_KEY", "a key\n")
    assert _receiver() == ("https://receiver.example/hook", b"a key")
    monkeypatch.setenv("VA_TUNING_NOTIFY_KEY", "\n")
    with pytest.raises(ConfigError, match="must hold the key"):
        _receiver()
