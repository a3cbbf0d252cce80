"""One fit beside the library's own, family by family: ``python -m benchmarks.fits [--sizes child
adult large] [--tables one-fit fits estimators]``.

A family fits one fold once for all values of its path parameter; the library, as in
``GridSearchCV``, once for each. The table one-fit is of one configuration on both sides.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB
from xgboost import XGBClassifier

from benchmarks.tables import fill, markdown
from tuner_job.data.config import SyntheticConfig
from tuner_job.data.synthetic import generate
from tuner_job.evaluation.folds import stratified, train_probe
from tuner_job.models import get_family
from tuner_job.models.base import FoldData, Params
from tuner_job.models.estimators.family import EstimatorFamily
from tuner_job.models.estimators.making import Recipe
from tuner_job.models.items import Items
from tuner_job.models.scaling import Scaling
from tuner_job.threads import one_thread

SIZES = {"child": (2064, 180, 21), "adult": (7841, 160, 34), "large": (50_000, 500, 40)}
"""Rows, symptoms and causes; the first two are those of PHMRC."""
ONE_SIZES = {"child": SIZES["child"], "adult": (7500, 170, 34)}
"""Those at which one configuration is measured."""


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


XGBOOST = Fit(
    "xgboost", {"max_depth": 6}, "n_estimators", (25, 50, 75, 100), (5, 10),
    lambda params: XGBClassifier(**params, n_jobs=1, random_state=0),
)  # fmt: skip
FOREST = Fit(
    "random_forest", {"max_features": 0.3}, "n_estimators", (25, 50, 75, 100), (5, 10),
    lambda params: RandomForestClassifier(**params, n_jobs=1, random_state=0),
)  # fmt: skip
LOGISTIC = Fit(
    "logistic_regression", {"tol": 1e-6}, "C", (0.001, 0.01, 0.1, 1.0), (0.001, 0.01, 0.1),
    lambda params: LogisticRegression(**params, max_iter=1000),
)  # fmt: skip
BAYES = Fit("naive_bayes", {}, "power", (1.0,), (1.0,), lambda _: BernoulliNB(binarize=None))

FITS = (XGBOOST, FOREST, LOGISTIC)
ONE = (
    replace(XGBOOST, values=(100,)),
    replace(XGBOOST, values=(500,)),
    replace(FOREST, params={"max_features": "sqrt"}, values=(100,)),
    replace(LOGISTIC, values=(0.1,)),
    BAYES,
)
LONG = 20
"""CPU seconds of a fit from which on it is measured once."""


def first_fold(n_rows: int, n_symptoms: int, n_causes: int) -> tuple[FoldData, NDArray[np.int32]]:
    """Return a fold of synthetic deaths, and the causes of its held-out rows."""
    data = generate(
        SyntheticConfig(n_samples=n_rows, n_symptoms=n_symptoms, n_causes=n_causes, n_sites=6)
    )
    held_out = stratified(data.y, 5, 0) == 0
    X, y = data.X[~held_out], data.y[~held_out]
    return FoldData(X, y, data.X[held_out], X[:10], n_causes), data.y[held_out]


def _sized(size: str, sizes: Mapping[str, tuple[int, int, int]]) -> str:
    return f"{size}: {' × '.join(f'{n:,}' for n in sizes[size])}"


def ready(family: str, fold: FoldData) -> list[NDArray[Any]]:
    """Return training and held-out rows as the library takes them; this is not in its time.

    scikit-learn's logistic regression and naive Bayes take no missing values: the one gets scaled
    rows, the other which answers are reached, nothing where none was given.
    """
    rows = (fold.X_train, fold.X_validation)
    if family == "logistic_regression":
        scaling = Scaling.of(fold.X_train)
        return [scaling.design(part)[:, :-1].astype(np.float64) for part in rows]
    if family == "naive_bayes":
        items = Items.of(fold.X_train, n_bins=4)
        n_items = len(items.columns)
        return [items.design(part)[:, n_items:].astype(np.float32) for part in rows]
    return list(rows)


def row(size: str, one: Fit) -> list[str]:
    """Measure one family at one size."""
    fold, y = first_fold(*SIZES[size])
    values = one.few if size == "large" else one.values
    family = get_family(one.family)
    started = time.perf_counter()
    points = family.fit_path(fold, one.params, values, seed=0)
    ours = time.perf_counter() - started

    X_train, X = ready(one.family, fold)
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
        _sized(size, SIZES),
        one.family,
        f"{one.parameter} {', '.join(map(str, values))}",
        f"{ours:.2f}",
        f"{alone:.2f}",
        f"**{ours / alone:.2f}**",
        f"{difference:.0e}",
        f"{moved:.4f}",
    ]


def one_row(size: str, one: Fit, pairs: int = 5) -> list[str]:
    """Measure one configuration as a worker fits it beside the library's own, one after the other
    several times, in seconds of the CPU.

    Ours has what a fold is prepared by in it (cold), or finds it (warm), and predicts the training
    rows too that the train score is taken on.
    """
    fold, _ = first_fold(*ONE_SIZES[size])
    n_train, n_held_out = len(fold.X_train), len(fold.X_validation)
    probe = train_probe(fold.y_train, np.arange(n_train), n_held_out, 0)
    fold = replace(fold, X_probe=fold.X_train[probe])
    X_train, X = ready(one.family, fold)
    params = {**one.params, one.parameter: one.values[0]}
    family = get_family(one.family)

    def ours(fold: FoldData) -> NDArray[Any]:
        return family.fit_path(fold, one.params, one.values, seed=0)[0].P_validation

    def library(fold: FoldData) -> NDArray[Any]:
        model = one.library(params).fit(X_train, fold.y_train)
        return np.asarray(model.predict_proba(X))

    few = slice(200)  # what is imported or looked for once a process is in no time
    small = replace(fold, X_train=fold.X_train[few], y_train=fold.y_train[few], prepared={})
    family.fit_path(small, one.params, (1,), seed=0)
    one.library({**one.params, one.parameter: 1}).fit(X_train[few], fold.y_train[few] % 3)

    took: dict[str, list[float]] = {"cold": [], "warm": [], "library": []}
    difference = 0.0
    while len(took["warm"]) < (1 if max(took["library"], default=0) > LONG else pairs):
        fresh, found = replace(fold, prepared={}), {}
        for name, fit in (("cold", ours), ("library", library), ("warm", ours)):
            started = time.process_time()
            found[name] = fit(fresh)
            took[name].append(time.process_time() - started)
        difference = max(difference, float(np.abs(found["library"] - found["warm"]).max()))
    return [
        _sized(size, ONE_SIZES),
        one.family,
        ", ".join(f"{name} {value}" for name, value in params.items()),
        *(f"{np.median(took[name]):.3f}" for name in ("library", "cold", "warm")),
        *(against(took[name], took["library"]) for name in ("cold", "warm")),
        str(len(took["library"])),
        f"{difference:.0e}",
    ]


def against(ours: Sequence[float], library: Sequence[float]) -> str:
    """Write the median of ratios and their range."""
    ratios = [a / b for a, b in zip(ours, library, strict=True)]
    return f"**{np.median(ratios):.3f}** ({min(ratios):.3f} to {max(ratios):.3f})"


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
    return [
        f"n_estimators {', '.join(map(str, values))}; {params}",
        f"{np.median(took['own']):.2f}",
        f"{np.median(took['named']):.2f}",
        against(took["named"], took["own"]),
        f"{difference:.0e}",
    ]


ESTIMATORS: tuple[tuple[Params, Sequence[int]], ...] = (
    ({"max_features": 0.3}, (25, 50, 75, 100)),
    ({"max_features": "sqrt", "min_samples_leaf": 2}, (100, 200, 300, 500)),
    ({"max_features": 0.8}, (100,)),
)


def of_one(sizes: Sequence[str]) -> str:
    """Make the table of one configuration."""
    head = [
        "rows × symptoms × causes", "model", "configuration", "library, CPU s",
        "ours, cold, CPU s", "ours, warm, CPU s", "cold / library", "warm / library", "pairs",
        "largest difference of a probability",
    ]  # fmt: skip
    rows = [one_row(size, one) for size in ONE_SIZES if size in sizes for one in ONE]
    return markdown(head, rows)


def of_paths(sizes: Sequence[str]) -> str:
    """Make the table of one fit for several configurations."""
    head = [
        "rows × symptoms × causes", "model", "configurations", "one fit for all, s",
        "library, a fit each, s", "ratio",
        "largest difference of a probability", "of COD accuracy",
    ]  # fmt: skip
    return markdown(head, [row(size, one) for size in sizes for one in FITS])


def of_estimators(_: Sequence[str]) -> str:
    """Make the table of the forest that is named as an estimator is."""
    head = [
        "configurations", "own family, CPU s", "estimator, CPU s", "ratio (of 5)",
        "largest difference",
    ]  # fmt: skip
    return markdown(head, [estimator_row(*one) for one in ESTIMATORS])


TABLES = {"one-fit": of_one, "fits": of_paths, "estimators": of_estimators}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser("python -m benchmarks.fits", description=__doc__)
    parser.add_argument("--sizes", nargs="*", choices=tuple(SIZES), default=list(SIZES))
    parser.add_argument("--tables", nargs="*", choices=tuple(TABLES), default=list(TABLES))
    parser.add_argument(
        "--page", type=Path, nargs="*", default=[], help="pages to put the table into"
    )
    options = parser.parse_args()
    with one_thread():
        tables = {name: TABLES[name](options.sizes) for name in options.tables}
    print(*tables.values(), sep="\n\n")
    for page in options.page:
        fill(page, tables)


if __name__ == "__main__":
    main()
