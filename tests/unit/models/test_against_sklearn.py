"""The same models as scikit-learn's and XGBoost's own interfaces fit."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from tests.unit.models.test_contract import N_CLASSES, make_rows
from tuner_job.models import FAMILIES
from tuner_job.models.base import FoldData
from tuner_job.models.linear_solvers import fit_linear_path
from tuner_job.models.logistic_regression import Scaling

TREES: list[tuple[str, Any, dict[str, Any]]] = [
    ("xgboost", XGBClassifier, {"max_depth": 4, "learning_rate": 0.1, "subsample": 0.6, "reg_lambda": 2}),
    ("xgboost", XGBClassifier, {"colsample_bytree": 0.8, "gamma": 0.1, "min_child_weight": 3}),
    ("random_forest", RandomForestClassifier, {"max_features": "log2", "min_samples_split": 5}),
    ("random_forest", RandomForestClassifier, {"max_depth": 6, "max_features": 0.8, "criterion": "entropy"}),
]


@pytest.mark.parametrize(("name", "classifier", "params"), TREES)
def test_trees_are_equal_to_the_last_bit(name: str, classifier: Any, params: dict[str, Any]) -> None:
    X, y = make_rows(240, 3)
    X_new, _ = make_rows(80, 4)
    points = FAMILIES[name].fit_path(FoldData(X, y, X_new, X[:50], N_CLASSES), params, [7, 15], 11)
    for n, point in zip([7, 15], points, strict=True):
        theirs = classifier(n_estimators=n, random_state=11, n_jobs=1, **params).fit(X, y)
        assert np.array_equal(point.P_validation, theirs.predict_proba(X_new))
        assert np.array_equal(point.P_probe, theirs.predict_proba(X[:50]))


@pytest.mark.parametrize("l1_share", [0.0, 0.5, 1.0])
def test_the_linear_objective_is_as_low_as_scikit_learns(l1_share: float) -> None:
    X, y = make_rows(240, 5)
    Z = Scaling.learn(X).apply(X)
    for C, fit in fit_linear_path(Z, y, [0.01, 0.1, 1.0], "saga", l1_share):
        theirs = LogisticRegression(C=C, l1_ratio=l1_share, solver="saga", tol=1e-7, max_iter=20_000, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            theirs.fit(Z, y)
        ours = _objective(Z, y, fit.coef, fit.intercept, C, l1_share)
        best = _objective(Z, y, theirs.coef_, theirs.intercept_, C, l1_share)
        assert fit.diagnostics["converged"]
        assert ours <= best * (1 + 3e-4)


@pytest.mark.parametrize("l1_share", [0.0, 1.0])
def test_one_against_all_is_as_low_as_liblinears(l1_share: float) -> None:
    X, y = make_rows(240, 5)
    Z = Scaling.learn(X).apply(X)
    for C, fit in fit_linear_path(Z, y, [0.01, 0.1, 1.0], "liblinear", l1_share):
        ours, best = 0.0, 0.0
        for cause in range(N_CLASSES):
            theirs = LogisticRegression(
                C=C, l1_ratio=l1_share, solver="liblinear", tol=1e-8, max_iter=20_000, random_state=0
            ).fit(Z, y == cause)
            ours += _binary_objective(Z, y == cause, fit.coef[cause], fit.intercept[cause], C, l1_share)
            best += _binary_objective(Z, y == cause, theirs.coef_[0], theirs.intercept_[0], C, l1_share)
        assert fit.one_vs_rest
        assert ours <= best * (1 + 3e-4)


def _binary_objective(X: Any, y: Any, coef: Any, intercept: float, C: float, l1_share: float) -> float:
    scores = (X @ coef + intercept) * np.where(y, 1, -1)
    all_weights = np.append(coef, intercept)  # liblinear penalises the intercept too
    penalty = l1_share * np.abs(all_weights).sum() + (1 - l1_share) / 2 * (all_weights**2).sum()
    return float(C * np.logaddexp(0, -scores).sum() + penalty)


def _objective(X: Any, y: Any, coef: Any, intercept: Any, C: float, l1_share: float) -> float:
    scores = X @ coef.T + intercept
    loss = (np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]).sum()
    penalty = l1_share * np.abs(coef).sum() + (1 - l1_share) / 2 * (coef**2).sum()
    return float(C * loss + penalty)


def test_missing_is_not_a_value() -> None:
    X, _ = make_rows(240, 6)
    scaling = Scaling.learn(X)
    Z = scaling.apply(X)
    assert 0 not in scaling.columns, "a constant feature tells nothing"
    assert 1 not in scaling.columns, "a feature never known tells nothing"
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-6)
    n_columns = len(scaling.columns)
    assert (Z[:, :n_columns][np.isnan(X[:, scaling.columns])] == 0).all()
    assert set(scaling.indicators) == set(range(2, 20)), "missing in a tenth of the rows: indicated"
