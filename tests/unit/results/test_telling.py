"""How a run goes and how it ended, as the store tells it."""

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from tuner_job.errors import ConfigError, DataError, Interrupted, RunError
from tuner_job.process import interruption
from tuner_job.process.owner import OWNER
from tuner_job.records import ModelProgressRecord, ProgressRecord, utc
from tuner_job.results import telling
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.progress import in_words
from tuner_job.results.store import Store
from tuner_job.results.telling import End, Telling, end_by, refusal_told


def test_a_run_that_came_to_its_end_is_done() -> None:
    assert end_by(None) == End("done")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted()])
def test_a_signal_cancels(error: BaseException) -> None:
    assert end_by(error).state == "cancelled"
    assert "goes on from here" in end_by(error).reason


def test_a_command_that_gave_up_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "_because", "Ray has ended")
    assert end_by(KeyboardInterrupt()) == End("failed", "Ray has ended")


def test_a_failure_says_why_in_one_line_without_secrets() -> None:
    error = ConfigError("models:\n  - s3://user:word@bucket/a is none")
    assert end_by(error) == End("failed", "models: - s3://bucket/a is none")
    assert end_by(RunError("x" * 5000)).reason.startswith("xxx")
    assert len(end_by(RunError("x" * 5000)).reason) <= 1001
    assert end_by(KeyError("k")).reason == "something unforeseen happened: KeyError: 'k'"


def so_far(**changes: object) -> ProgressRecord:
    found = ProgressRecord(
        experiment="exp", state="running", stage="search", metric="csmf_accuracy",
        models={"xgboost": ModelProgressRecord(planned=8, done=3, best_score=0.7, best_trial=1)},
        seconds_left=61.0, began=utc(), written=utc(),
    )  # fmt: skip
    return found.model_copy(update=changes)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExperimentStore:
    monkeypatch.setenv(OWNER, "Jane Doe")
    return ExperimentStore(Store(str(tmp_path)), "exp")


def of(store: ExperimentStore, **more: Any) -> Telling:
    return Telling(store.store, "exp", so_far, **more)


def test_a_run_tells_its_progress_its_log_and_its_end(store: ExperimentStore) -> None:
    with telling.telling(of(store)) as log:
        log.say("exp: 30 deaths")
        logging.getLogger("tuner_job.a_test").warning("one site is small")
    found = store.progress()
    assert found is not None
    assert (found.state, found.stage, found.seconds_left, found.reason) == ("done", None, None, "")
    assert (found.owner, found.models["xgboost"].done) == ("Jane Doe", 3)
    assert found.began <= found.written
    lines = [line.partition(" ")[2] for line in store.read_log()]
    assert lines[0].startswith("va-tuning ")
    assert lines[0].endswith(found.run_by)
    assert {"exp: 30 deaths", "one site is small"} <= set(lines)
    assert lines[-1].startswith("done after ")


def test_a_failure_is_told_with_its_reason(store: ExperimentStore) -> None:
    with pytest.raises(RunError), telling.telling(of(store)):
        raise RunError("xgboost: 5 of 5 trials failed")
    found = store.progress()
    assert found is not None
    assert (found.state, found.stage) == ("failed", "search")
    assert found.reason == "xgboost: 5 of 5 trials failed"
    assert store.read_log()[-1].endswith(": xgboost: 5 of 5 trials failed")


def test_an_unforeseen_error_leaves_its_traceback_in_the_log(store: ExperimentStore) -> None:
    with pytest.raises(KeyError), telling.telling(of(store)):
        raise KeyError("k")
    text = "\n".join(store.read_log())
    assert "Traceback" in text
    assert "test_telling.py" in text
    assert "failed after" in store.read_log()[-1]


def test_a_run_that_was_taken_over_tells_nothing_any_more(store: ExperimentStore) -> None:
    with telling.telling(of(store)):
        pass
    before = store.progress()
    with pytest.raises(Interrupted), telling.telling(of(store, lost=lambda: True)):
        raise Interrupted
    assert store.progress() == before


def test_a_signal_is_told_at_once(store: ExperimentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with telling.telling(of(store)):
        monkeypatch.setattr(interruption, "asked", lambda: True)  # while the work goes on
        limit = time.monotonic() + 120
        while (found := store.progress()) is None or found.state != "cancelled":
            assert time.monotonic() < limit
            time.sleep(0.01)
        assert found.stage == "search"
        assert found.seconds_left is None
        assert " cancelled after " in store.read_log()[-1]  # it may not live to say more
        monkeypatch.undo()
    assert (now := store.progress()) is not None
    assert now.state == "done"


def test_progress_in_words() -> None:
    assert in_words(so_far()) == "search: xgboost 3 of 8, best 0.7000; about 1 min 01 s left"
    ended = so_far(state="done", stage=None, models={"xgboost": ModelProgressRecord(done=3)})
    assert in_words(ended) == "done: xgboost 3, best –"


def refuse(store: ExperimentStore, job: str | None) -> None:
    with (
        pytest.raises(DataError),
        refusal_told(store.store.url, "exp", "csmf_accuracy", job),
    ):
        raise DataError("deaths.csv: has no column cause")


def test_in_a_rayjob_a_refusal_is_told(store: ExperimentStore) -> None:
    refuse(store, "uid")
    found = store.progress()
    assert found is not None
    assert (found.state, found.stage) == ("failed", "loading")
    assert found.reason == "deaths.csv: has no column cause"
    assert store.read_log()[-1].endswith(": deaths.csv: has no column cause")


def test_on_a_laptop_a_refusal_writes_nothing(store: ExperimentStore) -> None:
    refuse(store, None)
    assert store.store.paths("") == []


def test_a_refusal_does_not_pass_for_the_state_of_earlier_results(store: ExperimentStore) -> None:
    with telling.telling(of(store)):
        store.store.put("exp/experiment.yaml", b"name: exp")
    done = store.progress()
    refuse(store, "uid")
    assert store.progress() == done
    assert "has no column cause" in store.read_log()[-1]


def test_what_began_has_told_its_end_itself(store: ExperimentStore) -> None:
    with (
        pytest.raises(RunError),
        refusal_told(store.store.url, "exp", "csmf_accuracy", "uid"),
        telling.telling(of(store)),
    ):
        raise RunError("most trials failed")
    assert len(store.log_pieces()) == 1
