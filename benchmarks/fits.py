"""One fit beside the library's own, family by family: ``python -m benchmarks.fits [--sizes child
adult large]``.

A family fits one fold once for all values of its path parameter; the library, as in
``GridSearchCV``, once for each.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from benchmarks.tables import fill, markdown
from tuner_job.data.config import SyntheticConfig
from tuner_job.data.synthetic import generate
from tuner_job.evaluation.folds import stratified
from tuner_job.models import get_family
from tuner_job.models.base import FoldData, Params
from tuner_job.models.estimators.family import EstimatorFamily
from tuner_job.models.estimators.making import Recipe
from tuner_job.models.scaling import Scaling
from tuner_job.threads import one_thread

SIZES = {"child": (2064, 180, 21), "adult": (7841, 160, 34), "large": (50_000, 500, 40)}
"""Rows, symptoms and causes; the first two are those of PHMRC."""


@dataclass(frozen=True)
class Fit:
    """A configuration, the values of its path parameter at most sizes and at the large one, and
    the library's model."""

    family: str
    params: Params
    parameter: str
    values: Sequence[Any]
    few: Sequence[Any]
    library: Callable[[Params], Any]


FITS = (
    Fit(
        "xgboost", {"max_depth": 6}, "n_estimators", (25, 50, 75, 100), (5, 10),
        lambda params: XGBClassifier(**params, n_jobs=1, random_state=0),
    ),
    Fit(
        "random_forest", {"max_features": 0.3}, "n_estimators", (25, 50, 75, 100), (5, 10),
        lambda params: RandomForestClassifier(**params, n_jobs=1, random_state=0),
    ),
    Fit(
        "logistic_regression", {"tol": 1e-6}, "C", (0.001, 0.01, 0.1, 1.0), (0.001, 0.01, 0.1),
        lambda params: LogisticRegression(**params, max_iter=1000),
    ),
)  # fmt: skip


def first_fold(n_rows: int, n_symptoms: int, n_causes: int) -> tuple[FoldData, NDArray[np.int32]]:
    """Return a fold of synthetic deaths, and the causes of its held-out rows."""
    data = generate(
        SyntheticConfig(n_samples=n_rows, n_symptoms=n_symptoms, n_causes=n_causes, n_sites=6)
    )
    held_out = stratified(data.y, 5, 0) == 0
    X, y = data.X[~held_out], data.y[~held_out]
    return FoldData(X, y, data.X[held_out], X[:10], n_causes), data.y[held_out]


def row(size: str, one: Fit) -> list[str]:
    """Measure one family at one size."""
    fold, y = first_fold(*SIZES[size])
    values = one.few if size == "large" else one.values
    family = get_family(one.family)
    started = time.perf_counter()
    points = family.fit_path(fold, one.params, values, seed=0)
    ours = time.perf_counter() - started

    X_train: NDArray[Any] = fold.X_train
    X: NDArray[Any] = fold.X_validation
    if (
        one.family == "logistic_regression"
    ):  # the library's takes no missing values; scaling is not in its time
        scaling = Scaling.of(fold.X_train)
        X_train, X = (
            scaling.design(part)[:, :-1].astype(np.float64)
            for part in (fold.X_train, fold.X_validation)
        )
    alone, difference, moved = 0.0, 0.0, 0.0
    for value, point in zip(values, points, strict=True):
        started = time.perf_counter()
        model = one.library({**one.params, one.parameter: value}).fit(X_train, fold.y_train)
        P = model.predict_proba(X)
        alone += time.perf_counter() - started
        difference = max(difference, float(np.abs(P - point.P_validation).max()))
        scores = [(found.argmax(axis=1) == y).mean() for found in (P, point.P_validation)]
        moved = max(moved, abs(scores[0] - scores[1]))
    return [
        f"{size}: {' × '.join(f'{n:,}' for n in SIZES[size])}",
        one.family,
        f"{one.parameter} {', '.join(map(str, values))}",
        f"{ours:.2f}",
        f"{alone:.2f}",
        f"**{ours / alone:.2f}**",
        f"{difference:.0e}",
        f"{moved:.4f}",
    ]


def estimator_row(params: Params, values: Sequence[int], pairs: int = 5) -> list[str]:
    """Measure scikit-learn's forest, named as an estimator is, beside the family of the house, at
    PHMRC child's size, one after the other several times, in seconds of the CPU."""
    own = get_family("random_forest")
    named = EstimatorFamily(
        "forest", Recipe(("sklearn.ensemble.RandomForestClassifier",), {}, "n_estimators")
    )
    fold, _ = first_fold(*SIZES["child"])
    took: dict[str, list[float]] = {"own": [], "named": []}
    difference = 0.0
    for _ in range(pairs):
        points = {}
        for name, family in (("own", own), ("named", named)):
            fresh = replace(fold, prepared={})
            started = time.process_time()
            points[name] = family.fit_path(fresh, params, values, seed=0)
            took[name].append(time.process_time() - started)
        for one, other in zip(points["own"], points["named"], strict=True):
            off = np.abs(one.P_validation - other.P_validation).max()
            difference = max(difference, float(off))
    ratios = [b / a for a, b in zip(took["own"], took["named"], strict=True)]
    return [
        f"n_estimators {', '.join(map(str, values))}; {params}",
        f"{np.median(took['own']):.2f}",
        f"{np.median(took['named']):.2f}",
        f"**{np.median(ratios):.3f}** ({min(ratios):.3f} to {max(ratios):.3f})",
        f"{difference:.0e}",
    ]


ESTIMATORS: tuple[tuple[Params, Sequence[int]], ...] = (
    ({"max_features": 0.3}, (25, 50, 75, 100)),
    ({"max_features": "sqrt", "min_samples_leaf": 2}, (100, 200, 300, 500)),
    ({"max_features": 0.8}, (100,)),
)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser("python -m benchmarks.fits", description=__doc__)
    parser.add_argument("--sizes", nargs="*", choices=tuple(SIZES), default=list(SIZES))
    parser.add_argument(
        "--page", type=Path, nargs="*", default=[], help="pages to put the table into"
    )
    options = parser.parse_args()
    head = [
        "rows × symptoms × causes", "model", "configurations", "one fit for all, s",
        "library, a fit each, s", "ratio",
        "largest difference of a probability", "of COD accuracy",
    ]  # fmt: skip
    with one_thread():
        table = markdown(head, [row(size, one) for size in options.sizes for one in FITS])
        named = [estimator_row(*one) for one in ESTIMATORS]
    told = [
        "configurations", "own family, CPU s", "estimator, CPU s", "ratio (of 5)",
        "largest difference",
    ]  # fmt: skip
    beside = markdown(told, named)
    print(table, beside, sep="\n\n")
    for page in options.page:
        fill(page, {"fits": table, "estimators": beside})


if __name__ == "__main__":
    main()
