"""A search that its budget ended goes on where more is asked for than before."""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.results.conftest import STORED
from tuner_job.config.load import load_experiment
from tuner_job.experiment.begin import find_unfinished
from tuner_job.experiment.context import Run
from tuner_job.experiment.finish import _choose
from tuner_job.problem import prepare
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.store import Store

ASKED = {"trials": 4, "timeout": 60.0, "cpu_seconds": None}


def is_left(folder: Path, asked: dict[str, Any] | None, **changes: Any) -> bool:
    """Whether a model is searched further whose search had ended after three of four trials by
    its time."""
    put(folder)
    commit = folder / "results" / "stored" / "xgboost" / "commits" / "0001.json"
    content = json.loads(commit.read_text())
    content["summary"] |= {"stopped_by": "timeout", "n_trials": {"complete": 3}}
    commit.write_text(json.dumps(content | ({"asked": asked} if asked else {})))
    run = run_in(folder, **changes)
    find_unfinished(run)
    return "xgboost" in run.unfinished


def put(folder: Path) -> None:
    """Copy an experiment that an earlier version finished."""
    shutil.copytree(STORED / "0.5.0" / "finished", folder / "results" / "stored")


def run_in(folder: Path, **changes: Any) -> Run:
    """Go on with it, changed."""
    file = yaml.safe_load((STORED / "0.5.0" / "experiment.yaml").read_text())
    file |= {"models": ["xgboost"], "results": str(folder / "results"), **changes}
    file["tuning"] = {**file["tuning"], "search_spaces": {}, "n_trials": 4} | changes.get(
        "tuning", {}
    )
    file["data"]["source"] = str(STORED / "0.5.0" / "deaths.csv")
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(file))
    prepared = prepare(load_experiment(path))
    store = ExperimentStore(Store(prepared.config.results), "stored")
    monitor = TuningMonitor({**prepared.planned()})
    return Run(prepared, store, 1, monitor, lambda: False, False, None, ExitStack())


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"budget": {"timeout": 60}}, False),
        ({"budget": {"timeout": 30}}, False),
        ({"budget": {"timeout": 90}}, True),
        ({}, True),
        ({"budget": {"timeout": 60}, "tuning": {"n_trials": 9}}, True),
        ({"budget": {"timeout": 90}, "tuning": {"n_trials": 3}}, False),
    ],
    ids=str,
)
def test_more_is_searched_where_more_is_asked_for(
    tmp_path: Path, changes: dict[str, Any], left: bool
) -> None:
    assert is_left(tmp_path, ASKED, **changes) == left


def test_a_trial_of_other_folds_is_not_chosen(tmp_path: Path) -> None:
    put(tmp_path)
    run = run_in(tmp_path)
    path = tmp_path / "results" / "stored" / "xgboost" / "trials" / "000002.json"
    best = json.loads(path.read_text())
    best["folds"][0]["n_validation"] += 1
    for one in (best["scores"], *(fold["validation"] for fold in best["folds"])):
        one["csmf_accuracy"] = 1.0
    path.write_text(json.dumps(best))
    choice = _choose(run, "xgboost")
    assert choice.trial.trial != 2
    assert 2 not in [record.trial for record in choice.records]


def test_what_an_earlier_version_committed_stays_ended(tmp_path: Path) -> None:
    assert not is_left(tmp_path, None)
