"""Ways to score several values of a path by one fit, and the proof that one is sound.

Nothing is taken for granted of a class that somebody names. A way is used for a configuration only
if, on a few of its rows, what it gives at two sizes equals, to the last bit, what fits of these
sizes alone give; else each value has its own fit.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.models.estimators.making import Estimator

TRIED_ROWS = 100
TRIED_SIZES = (3, 20)
"""Enough for what is drawn now and then, such as trees that are dropped, to show."""
_TRIED_MEMBERS = (2, 5)
"""Of a mean: a member that knows of the others shows at once."""
_TRUNCATING: Mapping[str, Callable[[int], Any]] = {
    "num_iteration": lambda size: size,
    "iteration_range": lambda size: (0, size),
    "ntree_end": lambda size: size,
}
"""Arguments by which libraries predict with the first so many rounds of a model."""

Scores = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Rows:
    """What a path is fitted on and predicts, without missing values where they are refused.

    Attributes
    ----------
    X, y
        (n_train, n_features), (n_train,), causes from 0 without gaps.
    predicted
        (n_predicted, n_features).
    """

    X: NDArray[np.float32]
    y: NDArray[np.int32]
    predicted: NDArray[np.float32]

    def few(self, n: int) -> "Rows":
        """About `n` rows, some of each cause, in their order."""
        order = np.argsort(self.y, kind="stable")
        starts = np.concatenate([[0], np.flatnonzero(np.diff(self.y[order])) + 1])
        sizes = np.diff([*starts, len(order)])
        within = np.arange(len(order)) - np.repeat(starts, sizes)
        most = max(2, n // len(starts))
        chosen = np.sort(order[within < most])
        return Rows(self.X[chosen], self.y[chosen], self.X[chosen])


Make = Callable[[Mapping[str, Any]], Estimator]
"""Makes an estimator with these parameters beside the configuration's."""
Way = Callable[[Make, Any, Sequence[int], Rows], Iterator[tuple[int, Scores]]]
"""Fits along a path; yields each size, ascending, with probabilities of the causes present."""


def fit_each(make: Make, path: str | None, sizes: Sequence[int], rows: Rows) -> Iterator[Any]:
    """A fit for each size; without a path, one."""
    for size in sizes:
        estimator = make({} if path is None else {path: size})
        estimator.fit(rows.X, rows.y)
        yield size, predict(estimator, rows.predicted)


def staged(make: Make, path: str, sizes: Sequence[int], rows: Rows) -> Iterator[Any]:
    """One fit of the largest; its predictions after each stage. One that ended early stays as it
    is."""
    estimator: Any = make({path: sizes[-1]})
    estimator.fit(rows.X, rows.y)
    left = list(sizes)
    for n, P in enumerate(estimator.staged_predict_proba(rows.predicted), start=1):
        last = P
        if left and n == left[0]:
            yield left.pop(0), in_classes(estimator, P)
    for size in left:
        yield size, in_classes(estimator, last)


def truncated(make: Make, path: str, sizes: Sequence[int], rows: Rows) -> Iterator[Any]:
    """One fit of the largest; predictions with its first rounds."""
    estimator: Any = make({path: sizes[-1]})
    estimator.fit(rows.X, rows.y)
    argument = _truncating(estimator)
    for size in sizes:
        P = estimator.predict_proba(rows.predicted, **{argument: _TRUNCATING[argument](size)})
        yield size, in_classes(estimator, P)


def averaged(make: Make, path: str, sizes: Sequence[int], rows: Rows) -> Iterator[Any]:
    """One fit of the largest; the mean of its first members, as of a forest's trees."""
    estimator: Any = make({path: sizes[-1]})
    estimator.fit(rows.X, rows.y)
    total, left = 0.0, list(sizes)
    members = estimator.estimators_
    is_tree = "check_input" in inspect.signature(members[0].predict_proba).parameters
    checked = {"check_input": False} if is_tree else {}
    for n, member in enumerate(members, start=1):
        total += member.predict_proba(rows.predicted, **checked)
        if n == left[0]:
            yield left.pop(0), in_classes(estimator, total / n)


