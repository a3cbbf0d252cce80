"""One run at a time: found out by a number that moves, not by clocks."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner_job.errors import Interrupted, RunError, StoreError
from tuner_job.results import lease
from tuner_job.results.lease import leased
from tuner_job.results.store import Store


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A beat of hundredths of a second; a holder counts as dead after a long while only."""
    monkeypatch.setattr(lease, "_BEAT", 0.02)
    monkeypatch.setattr(lease, "_LOOK", 0.01)
    monkeypatch.setattr(lease, "DEAD_AFTER", 1000.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def held(store: Store, **changes: object) -> None:
    content = {
        "owner": "other",
        "who": "process 7 on elsewhere",
        "process": ["elsewhere", 7],
        "number": 1,
    }
    store.put("exp/lease.json", json.dumps({**content, **changes}).encode())


@pytest.fixture
def alive(store: Store) -> Iterator[None]:
    """Somebody else who writes a new number again and again."""
    stop = threading.Event()

    def beat() -> None:
        number = 0
        while not stop.wait(0.005):
            number += 1
            held(store, number=number)

    held(store, number=0)
    thread = threading.Thread(target=beat)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_it_is_there_for_the_block_only_and_its_number_moves(store: Store) -> None:
    with leased(store, "exp"):
        first = store.get("exp/lease.json")
        wait_until(lambda: store.get("exp/lease.json") != first)
    assert store.paths("") == []


def test_who_runs_it_is_said(store: Store, alive: None) -> None:
    with (
        pytest.raises(
            StoreError, match=r"exp: is being run by process 7 on elsewhere; .* --takeover"
        ),
        leased(store, "exp"),
    ):
        pass


def test_who_has_not_moved_for_long_is_dead(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    held(store)
    monkeypatch.setattr(lease, "DEAD_AFTER", 0.05)
    with leased(store, "exp"):
        assert b"elsewhere" not in (store.get("exp/lease.json") or b"")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"process": 3}', b"\0" * 40])
def test_a_damaged_lease_keeps_nobody_out(
    store: Store, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("exp/lease.json", content)
    monkeypatch.setattr(lease, "DEAD_AFTER", 0.05)
    with leased(store, "exp"):
        pass


def test_a_folder_in_its_place_keeps_nobody_out(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "exp" / "lease.json").mkdir(parents=True)
    monkeypatch.setattr(lease, "DEAD_AFTER", 0.05)
    with leased(store, "exp"):
        assert (tmp_path / "exp" / "lease.json").is_file()


def test_the_same_job_goes_on_at_once(store: Store) -> None:
    held(store, owner="uid-of-a-rayjob")
    with leased(store, "exp", job="uid-of-a-rayjob"):
        assert b"uid-of-a-rayjob" in (store.get("exp/lease.json") or b"")


def test_a_lost_head_goes_on_at_once_with_its_job(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(store, owner="child-x7f2q")
    monkeypatch.setenv(
        "RAY_JOB_CONFIG_JSON_ENV_VAR",
        json.dumps({"metadata": {"job_submission_id": "child-x7f2q"}}),
    )
    with leased(store, "exp"):
        pass


def test_a_process_of_this_machine_that_is_no_more_is_not_waited_for(store: Store) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    held(store, process=[lease.Owner.here().process[0], ended.pid])
    with leased(store, "exp"):
        pass


def run_until_taken_over(store: Store, take_over: bool = False) -> None:
    with leased(store, "exp", take_over) as lost:
        wait_until(lambda: held(store) or lost())  # what --takeover does, again if it is too late
        raise Interrupted


def test_a_run_that_is_taken_over_stops_and_leaves_the_lease(store: Store) -> None:
    with pytest.raises(
        RunError, match=r"exp: was taken over by process 7 on elsewhere; the trials .* are kept"
    ):
        run_until_taken_over(store)
    assert b"elsewhere" in (store.get("exp/lease.json") or b"")


def test_taking_over_asks_nobody(
    store: Store, alive: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_BEAT", 1000.0)  # else it may see that the other writes on
    with leased(store, "exp", take_over=True):
        pass


def test_what_the_holder_before_writes_late_undoes_no_takeover(store: Store) -> None:
    held(store)
    with leased(store, "exp", take_over=True) as lost:
        for _ in range(2):  # it had read the lease before it was taken over
            held(store)
            wait_until(lambda: lost() or b"elsewhere" not in (store.get("exp/lease.json") or b""))
    assert store.paths("") == []


def test_a_holder_before_that_writes_on_and_on_has_the_lease(store: Store) -> None:
    held(store)
    with pytest.raises(RunError, match="exp: was taken over by process 7 on elsewhere"):
        run_until_taken_over(store, take_over=True)


def test_a_run_of_this_process_is_taken_over_like_any_other(store: Store) -> None:
    first, second = (lease._Lease(store, "exp", lease.Owner.here()) for _ in range(2))
    first.take(False, lambda: False)
    second.take(True, lambda: False)
    assert not first._is_ours()
    assert second._is_ours()


def test_waiting_can_be_interrupted(store: Store) -> None:
    held(store)
    with pytest.raises(Interrupted), leased(store, "exp", should_stop=lambda: True):
        pass


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)
