"""An experiment's trials as a journal of Optuna's, and as tables."""

import shutil
import warnings
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from tests.unit import stored
from tests.unit.results.conftest import STORED, VERSIONS
from tuner_job.api.run import open_results
from tuner_job.errors import InputError
from tuner_job.records import FoldRecord, Source, TrialRecord
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.search.samplers.optuna import Searched, journal_of
from tuner_job.search_space import Choices, ModelSearchSpace, Range

SPACE = ModelSearchSpace.model_validate(
    {
        "depth": [2, 4, None],
        "rate": {"low": 0.01, "high": 1.0, "log": True},
        "ratio": {"choices": [0.2, 0.8], "when": {"depth": 4}},
    }
).parameters
ENDED = "2026-01-02T03:04:05.000+00:00"


def fold(n: int, score: float) -> FoldRecord:
    scores = {"csmf_accuracy": score, "ccc": score / 2}
    return FoldRecord(fold=n, n_validation=9, validation=scores, train=scores, fit_seconds=1.5)


def trial(number: int, state: str, *scores: float, **more: object) -> TrialRecord:
    folds = [fold(n, score) for n, score in enumerate(scores)]
    mean = sum(scores) / len(scores) if scores else 0.0
    whole = {"csmf_accuracy": mean, "ccc": mean / 2} if state == "complete" and folds else {}
    content = {"params": {"depth": 2, "rate": 0.1}, "batch": number, "scores": whole, **more}
    content |= {"trial": number, "state": state, "folds": folds, "finished_at": ENDED}
    return TrialRecord.model_validate(content)


RECORDS = [
    trial(-1, "complete", 0.5, 0.6),
    trial(0, "complete", 0.7, 0.9, source=Source(address="r/a", commit=2, trial=17)),
    trial(1, "pruned", 0.4, params={"depth": 4, "rate": 0.2, "ratio": 0.8}),
    trial(2, "failed", params={"depth": None, "rate": 0.3}, error="ValueError: no"),
    trial(3, "complete", duplicate_of=0),
    trial(4, "complete", 0.6, 0.6, params={"depth": 2, "rate": 5.0}),
]


def studies_of(content: bytes, folder: Path) -> list[optuna.Study]:
    path = folder / "journal.log"
    path.write_bytes(content)
    storage = JournalStorage(JournalFileBackend(str(path)))
    names = optuna.get_all_study_names(storage)
    return [optuna.load_study(study_name=name, storage=storage) for name in names]


def searched(*objectives: str) -> Searched:
    return Searched("a/forest", objectives, SPACE, RECORDS, {"validation": "dirichlet"})


def test_a_study_has_the_trials_as_they_ended(tmp_path: Path) -> None:
    (study,) = studies_of(journal_of([searched("csmf_accuracy")]), tmp_path)
    assert (study.study_name, study.metric_names) == ("a/forest", ["csmf_accuracy"])
    assert study.user_attrs == {"validation": "dirichlet"}
    states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, *[TrialState.COMPLETE] * 2]
    assert [one.state for one in study.trials] == states
    first, pruned, failed, repeated, outside = study.trials
    assert first.value == repeated.value == pytest.approx(0.8)
    assert study.best_trial.number == 0
    assert first.intermediate_values == pytest.approx({0: 0.7, 1: 0.8})
    assert pruned.intermediate_values == {0: 0.4}
    assert pruned.params == {"depth": 4, "rate": 0.2, "ratio": 0.8}
    assert "ratio" not in first.params
    assert failed.params["depth"] is None
    assert failed.user_attrs["error"] == "ValueError: no"
    assert repeated.user_attrs["duplicate_of"] == 0
    assert first.user_attrs["source"] == "trial 17 of r/a"
    assert first.user_attrs["source_commit"] == 2
    assert "rate" not in outside.params
    assert outside.user_attrs["rate"] == 5.0
    assert first.distributions["rate"] == optuna.distributions.FloatDistribution(0.01, 1, log=True)
    assert first.duration is not None
    assert first.duration.total_seconds() == 3.0


def test_several_objectives_have_directions_and_no_values_between(tmp_path: Path) -> None:
    (study,) = studies_of(journal_of([searched("csmf_accuracy", "ccc")]), tmp_path)
    assert [one.name for one in study.directions] == ["MAXIMIZE", "MAXIMIZE"]
    assert study.trials[0].values == pytest.approx([0.8, 0.4])
    assert study.trials[0].intermediate_values == {}


def test_the_same_trials_are_the_same_bytes() -> None:
    assert journal_of([searched("ccc")]) == journal_of([searched("ccc")])


@pytest.mark.parametrize("version", VERSIONS)
def test_what_any_version_stored_becomes_a_study_a_model(version: str, tmp_path: Path) -> None:
    shutil.copytree(STORED / version / "finished", tmp_path / "stored")
    run = open_results(str(tmp_path / "stored"))
    path = run.export(tmp_path / "all.log")
    studies = studies_of(path.read_bytes(), tmp_path)
    store: ExperimentStore = run.store  # type: ignore[attr-defined]
    assert {study.study_name for study in studies} == {f"stored/{m}" for m in store.models()}
    for study in studies:
        own = store.load_trials(study.study_name.partition("/")[2])
        assert len(study.trials) == len(own) - 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert study.best_value == max(
                one.scores["csmf_accuracy"] for one in own if one.trial >= 0 and one.scores
            )


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return stored.copy(tmp_path)


@pytest.mark.parametrize("ending", ["csv", "parquet", "log"])
def test_a_file_that_is_there_stays_unless_it_is_told_otherwise(
    results: Path, tmp_path: Path, ending: str
) -> None:
    target = tmp_path / f"trials.{ending}"
    target.write_text("mine")
    refused = stored.run("export", results, "--to", target)
    assert refused.exit_code == 2
    assert "is there already; name another file, or have it replaced by --overwrite" in (
        " ".join(refused.stderr.split())
    )
    assert target.read_text() == "mine"
    told = stored.run("export", results, "--to", target, "--overwrite")
    assert (told.exit_code, target.read_bytes() == b"mine") == (0, False)


def test_tables_are_those_of_show(results: Path, tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        open_results(str(results)).export(tmp_path / f"a.{ending}")
        shown = stored.run(
            "show", results, "--trials", "--wide", "--output", tmp_path / f"b.{ending}"
        )
        assert shown.exit_code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert pd.read_parquet(tmp_path / "a.parquet").equals(pd.read_parquet(tmp_path / "b.parquet"))


def test_what_cannot_be_written_is_one_sentence(results: Path, tmp_path: Path) -> None:
    run = open_results(str(results))
    with pytest.raises(InputError, match=r"must end in \.log, \.parquet or \.csv"):
        run.export(tmp_path / "trials.json")
    with pytest.raises(InputError, match="there is no folder"):
        run.export(tmp_path / "none" / "trials.log")
    with pytest.raises(InputError, match="is part of the experiment's results"):
        run.export(results / "xgboost" / "trials.log")


def test_parameters_of_any_kind_keep_their_values(tmp_path: Path) -> None:
    kinds: dict[str, Choices | Range] = {
        "flag": Choices(choices=[True, False]),
        "name": Choices(choices=["a", "b", None]),
        "step": Range(low=0.1, high=1.0, step=0.3),
        "whole": Range(low=1, high=9, step=2),
    }
    params = {"flag": False, "name": None, "step": 0.4, "whole": 7}
    record = trial(0, "complete", 0.5, 0.5, params=params)
    (study,) = studies_of(journal_of([Searched("a/b", ["ccc"], kinds, [record])]), tmp_path)
    assert study.trials[0].params == params
