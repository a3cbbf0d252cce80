"""What runs have said, kept in pieces in the store."""

import logging
from pathlib import Path

import pytest

from tuner_job.errors import StoreError
from tuner_job.results import run_log
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.run_log import RunLog, log_pieces, read_log
from tuner_job.results.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def said(store: Store, tail: int | None = None) -> list[str]:
    """The lines without their times."""
    return [line.partition(" ")[2] for line in ExperimentStore(store, "exp").read_log(tail)]


def test_what_is_said_is_read_in_order(store: Store) -> None:
    log = RunLog(store, "exp")
    assert said(store) == []
    log.say("one")
    log.write()
    log.say("two")
    log.say("three")
    log.write()
    assert said(store) == ["one", "two", "three"]
    assert said(store, tail=2) == ["two", "three"]
    assert said(store, tail=0) == []
    assert len(log_pieces(store, "exp")) == 1


def test_nothing_new_is_not_written_again(store: Store, tmp_path: Path) -> None:
    log = RunLog(store, "exp")
    log.say("one")
    log.write()
    (path,) = log_pieces(store, "exp")
    (tmp_path / path).unlink()
    log.write()
    assert log_pieces(store, "exp") == []


def test_a_full_piece_stays_and_the_middle_ones_go(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log, "PIECE", 100)
    monkeypatch.setattr(run_log, "MOST_PIECES", 4)
    log = RunLog(store, "exp")
    for number in range(100):
        log.say(f"line {number} {'x' * 30}")
        log.write()
    pieces = log_pieces(store, "exp")
    assert len(pieces) == 4
    assert all(len(store.get(path) or b"") < 200 for path in pieces)
    lines = said(store)
    assert lines[0].startswith("line 0 ")
    assert lines[-1].startswith("line 99 ")
    assert said(store, tail=3) == lines[-3:]


def test_of_an_experiment_the_newest_runs_are_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log, "MOST_RUNS", 3)
    for number in range(5):
        log = RunLog(store, "exp")
        log._run = f"2026030{number}T000000Z-abcdef"
        log.say(f"run {number}")
        log.write()
    assert said(store) == ["run 2", "run 3", "run 4"]


def test_a_store_that_is_away_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log, "PIECE", 100)
    log, put = RunLog(store, "exp"), Store.put
    log.say("before")
    log.write()

    def away(*_: object) -> None:
        raise StoreError("it is away")

    monkeypatch.setattr(Store, "put", away)
    for number in range(30):
        log.say(f"line {number}")
        with pytest.raises(StoreError):
            log.write()
    monkeypatch.setattr(Store, "put", put)
    log.write()
    assert said(store) == ["before", *(f"line {number}" for number in range(30))]
    assert len(log_pieces(store, "exp")) > 3


def test_lines_that_are_too_many_are_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log, "_MOST_WAITING", 5)
    log = RunLog(store, "exp")
    for number in range(8):
        log.say(f"line {number}")
    log.write()
    lines = ExperimentStore(store, "exp").read_log()
    assert len(lines) == 6
    assert lines[-1] == "[3 lines were left out]"


def test_neither_secrets_nor_control_characters_are_kept(store: Store) -> None:
    log = RunLog(store, "exp")
    log.say("reads s3://user:word@bucket/deaths.csv?X-Amz-Signature=abc \x1b[31m\nand goes on\n")
    log.write()
    text = "\n".join(read_log(store, "exp"))
    assert "word" not in text
    assert "abc" not in text
    assert "\x1b" not in text
    assert text.endswith("\n  and goes on")


def test_what_the_package_logs_is_taken(store: Store) -> None:
    log, logger = RunLog(store, "exp"), logging.getLogger("tuner_job.a_test")
    logger.setLevel(logging.INFO)
    logger.addHandler(log)
    logger.info("%d trials", 3)
    logger.debug("details")
    logger.removeHandler(log)
    log.write()
    assert said(store) == ["3 trials"]


def test_logs_are_no_model_and_no_damage(finished: ExperimentStore) -> None:
    from tuner_job.results.check import find_damage

    before, models = find_damage(finished), finished.models()
    log = RunLog(finished.store, finished.experiment)
    log.say("something")
    log.write()
    assert (find_damage(finished), finished.models()) == (before, models)
    assert len(finished.log_pieces()) == 1
