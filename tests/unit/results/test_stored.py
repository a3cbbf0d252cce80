"""What earlier versions stored is still read, with the same results."""

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.unit.results.conftest import STORED
from tuner_job.cli import main
from tuner_job.prediction import load_model
from tuner_job.results.cache import TunedModelCache
from tuner_job.results.check import find_damage
from tuner_job.results.experiment_store import ExperimentStore

MODELS = ["logistic_regression", "random_forest", "xgboost"]


def va_tuning(*arguments: str) -> str:
    outcome = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_show_prints_the_same_trials(finished: ExperimentStore) -> None:
    assert va_tuning("show", finished.url, "--trials") == (STORED / "0.1.0" / "trials.csv").read_text()
    assert "xgboost" in va_tuning("show", finished.url)


def test_the_report_is_written_from_it(finished: ExperimentStore) -> None:
    va_tuning("report", finished.url)
    assert "random_forest" in (Path(finished.url) / "report.html").read_text()


def test_nothing_of_it_counts_as_damaged(finished: ExperimentStore) -> None:
    assert find_damage(finished) == []


@pytest.mark.parametrize("model", MODELS)
def test_its_models_predict_the_same(finished: ExperimentStore, tmp_path: Path, model: str) -> None:
    rows = (STORED / "0.1.0" / "deaths.csv").read_text().splitlines(keepends=True)[:11]
    (tmp_path / "new.csv").write_text("".join(rows))
    output = tmp_path / "predictions.csv"
    va_tuning("predict", finished.url, str(tmp_path / "new.csv"), "--model", model, "--output", str(output))
    assert read(output) == read(STORED / "0.1.0" / f"predictions-{model}.csv")
    P = load_model(finished, model).predict_proba(np.zeros((1, 10), dtype=np.float32))
    assert abs(P.sum() - 1) < 1e-6
    assert TunedModelCache(finished.store).load_best_params("stored", model)


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))
