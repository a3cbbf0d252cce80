"""Deaths that a model was fitted on are recognised, and nothing is kept of a single one."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.stored import DEATHS, KEPT, copy
from tuner_job.data.dataset import FloatArray, IntArray, digest_of_rows
from tuner_job.prediction.predict import load_model
from tuner_job.prediction.seen import seen
from tuner_job.prediction.tuned_model import TunedModel
from tuner_job.records import FittedRows
from tuner_job.results.experiment_store import open_experiment

N_HELD_OUT = 30


@pytest.fixture(scope="module")
def tuned() -> TunedModel:
    found = load_model(open_experiment(str(KEPT / "finished")), "xgboost")
    return replace(found, data=found.data.model_copy(update={"source": "/nowhere/deaths.csv"}))


@pytest.fixture(scope="module")
def deaths(tuned: TunedModel) -> tuple[FloatArray, IntArray]:
    read = tuned.read(str(DEATHS))
    assert read.y is not None
    return read.X, read.y


@pytest.fixture(scope="module")
def fitted_on(deaths: tuple[FloatArray, IntArray]) -> FittedRows:
    X, y = deaths
    return FittedRows(
        n_rows=len(y),
        n_held_out=N_HELD_OUT,
        digest=digest_of_rows(X, y),
        held_out_digest=digest_of_rows(X[:N_HELD_OUT], y[:N_HELD_OUT]),
    )


def at_hand(tuned: TunedModel, path: Path) -> TunedModel:
    return replace(tuned, data=tuned.data.model_copy(update={"source": str(path)}))


def test_a_digest_knows_neither_order_nor_kinds_of_missing() -> None:
    X = np.array([[1, np.nan], [0, 2], [0, 2]], np.float32)
    y = np.array([0, 1, 1], np.int32)
    found = digest_of_rows(X, y)
    other_nan = X.copy()
    other_nan.view(np.uint32)[0, 1] += 1
    other_nan[1, 0] = -0.0
    assert digest_of_rows(other_nan[::-1], y[::-1]) == found
    assert digest_of_rows(X[:2], y[:2]) != found, "a copy counts"
    assert digest_of_rows(X, y[::-1].copy()) != found, "the cause counts"


def test_the_whole_file_and_the_hold_out_are_recognised_in_any_order(
    tuned: TunedModel, fitted_on: FittedRows, deaths: tuple[FloatArray, IntArray]
) -> None:
    X, y = deaths
    order = np.random.default_rng(3).permutation(len(y))
    assert "fitted on these very 120 deaths" in seen(tuned, fitted_on, X[order], y[order])
    held_out = seen(tuned, fitted_on, X[:N_HELD_OUT][::-1], y[:N_HELD_OUT][::-1])
    assert "these are the 30 deaths of the hold-out, and the model that is kept was" in held_out
    assert "in-sample" in held_out


def test_some_deaths_are_counted_where_the_training_file_is_at_hand(
    tuned: TunedModel,
    fitted_on: FittedRows,
    deaths: tuple[FloatArray, IntArray],
    tmp_path: Path,
) -> None:
    (X, y), path = deaths, tmp_path / "deaths.csv"
    new = X[:10].copy()
    new[:4, 0] = 7
    assert "cannot be told here" in seen(tuned, fitted_on, new, y[:10])
    path.write_bytes(DEATHS.read_bytes())
    there = at_hand(tuned, path)
    assert seen(there, fitted_on, new, y[:10]).startswith(
        "6 of the 10 deaths are among the 120 that the model was fitted on, so these figures are "
        "in part"
    )
    assert "none of them is among the 120" in seen(there, fitted_on, new[:4], y[:4])
    assert "10 of the 10 deaths are among" in seen(there, fitted_on, X[:10], y[:10])


def test_a_training_file_that_has_changed_or_cannot_be_read_tells_nothing(
    tuned: TunedModel,
    fitted_on: FittedRows,
    deaths: tuple[FloatArray, IntArray],
    tmp_path: Path,
) -> None:
    (X, y), path = deaths, tmp_path / "deaths.csv"
    lines = DEATHS.read_text().splitlines(keepends=True)
    for content in ("".join(lines[:-1]), "nonsense\n", ""):
        path.write_text(content)
        assert "cannot be told here" in seen(at_hand(tuned, path), fitted_on, X[:5], y[:5])
    assert "cannot be told here" in seen(tuned, None, X, y), "an earlier version kept nothing"


def test_in_python_too_the_best_model_is_taken_and_said(tmp_path: Path) -> None:
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tuner_job.prediction.predict")
    logger.addHandler(handler)
    try:
        model = load_model(open_experiment(str(copy(tmp_path))))
    finally:
        logger.removeHandler(handler)
    assert model.family == "logistic_regression"
    assert len(told) == 1
    assert "takes logistic_regression: simpler than xgboost" in told[0]
