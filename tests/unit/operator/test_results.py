"""Reading how experiments are going: at a pace, and never waiting for a store."""

import threading
from pathlib import Path

import pytest

from tuner_job.errors import StoreError
from tuner_job.operator import results
from tuner_job.operator.results import AwayError, Results
from tuner_job.records import ProgressRecord
from tuner_job.results.progress import write_progress
from tuner_job.results.store import Store

URL = "s3://va-results"


class Counting(Store):
    """Counts what is read; may refuse or hang."""

    def __init__(self, folder: Path):
        super().__init__(str(folder))
        self.n_read, self.fails, self.gate = 0, False, threading.Event()
        self.gate.set()

    def get(self, path: str) -> bytes | None:
        self.n_read += 1
        self.gate.wait(60)
        if self.fails:
            raise StoreError(f"{URL}: does not answer")
        return super().get(path)


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    return Counting(tmp_path)


def _write(store: Store, trial: int) -> None:
    moment = "2026-01-01T00:00:00Z"
    said = {"experiment": "adult", "state": "running", "metric": "m", "fit_seconds": trial}
    write_progress(
        store, ProgressRecord.model_validate(said | {"began": moment, "written": moment})
    )


def test_progress_is_read_at_a_pace(store: Counting) -> None:
    clock = Clock()
    reads = Results(lambda url: store, clock)
    _write(store, 1)
    for _ in range(5):
        found = reads.progress(URL, "adult")
        assert found
        assert found.fit_seconds == 1
    assert store.n_read == 1
    _write(store, 2)
    clock.seconds += results.PACE
    found = reads.progress(URL, "adult")
    assert found
    assert found.fit_seconds == 2
    last = reads.last_words(URL, "adult")
    assert last
    assert store.n_read == 3


def test_a_store_that_refuses_is_left_alone_for_a_while(store: Counting) -> None:
    clock = Clock()
    reads = Results(lambda url: store, clock)
    _write(store, 1)
    reads.progress(URL, "adult")
    store.fails = True
    clock.seconds += results.PACE
    for name in ("adult", "child", "neonate"):
        reads.progress(URL, name)
    assert store.n_read == 2
    known = reads.progress(URL, "adult")
    assert known  # what was read before
    with pytest.raises(AwayError, match="what became of adult is not known yet"):
        reads.last_words(URL, "adult")
    assert reads.document(URL, "adult") is None
    assert store.n_read == 2
    store.fails = False
    clock.seconds += 60
    assert reads.last_words(URL, "adult")


def test_a_store_that_says_nothing_is_not_waited_for(
    store: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_LONGEST", 0.05)
    reads = Results(lambda url: store, Clock())
    store.gate.clear()
    try:
        assert reads.progress(URL, "adult") is None
        with pytest.raises(AwayError):
            reads.last_words(URL, "adult")
    finally:
        store.gate.set()


@pytest.mark.parametrize("url", ["", "va-results", "/data/results", "file:///data"])
def test_a_folder_of_pods_is_not_looked_for_here(url: str, store: Counting) -> None:
    reads = Results(lambda url: store)
    assert reads.progress(url, "adult") is None
    assert reads.last_words(url, "adult") is None
    assert store.n_read == 0


def test_what_nobody_asks_for_is_forgotten(store: Counting) -> None:
    clock = Clock()
    reads = Results(lambda url: store, clock)
    reads.progress(URL, "adult")
    clock.seconds += 10_000
    reads.tidy()
    assert reads._read == {}
