"""Naive Bayes on answers: one fit scores every power of the likelihood."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import BaseModel, FiniteFloat

from tuner_job.files.arrays import require
from tuner_job.models.answers import Counted, log_likelihoods
from tuner_job.models.archive import Fields, conform, pack, unpack
from tuner_job.models.base import FoldData, Params, PathPoint
from tuner_job.models.classes import SHAPE_FIELDS, PresentClasses, check_columns
from tuner_job.models.items import ITEM_FIELDS, Items
from tuner_job.models.parameters import read_params, read_path
from tuner_job.models.path import certain_path, in_order
from tuner_job.schema import Closed
from tuner_job.threads import one_thread
from tuner_job.types import Floats, Probabilities

NAME = "naive_bayes"
FIELDS: Fields = {
    **ITEM_FIELDS,
    **SHAPE_FIELDS,
    "weights": ("float64", 2),
    "prior": ("float64", 1),
    "power": ("float64", 0),
}
MOST_WEIGHT = 1e6
"""Of a logarithm of a probability, whose true size is below 100; so that sums are numbers."""


class NaiveBayesParameters(Closed):
    """What may be tuned."""

    power: Annotated[FiniteFloat, Gt(0), Le(1)] = 1.0
    """Exponent of the likelihood; 1 takes the items for independent. Below 1 they count for less,
    since answers repeat each other."""
    smoothing: Annotated[FiniteFloat, Ge(1e-6), Le(1e6)] = 1.0
    """Pseudo-deaths of each cause, for each answer that an item has. They answer as all deaths
    do."""
    share: Annotated[FiniteFloat, Gt(0), Le(1)] = 1.0
    """Share of items kept: those that say most of the cause in training."""
    bins: Annotated[int, Ge(2), Le(256)] = 4
    """Bins, with about as many deaths each, that a number with more values is cut into."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What all powers share.

    Attributes
    ----------
    items
        Those kept.
    weights
        (n_items + n_edges, n_present): what an answered item, and each edge that it reaches, adds
        to the log likelihood of each cause.
    prior
        (n_present,) logarithm of each cause's share of the training deaths.
    classes
        The causes that training has.
    """

    items: Items
    weights: Floats
    prior: Floats
    classes: PresentClasses

    def log_likelihood(self, X: NDArray[np.float32]) -> Floats:
        """Log likelihood of each row's answers, (n_rows, n_present); 0 where all are missing."""
        found = np.empty((len(X), len(self.prior)))
        for rows, design in self.items.chunks(X):
            found[rows] = design.astype(np.float64) @ self.weights
        return found

    def probabilities(self, log_likelihood: Floats, power: float) -> Probabilities:
        """Posteriors (n_rows, n_classes); see `ModelFamily`."""
        margins = power * log_likelihood + self.prior
        P = np.exp(margins - margins.max(axis=1, keepdims=True))
        return self.classes.spread(P / P.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class NaiveBayesPredictor:
    """A fit and its power."""

    fitted: Fit
    power: float
    n_features: int

    @property
    def shape(self) -> tuple[int, int]:
        """Number of features and of causes; see `Predictor`."""
        return self.n_features, self.fitted.classes.n_classes

    def predict_proba(self, X: NDArray[np.float32]) -> Probabilities:
        """Probabilities (n_rows, n_classes); see `Predictor`."""
        check_columns(X, self.n_features)
        with one_thread():
            return self.fitted.probabilities(self.fitted.log_likelihood(X), self.power)

    def to_bytes(self) -> bytes:
        """Write items, weights, prior, power and class map."""
        arrays: dict[str, NDArray[Any]] = {
            "weights": self.fitted.weights,
            "prior": self.fitted.prior,
            "power": np.array(self.power, np.float64),
        }
        shape = self.fitted.classes.arrays(self.n_features)
        return pack(NAME, {**arrays, **self.fitted.items.arrays(), **shape})


class NaiveBayes:
    """Naive Bayes that leaves missing answers out, one thread.

    An item's answers given a cause are estimated among the training deaths that have one. Their
    pseudo-deaths answer as all deaths do, not evenly (Laplace): a cause with few deaths is then not
    said to have rare symptoms. Where an item is as often yes as no, and none is missing, this is
    scikit-learn's `BernoulliNB`.
    """

    name: ClassVar[str] = NAME
    Parameters: ClassVar[type[BaseModel]] = NaiveBayesParameters
    rank: ClassVar[int] = 10
    libraries: ClassVar[tuple[str, ...]] = ()
    path_parameter: ClassVar[str | None] = "power"
    path_is_nested: ClassVar[bool] = True
    default_space: ClassVar[Mapping[str, Any]] = {
        "power": [0.1, 0.2, 0.4, 0.7, 1.0],
        "smoothing": [0.3, 1, 3, 10, 30],
        "share": [0.2, 0.4, 0.7, 1.0],
        "bins": [2, 4, 8],
    }
    mutable: ClassVar[frozenset[str]] = frozenset()
    why_not_mutable: ClassVar[str] = "it is counted, not trained"

    def complexity(self, params: Params) -> tuple[float, ...]:
        """Items kept, their answers, and how much these count; see `ModelFamily`."""
        parameters = read_params(self.name, NaiveBayesParameters, params)
        return parameters.share, parameters.bins, parameters.power, -parameters.smoothing

    def fit_path(
        self, fold: FoldData, params: Params, values: Sequence[Any], seed: int
    ) -> list[PathPoint]:
        """Take every power of one likelihood; see `ModelFamily`."""
        points = read_path(self.name, NaiveBayesParameters, params, "power", values)
        classes = PresentClasses.of(fold.y_train, fold.n_classes)
        if classes.single:
            return certain_path(fold, classes, len(points))
        scored: dict[float, PathPoint] = {}
        with one_thread():
            start = time.perf_counter()
            fitted = _fit(_counted(fold, classes, points[0].bins), points[0], classes)
            rows = [fitted.log_likelihood(X) for X in (fold.X_validation, fold.X_probe)]
            for power in sorted({point.power for point in points}):
                P = [fitted.probabilities(one, power) for one in rows]
                seconds = time.perf_counter() - start
                scored[power] = PathPoint(P[0], P[1], seconds, {"items": len(fitted.items.columns)})
                start = time.perf_counter()
        return in_order(scored, [point.power for point in points])

    def fit(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int32],
        n_classes: int,
        params: Params,
        seed: int,
    ) -> NaiveBayesPredictor:
        """Fit one configuration on all rows; see `ModelFamily`."""
        parameters = read_params(self.name, NaiveBayesParameters, params)
        classes = PresentClasses.of(y, n_classes)
        with one_thread():
            fitted = _fit(Counted.of(X, y, classes, parameters.bins), parameters, classes)
        return NaiveBayesPredictor(fitted, parameters.power, X.shape[1])

    def from_bytes(self, content: bytes) -> NaiveBayesPredictor:
        """Load what `NaiveBayesPredictor.to_bytes` wrote; see `ModelFamily`."""
        arrays = unpack(self.name, content)
        conform(arrays, FIELDS)
        classes, n_features = PresentClasses.stored(arrays.pop("codes"), arrays.pop("shape"))
        weights, prior, power = (arrays.pop(name) for name in ("weights", "prior", "power"))
        items = Items(**arrays)
        items.check(n_features)
        expected = (len(items.columns) + len(items.edges), len(classes.codes))
        require(weights.shape == expected, f"weights must be {expected}, found {weights.shape}")
        require(len(prior) == expected[1], f"prior must be ({expected[1]},), found {prior.shape}")
        bounded = all((np.abs(array) < MOST_WEIGHT).all() for array in (weights, prior))
        require(bounded, f"weights and prior must lie within ±{MOST_WEIGHT:g}")
        require(0 < power <= 1, f"power must be above 0 and at most 1, found {float(power):g}")
        return NaiveBayesPredictor(Fit(items, weights, prior, classes), float(power), n_features)


def _counted(fold: FoldData, classes: PresentClasses, n_bins: int) -> Counted:
    """Count the fold's training rows, once for each number of bins."""
    key = f"{NAME} {n_bins}"
    if key not in fold.prepared:
        fold.prepared[key] = Counted.of(fold.X_train, fold.y_train, classes, n_bins)
    prepared: Counted = fold.prepared[key]
    return prepared


def _fit(counted: Counted, parameters: NaiveBayesParameters, classes: PresentClasses) -> Fit:
    """Select items and estimate their answers."""
    n_kept = max(1, round(parameters.share * len(counted.ranking)))
    items, rows = counted.items.only(np.sort(counted.ranking[:n_kept]))
    weights = log_likelihoods(items, counted.counts[rows], parameters.smoothing)
    return Fit(items, weights, np.log(counted.deaths / counted.deaths.sum()), classes)