def grown(make: Make, path: str, sizes: Sequence[int], rows: Rows) -> Iterator[Any]:
    """One estimator that is fitted further from size to size."""
    estimator: Any = make({"warm_start": True})
    for size in sizes:
        estimator.set_params(**{path: size})
        estimator.fit(rows.X, rows.y)
        yield size, predict(estimator, rows.predicted)


def ways_of(estimator: Any, path: str) -> list[Way]:
    """Ways that an estimator seems to offer, the cheapest first."""
    grows = "warm_start" in estimator.get_params(deep=False)
    offers = {
        staged: hasattr(estimator, "staged_predict_proba"),
        truncated: bool(_truncating(estimator)),
        averaged: grows and path == "n_estimators",
        grown: grows,
    }
    return [way for way, offered in offers.items() if offered]


def is_sound(way: Way, make: Make, path: str, rows: Rows, n_sizes: int) -> bool:
    """Whether a way gives, on few rows, what single fits give.

    Rows that are too few to tell one size from another show nothing: more are tried, as long as
    that costs less than fits of `n_sizes` can spare.
    """
    sizes = _TRIED_MEMBERS if way is averaged else TRIED_SIZES
    n = TRIED_ROWS
    while True:
        few = rows.few(n)
        try:
            along = dict(way(make, path, sizes, few))
            alone = dict(fit_each(make, path, sizes, few))
        except Exception:  # whatever somebody's class does: then there is no such way
            return False
        if not all(np.array_equal(alone[size], along.get(size, ())) for size in sizes):
            return False
        if not np.array_equal(*alone.values()) or len(few.y) == len(rows.y):
            return True
        n *= 4
        if 3 * n > (n_sizes - 1) * len(rows.y):
            return False


def predict(estimator: Any, X: NDArray[np.float32]) -> Scores:
    """Probabilities (n_rows, n_present), columns in the order of the causes."""
    return in_classes(estimator, estimator.predict_proba(X))


def in_classes(estimator: Any, P: Any) -> Scores:
    """Put columns in the order of the causes, as `classes_` names them, and check them.

    Raises
    ------
    FloatingPointError
        They are no probabilities.
    """
    P, classes = np.asarray(P), getattr(estimator, "classes_", None)
    order: NDArray[Any] = np.arange(P.shape[-1]) if classes is None else np.asarray(classes)
    n = len(order)
    if P.ndim != 2 or P.shape[1] != n or P.dtype.kind != "f":
        raise FloatingPointError(
            f"predict_proba must give a row a death and a column a cause, found {P.dtype} of shape "
            f"{P.shape}"
        )
    if not np.isfinite(P).all() or (P < 0).any():
        raise FloatingPointError("the model's probabilities are not finite, or below 0")
    sums = P.sum(axis=1)
    if (np.abs(sums - 1) > 1e-3).any():
        worst = sums[np.abs(sums - 1).argmax()]
        raise FloatingPointError(f"the model's probabilities of a death sum to {worst:g}, not to 1")
    if (np.abs(sums - 1) > 1e-6).any():
        P = P / sums[:, None]
    found: Scores = P
    if np.array_equal(order, np.arange(n)):
        return found
    if not np.array_equal(np.sort(order), np.arange(n)):
        raise FloatingPointError("classes_ must be the causes that the model was fitted on")
    return found[:, np.argsort(order)]


def _truncating(estimator: Any) -> str:
    """The argument of `predict_proba` that takes the first rounds only; empty if there is none."""
    try:
        arguments = inspect.signature(estimator.predict_proba).parameters
    except (TypeError, ValueError):
        return ""
    return next((name for name in _TRUNCATING if name in arguments), "")
