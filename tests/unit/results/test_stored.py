"""What earlier versions stored is still read, with the same results."""

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tuner_job.cli.main import main
from tuner_job.prediction.predict import load_model
from tuner_job.results.cache import TunedModelCache
from tuner_job.results.check import find_damage
from tuner_job.results.experiment_store import ExperimentStore

pytestmark = pytest.mark.slow

MODELS = ["logistic_regression", "random_forest", "xgboost"]


def va_tuning(*arguments: str) -> str:
    outcome = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_show_prints_the_same_trials(of_version: tuple[Path, ExperimentStore]) -> None:
    kept, stored = of_version
    assert va_tuning("show", stored.url, "--trials") == (kept / "trials.csv").read_text()
    assert "xgboost" in va_tuning("show", stored.url)


def test_the_report_is_written_from_it(of_version: tuple[Path, ExperimentStore]) -> None:
    _, stored = of_version
    va_tuning("report", stored.url)
    assert "random_forest" in (Path(stored.url) / "report.html").read_text()


def test_nothing_of_it_counts_as_damaged(of_version: tuple[Path, ExperimentStore]) -> None:
    assert find_damage(of_version[1]) == []


@pytest.mark.parametrize("model", MODELS)
def test_its_models_predict_the_same(
    of_version: tuple[Path, ExperimentStore], tmp_path: Path, model: str
) -> None:
    kept, stored = of_version
    rows = (kept / "deaths.csv").read_text().splitlines(keepends=True)[:11]
    (tmp_path / "new.csv").write_text("".join(rows))
    output = tmp_path / "predictions.csv"
    va_tuning(
        "predict", stored.url, str(tmp_path / "new.csv"), "--model", model, "--output", str(output)
    )
    columns, kept_columns = read(output), read(kept / f"predictions-{model}.csv")
    assert {name: columns[name] for name in kept_columns} == kept_columns
    assert set(columns["doubtful_answers"]) == {"0"}
    P = load_model(stored, model).predict_proba(np.zeros((1, 10), dtype=np.float32))
    assert abs(P.sum() - 1) < 1e-6
    assert TunedModelCache(stored.store).load_best_params("stored", model)


def read(path: Path) -> dict[str, tuple[str, ...]]:
    """A table's columns; later versions add some."""
    with path.open(newline="", encoding="utf-8") as file:
        return {column[0]: column[1:] for column in zip(*csv.reader(file), strict=True)}
