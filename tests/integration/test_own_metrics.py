"""A search maximises a function of the user's own, which travels with the experiment."""

import json
from pathlib import Path

import pytest

from tests.integration.experiments import run, trials_table
from tests.integration.test_stopping import write

pytestmark = pytest.mark.timeout(900)

MODULE = """
import numpy as np
from weights import WEIGHTS


def weighted_csmf(P, y, site):
    '''CSMF accuracy with some causes counted more.'''
    n_classes = P.shape[1]
    true = np.bincount(y, minlength=n_classes) / len(y)
    weights = np.resize(WEIGHTS, n_classes)
    return 1 - (weights * np.abs(true - P.mean(axis=0))).sum() / (2 * (1 - true.min()))


def fails_late(P, y, site):
    if P.max() > 0.5:
        raise ValueError("as it were")
    return 0.0
"""
NAME = "my_metrics:weighted_csmf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_metrics.py").write_text(MODULE)
    (tmp_path / "weights.py").write_text("WEIGHTS = [2.0, 1.0]\n")
    return tmp_path


def asked(folder: Path, metric: object, method: str = "random") -> str:
    tuning = {"search_method": method, "n_trials": 4, "cv_folds": 3, "scoring_metric": metric}
    return write(folder, tuning=tuning, models=["naive_bayes"])


def test_it_is_what_is_maximised(folder: Path) -> None:
    results = folder / "results"
    arguments = ("--results", str(results), "--workers", "2")
    code, out, err = run("tune", asked(folder, NAME), *arguments)
    assert code == 0, err
    assert NAME in out
    (study,) = json.loads((results / "small" / "summary.json").read_text())["studies"]
    assert study["objectives"] == [NAME]
    best = study["best"]["scores"]
    trials = [
        json.loads(path.read_text())
        for path in (results / "small" / "naive_bayes" / "trials").glob("*.json")
    ]
    scores = [one["scores"][NAME] for one in trials if one["trial"] >= 0]
    assert len(scores) == 4
    assert best[NAME] == max(scores)
    assert NAME in (results / "small" / "report.html").read_text()

    table = trials_table(results)
    assert run("tune", asked(folder, NAME), *arguments)[0] == 0
    assert trials_table(results) == table
    (folder / "weights.py").write_text("WEIGHTS = [1.0, 1.0]\n")
    code, _, err = run("tune", asked(folder, NAME), *arguments)
    assert code == 2
    assert "another experiment (code.weights: " in err


def test_several_objectives_may_hold_one(folder: Path) -> None:
    results = folder / "results"
    metric = ["cod_accuracy", NAME]
    code, _, err = run(
        *("tune", asked(folder, metric, "optuna"), "--results", str(results), "--workers", "1")
    )
    assert code == 0, err
    (study,) = json.loads((results / "small" / "summary.json").read_text())["studies"]
    assert study["objectives"] == metric


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("my_metrics:weighted", "tuning.scoring_metric: my_metrics has no weighted; did you mean"),
        ("nowhere:metric", "tuning.scoring_metric: there is no module nowhere installed here"),
        ("my_metrics.py:metric", "tuning.scoring_metric: "),
        ("broken:metric", "tuning.scoring_metric: broken.py cannot be imported: NameError in line"),
        ("cod", "must be among csmf_accuracy"),
        (["csmf_accuracy", NAME, NAME], "objectives must be distinct"),
    ],
)
def test_what_is_no_metric_is_refused_before_anything_runs(
    folder: Path, metric: object, said: str
) -> None:
    (folder / "broken.py").write_text("x = 1\ny = z\n")
    code, _, err = run("validate", asked(folder, metric))
    assert code == 2
    assert said in err


def test_one_that_fails_on_fits_fails_its_trials_with_a_traceback(folder: Path) -> None:
    results = folder / "results"
    code, _, err = run(
        *("tune", asked(folder, "my_metrics:fails_late"), "--results", str(results)),
        *("--workers", "1"),
    )
    assert code == 1
    assert "my_metrics:fails_late failed: ValueError: as it were" in err
    (first, *_) = (results / "small" / "naive_bayes" / "errors").glob("*")
    assert "my_metrics.py" in first.read_text()


@pytest.mark.long
def test_a_comparison_searches_anew_once_its_metric_has_changed(folder: Path) -> None:
    comparison = {"experiments": ["out_domain"], "n_bootstrap": 5, "tune": True}
    tuning = {"search_method": "random", "n_trials": 2, "cv_folds": 2, "scoring_metric": NAME}
    models = ["naive_bayes"]
    results = str(folder / "results")
    file = write(folder, tuning=tuning, models=models, comparison=comparison, results=results)
    place = folder / "results" / "small"

    def compared(*options: str) -> set[str]:
        code, _, err = run("compare", file, *options)
        assert code == 0, err
        return {path.name for path in (place / "tuning").iterdir()}

    first = compared()
    assert first
    assert compared("--clear-checkpoints") == first
    (folder / "weights.py").write_text("WEIGHTS = [1.0, 3.0]\n")
    again = compared("--clear-checkpoints")
    assert len(again) == 2 * len(first)
    assert again > first
