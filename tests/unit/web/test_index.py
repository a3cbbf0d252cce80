"""What is known of the places: states, deaths, storage that goes away and comes back."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.unit.web.conftest import progress, tell
from tuner_job.errors import StoreError
from tuner_job.results.look import Look
from tuner_job.web.folder import DEAD_AFTER
from tuner_job.web.index import Index
from tuner_job.web.place import ReadOnlyStore, places


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def index_of(clock: Clock, *addresses: Path) -> Index:
    return Index(places([str(one) for one in addresses]), clock)


def test_what_an_earlier_version_wrote_has_a_state(results: Path, clock: Clock) -> None:
    rows = index_of(clock, results).refresh().rows
    finished, halted = rows["finished"], rows["halted"]
    assert (finished.state, halted.state) == ("done", "stopped")
    assert finished.progress is not None
    assert finished.progress.best is not None
    assert finished.share == 1.0
    assert halted.progress is not None
    counted = list((results / "halted").glob("*/trials/0*.json"))
    assert halted.progress.done == len(counted)


def test_a_run_that_writes_no_more_is_stopped(results: Path, clock: Clock) -> None:
    folder = tell(results / "new")
    index = index_of(clock, results)
    assert index.refresh().rows["new"].state == "running"
    clock.now += 5
    tell(folder, seconds_left=170.0)
    assert index.refresh().rows["new"].state == "running"
    clock.now += DEAD_AFTER - 1
    assert index.refresh().rows["new"].state == "running"
    clock.now += 2
    assert index.refresh().rows["new"].state == "stopped"
    clock.now += 16  # what has ended is looked at less often
    tell(folder, seconds_left=7.0)  # of another size: times of files may be coarse
    assert index.refresh().rows["new"].state == "running"  # it went on


def test_a_run_is_seen_soon_after_it_has_begun(results: Path, clock: Clock) -> None:
    index = index_of(clock, results)
    index.refresh()
    folder = results / "new"
    folder.mkdir()
    shutil.copy(results / "halted" / "experiment.yaml", folder)  # what a run writes first
    clock.now += 1
    assert index.refresh().rows["new"].state == "stopped"
    tell(folder)
    clock.now += 1
    assert index.refresh().rows["new"].state == "running"


def test_what_was_left_long_ago_is_stopped_at_the_first_look(results: Path, clock: Clock) -> None:
    folder = tell(results / "new")
    long_ago = time.time() - 3600
    os.utime(folder / "progress.json", (long_ago, long_ago))
    assert index_of(clock, results).refresh().rows["new"].state == "stopped"


def test_a_lease_beats_for_a_run_that_keeps_no_progress(results: Path, clock: Clock) -> None:
    lease = results / "halted" / "lease.json"
    lease.write_text(json.dumps({"number": 1}))
    index = index_of(clock, results)
    assert index.refresh().rows["halted"].state == "running"
    clock.now += 10
    lease.write_text(json.dumps({"number": 11}))
    assert index.refresh().rows["halted"].state == "running"
    clock.now += DEAD_AFTER + 1
    assert index.refresh().rows["halted"].state == "stopped"


def test_a_snapshot_has_another_number_only_if_something_changed(
    results: Path, clock: Clock
) -> None:
    folder = tell(results / "new")
    index = index_of(clock, results)
    first = index.refresh()
    clock.now += 1
    assert index.refresh() is first
    tell(folder, seconds_left=3.0)
    assert index.refresh().number == first.number + 1


def test_what_has_gone_is_forgotten(results: Path, clock: Clock) -> None:
    folder = tell(results / "new")
    index = index_of(clock, results)
    assert "new" in index.refresh().rows
    (folder / "progress.json").unlink()
    folder.rmdir()
    assert "new" not in index.refresh().rows


def test_what_has_ended_is_looked_at_seldom_and_its_trials_never(
    results: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    look = ReadOnlyStore.look

    def counted(self: ReadOnlyStore, folder: str = "") -> Look:
        looked.append(folder)
        return look(self, folder)

    monkeypatch.setattr(ReadOnlyStore, "look", counted)
    monkeypatch.setattr(ReadOnlyStore, "paths", lambda *_: pytest.fail("trials were listed"))
    tell(results / "new")
    index = index_of(clock, results)
    index.refresh()
    looked.clear()
    for _ in range(5):
        clock.now += 1
        index.refresh()
    assert sorted(set(looked)) == ["", "new"]


def test_storage_that_is_away_leaves_what_was_known_and_comes_back(
    results: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tell(results / "new")
    index = index_of(clock, results)
    index.refresh()

    def away(self: ReadOnlyStore, folder: str = "") -> Look:
        raise StoreError(f"{self.url}: cannot be listed: nobody answers")

    with monkeypatch.context() as patch:
        patch.setattr(ReadOnlyStore, "look", away)
        clock.now += 1
        found = index.refresh()
        assert found.rows["new"].progress is not None
        assert "nobody answers" in found.problems[0].sentence
        since = found.problems[0].since
        clock.now += 1
        assert index.refresh().problems[0].since == since
    clock.now += 1
    tell(folder, state="done")
    found = index.refresh()
    assert (found.problems, found.rows["new"].state) == ([], "done")


def test_what_nobody_foresaw_is_told_in_its_row(
    results: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(results / "new")
    monkeypatch.setattr("tuner_job.web.folder.read_row", lambda *_: 1 / 0)
    rows = index_of(clock, results).refresh().rows
    assert "ZeroDivisionError" in rows["new"].problem


def test_a_progress_of_a_later_version_is_read(results: Path, clock: Clock) -> None:
    document = progress("new") | {"of_a_later_version": 1}
    (results / "new").mkdir()
    (results / "new" / "progress.json").write_text(json.dumps(document))
    assert index_of(clock, results).refresh().rows["new"].state == "running"
