"""What every model family must do."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tuner_job.models import FAMILIES
from tuner_job.models.base import FoldData, ModelFamily

N_CLASSES = 6
ABSENT = 3  # a cause without deaths in training
CONFIGURATIONS: dict[str, list[dict[str, Any]]] = {
    "xgboost": [
        {"max_depth": 3, "subsample": 0.8, "colsample_bytree": 0.6},
        {"learning_rate": 0.05, "reg_alpha": 0.1},
    ],
    "random_forest": [
        {"max_features": 0.5, "min_samples_leaf": 2},
        {"max_depth": 5, "class_weight": "balanced", "max_samples": 0.7},
    ],
    "logistic_regression": [
        {"penalty": "l2"},
        {"penalty": "l1"},
        {"penalty": "elasticnet", "l1_ratio": 0.5},
        {"penalty": "l2", "solver": "liblinear"},
        {"penalty": "l1", "solver": "liblinear"},
    ],
}
PATHS = {"xgboost": [5, 10, 20], "random_forest": [5, 10, 20], "logistic_regression": [0.01, 0.1, 1.0]}
CASES = [(family, params) for family, all_params in CONFIGURATIONS.items() for params in all_params]


def make_rows(n: int, seed: int) -> tuple[Any, Any]:
    """Binary symptoms that tell causes apart, some missing, one constant and one never known."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, N_CLASSES, n).astype(np.int32)
    profile = np.random.default_rng(99).random((N_CLASSES, 20))
    X = (rng.random((n, 20)) < profile[y]).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 0], X[:, 1] = 1, np.nan
    return X, y


@pytest.fixture(scope="module")
def fold() -> FoldData:
    X, y = make_rows(240, 1)
    y[y == ABSENT] = 0
    return FoldData(X, y, make_rows(60, 2)[0], X[:60], N_CLASSES)


def fresh(fold: FoldData) -> FoldData:
    """The same rows with nothing prepared."""
    return replace(fold, prepared={})


@pytest.mark.parametrize(("name", "params"), CASES)
class TestContract:
    def test_probabilities_over_the_whole_cause_list(self, name: str, params: dict[str, Any], fold: FoldData) -> None:
        points = FAMILIES[name].fit_path(fresh(fold), params, PATHS[name], 0)
        assert len(points) == len(PATHS[name])
        for point in points:
            for P in (point.P_validation, point.P_probe):
                assert P.shape == (60, N_CLASSES)
                np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-6)
                assert (P >= 0).all()
                assert (P[:, ABSENT] == 0).all()
            assert point.fit_seconds >= 0

    def test_learns(self, name: str, params: dict[str, Any], fold: FoldData) -> None:
        point = FAMILIES[name].fit_path(fresh(fold), params, PATHS[name], 0)[-1]
        assert np.mean(point.P_probe.argmax(axis=1) == fold.y_train[:60]) > 0.6

    def test_a_path_equals_fits_of_each_value_alone(self, name: str, params: dict[str, Any], fold: FoldData) -> None:
        family = FAMILIES[name]
        together = family.fit_path(fresh(fold), params, PATHS[name], 7)
        # trees: to the last bit; a convex objective: as near as its tolerance
        tolerance = 0.02 if name == "logistic_regression" else 0
        for value, point in zip(PATHS[name], together, strict=True):
            (alone,) = family.fit_path(fresh(fold), params, [value], 7)
            np.testing.assert_allclose(point.P_validation, alone.P_validation, atol=tolerance, rtol=0)
            np.testing.assert_allclose(point.P_probe, alone.P_probe, atol=tolerance, rtol=0)

    def test_values_come_back_in_the_order_asked(self, name: str, params: dict[str, Any], fold: FoldData) -> None:
        family = FAMILIES[name]
        up = family.fit_path(fresh(fold), params, PATHS[name], 7)
        down = family.fit_path(fresh(fold), params, PATHS[name][::-1], 7)
        for a, b in zip(up, down[::-1], strict=True):
            assert np.array_equal(a.P_validation, b.P_validation)

    def test_prepared_rows_change_nothing(self, name: str, params: dict[str, Any], fold: FoldData) -> None:
        family, rows = FAMILIES[name], fresh(fold)
        first = family.fit_path(rows, params, PATHS[name], 7)
        again = family.fit_path(rows, params, PATHS[name], 7)
        for a, b in zip(first, again, strict=True):
            assert np.array_equal(a.P_validation, b.P_validation)
            assert a.diagnostics == b.diagnostics

    def test_a_model_survives_as_bytes(self, name: str, params: dict[str, Any], fold: FoldData) -> None:
        family = FAMILIES[name]
        configuration = {**params, str(family.path_parameter): PATHS[name][0]}
        model = family.fit(fold.X_train, fold.y_train, N_CLASSES, configuration, 7)
        P = model.predict_proba(fold.X_validation)
        loaded = family.from_bytes(model.to_bytes())
        assert np.array_equal(loaded.predict_proba(fold.X_validation), P)
        (point,) = family.fit_path(fresh(fold), params, PATHS[name][:1], 7)
        np.testing.assert_allclose(P, point.P_validation, atol=1e-6)

    def test_two_causes_and_one(self, name: str, params: dict[str, Any], fold: FoldData) -> None:
        for n_present in (2, 1):
            y = (fold.y_train % n_present).astype(np.int32)
            (point,) = FAMILIES[name].fit_path(replace(fold, y_train=y, prepared={}), params, PATHS[name][:1], 0)
            np.testing.assert_allclose(point.P_validation.sum(axis=1), 1, atol=1e-6)
            assert (point.P_validation[:, n_present:] == 0).all()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
class TestParameters:
    def test_unknown_parameters_are_refused(self, family: ModelFamily) -> None:
        with pytest.raises(ValidationError, match="n_jobs"):
            family.Parameters.model_validate({"n_jobs": -1})

    def test_the_default_space_is_within_the_parameters(self, family: ModelFamily) -> None:
        assert set(family.default_space) - {"forbid"} <= set(family.Parameters.model_fields)


def test_untuned_defaults_are_those_of_the_field() -> None:
    defaults = {name: family.Parameters.model_validate({}).model_dump() for name, family in FAMILIES.items()}
    assert {k: defaults["xgboost"][k] for k in ("n_estimators", "max_depth", "learning_rate")} == {
        "n_estimators": 100,
        "max_depth": 6,
        "learning_rate": 0.3,
    }
    assert defaults["random_forest"]["n_estimators"] == 100
    assert defaults["random_forest"]["max_depth"] is None
    assert defaults["random_forest"]["min_samples_split"] == 2
    assert defaults["logistic_regression"] == {"C": 1.0, "penalty": "l2", "l1_ratio": None, "solver": "saga"}
