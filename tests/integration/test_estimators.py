"""Models of other packages and own modules, from the file to a prediction, on real Ray."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.integration.experiments import kill_when, run, start, trials_table, tune
from tests.integration.test_holdout import experiment
from tuner_job import Experiment, open_results
from tuner_job.errors import StoreError
from tuner_job.own_code.importing import forget

pytestmark = pytest.mark.timeout(1500)

OWN = """
from sklearn.naive_bayes import BernoulliNB
from va_helper import HALF

class Own(BernoulliNB):
    def __init__(self, *, alpha=1.0, binarize=HALF):
        super().__init__(alpha=alpha, binarize=binarize)
"""
ESTIMATORS = {
    "boosting": {
        "class": "sklearn.ensemble.HistGradientBoostingClassifier",
        "fixed": {"early_stopping": False, "max_leaf_nodes": 4},
        "path": "max_iter",
    },
    "own": {"class": "va_models:Own"},
}
TUNING: dict[str, Any] = {
    "search_method": "grid",
    "cv_folds": 3,
    "search_spaces": {
        "boosting": {"learning_rate": [0.1, 0.3], "max_iter": [2, 5, 8]},
        "own": {"alpha": [0.1, 1.0, 10.0]},
    },
}
TRUST = ("--trust", "va_models", "sklearn.ensemble._hist_gradient_boosting")


def write(folder: Path, **changes: Any) -> Path:
    (folder / "va_models.py").write_text(OWN)
    (folder / "va_helper.py").write_text("HALF = 0.5\n")
    content = {
        "models": ["boosting", "own", "ensemble"],
        "estimators": ESTIMATORS,
        "tuning": TUNING,
        **changes,
    }
    return experiment(folder, **content)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment that was killed once and then went on, and its results."""
    folder = tmp_path_factory.mktemp("made")
    path, results = write(folder), folder / "results"
    process = start("tune", path, "--results", results, "--workers", "2")
    kill_when(process, lambda: len(list(results.glob("small/*/trials/0*.json"))) > 1)
    tune(path, results, "--takeover")
    tune(path, folder / "whole")
    assert trials_table(results) == trials_table(folder / "whole")
    return folder


def test_trials_models_and_report_are_there_as_of_any_other_model(made: Path) -> None:
    summary = json.loads((made / "results" / "small" / "summary.json").read_text())
    assert [study["model"] for study in summary["studies"]] == ["boosting", "own", "ensemble"]
    document = (made / "results" / "small" / "experiment.yaml").read_text()
    assert "va_models" in document
    assert "HALF" not in document
    assert "boosting" in (made / "results" / "small" / "report.html").read_text()
    for command in ("show", "report"):
        code, _, err = run(command, made / "results")
        assert code == 0, err


def test_predicting_runs_no_code_that_is_not_trusted(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results, deaths = made / "results" / "small", made / "deaths.csv"
    code, _, err = run("predict", results, deaths, "--model", "ensemble")
    assert code == 2
    assert "--trust sklearn.ensemble._hist_gradient_boosting.predictor --trust va_models" in err
    assert not list(tmp_path.iterdir())
    code, _, err = run("predict", results, deaths, "--model", "ensemble", *TRUST)
    assert code == 2
    assert "needs the module va_models, which is not installed here" in err
    for name in ("va_models.py", "va_helper.py"):
        shutil.copy(made / name, tmp_path)
    code, _, err = run("predict", results, deaths, "--model", "ensemble", *TRUST)
    assert code == 0, err
    assert len((tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()) > 100
    assert "differs" not in err
    (tmp_path / "va_models.py").write_text(OWN + "\n# changed\n")
    code, _, err = run("predict", results, deaths, "--model", "own", *TRUST)
    assert code == 0, err
    assert "va_models.py differs from the one that the model was fitted with" in err


def test_from_python_the_same_two_arguments(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    forget()
    run_ = open_results(str(made / "results" / "small"))
    with pytest.raises(StoreError, match=r"trust=\['va_models'\]"):
        run_.model("own")
    X = Experiment.from_file(made / "experiment.yaml").prepare().dataset.X
    P = run_.model("own", trust=["va_models"]).predict_proba(X)
    trusting = open_results(str(made / "results" / "small"), trust=["va_models"])
    assert (trusting.model("own").predict_proba(X) == P).all()


def test_a_changed_own_module_is_another_experiment(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "results", tmp_path / "results")
    path = write(tmp_path, data={"source": str(made / "deaths.csv"), "label": "cause"})
    (tmp_path / "va_models.py").write_text(OWN + "\n# changed\n")
    code, _, err = run("tune", path, "--results", tmp_path / "results")
    assert code == 2
    assert "code.va_models" in err


@pytest.mark.long
def test_asha_stops_them_after_some_folds(tmp_path: Path) -> None:
    spaces = {"boosting": TUNING["search_spaces"]["boosting"]}
    tuning = {"search_method": "asha", "n_trials": 3, "cv_folds": 3, "search_spaces": spaces}
    estimators = {"boosting": ESTIMATORS["boosting"]}
    path = write(tmp_path, tuning=tuning, models=["boosting"], estimators=estimators)
    tune(path, tmp_path / "results")
    assert len(list(tmp_path.glob("results/small/boosting/trials/0*.json"))) == 3
