"""How a run is going, kept in the store beside its results."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tuner_job.errors import StoreError
from tuner_job.records import BestSoFar, ModelProgressRecord, ProgressRecord, utc
from tuner_job.results import keeper
from tuner_job.results.check import find_damage, mend
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.keeper import Keeper
from tuner_job.results.progress import read_progress, write_progress
from tuner_job.results.store import Store

LIMIT = 120.0  # seconds after which a condition counts as never true


def record(**changes: object) -> ProgressRecord:
    found = ProgressRecord(
        experiment="exp",
        state="running",
        stage="search",
        metric="csmf_accuracy",
        models={
            "xgboost": ModelProgressRecord(
                planned=8, done=3, states={"complete": 2, "pruned": 1}, best_score=0.7, best_trial=2
            ),
            "naive_bayes": ModelProgressRecord(planned=4, done=4),
        },
        best=BestSoFar(model="xgboost", trial=2, score=0.7),
        seconds_left=61.5,
        began="2026-03-01T10:00:00.000Z",
        written="2026-03-01T10:01:00.000Z",
        owner="Jane Doe",
    )
    return found.model_copy(update=changes)


def wait_until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.005)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_what_is_written_is_read(store: Store) -> None:
    assert read_progress(store, "exp") is None
    write_progress(store, record())
    assert ExperimentStore(store, "exp").progress() == record()
    write_progress(store, record(state="done", stage=None))
    found = read_progress(store, "exp")
    assert found is not None
    assert (found.state, found.stage) == ("done", None)


def test_models_add_up() -> None:
    assert (record().done, record().planned) == (7, 12)
    open_end = record(models={**record().models, "elastic_net": ModelProgressRecord()})
    assert open_end.planned is None


def test_what_a_later_version_adds_is_passed_over(store: Store) -> None:
    content = record().model_dump_json().replace('{"experiment"', '{"weather":"fine","experiment"')
    store.put("exp/progress.json", content.encode())
    assert read_progress(store, "exp") == record()


def test_damage_is_no_progress_and_is_told_by_check(finished: ExperimentStore) -> None:
    whole = record(experiment="stored")
    write_progress(finished.store, whole)
    before = find_damage(finished)
    path = finished.path("progress.json")
    finished.store.put(path, whole.model_dump_json().encode()[:100])
    assert finished.progress() is None
    (damage,) = [one for one in find_damage(finished) if one not in before]
    assert damage.path == path
    assert "cut off" in damage.sentence
    mend(finished, [damage])
    assert find_damage(finished) == before


def test_age_is_told_by_the_readers_clock_and_never_negative() -> None:
    then = datetime(2026, 3, 1, 10, 1, tzinfo=UTC)
    assert record(written=utc(then)).age(then + timedelta(seconds=7)) == 7
    assert record(written=utc(then)).age(then - timedelta(hours=1)) == 0
    assert utc(then) == "2026-03-01T10:01:00.000Z"


def test_the_keeper_writes_at_once_every_beat_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "BEAT", 0.02)
    monkeypatch.setattr(keeper, "_LOOK", 0.005)
    written: list[str] = []
    state = "running"
    kept = Keeper(lambda: written.append(state))
    kept.start()
    wait_until(lambda: len(written) > 3)
    state = "done"
    kept.end(LIMIT)
    assert set(written[:4]) == {"running"}
    assert written[-1] == "done"


def test_between_beats_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "BEAT", 1000.0)
    monkeypatch.setattr(keeper, "_LOOK", 0.001)
    written: list[int] = []
    kept = Keeper(lambda: written.append(1))
    kept.start()
    wait_until(lambda: bool(written))
    time.sleep(0.05)  # many looks
    kept.end(LIMIT)
    assert len(written) == 2  # at once, and at the end


def test_a_store_that_fails_is_told_once_and_written_to_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeper, "BEAT", 0.01)
    monkeypatch.setattr(keeper, "_LOOK", 0.002)
    tries: list[int] = []
    written: list[int] = []

    def write() -> None:
        tries.append(1)
        if len(tries) < 5:
            raise StoreError("s3://b: cannot be written: it is away")
        written.append(1)

    kept = Keeper(write)
    kept.start()
    wait_until(lambda: len(written) > 1)
    kept.end(LIMIT)
    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert told == [
        "progress cannot be kept, the run goes on: s3://b: cannot be written: it is away"
    ]


def test_a_store_that_hangs_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    released = threading.Event()
    kept = Keeper(lambda: released.wait() and None)
    kept.start()
    kept.end(0.05)  # it would never end if it waited for the store
    assert "may not be told" in caplog.text
    released.set()


def test_an_error_in_what_is_told_ends_neither_thread_nor_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "BEAT", 0.01)
    monkeypatch.setattr(keeper, "_LOOK", 0.002)
    tries: list[int] = []

    def write() -> None:
        tries.append(1)
        raise RuntimeError("a dictionary changed its size")

    kept = Keeper(write)
    kept.start()
    wait_until(lambda: len(tries) > 2)
    kept.end(LIMIT)
