"""Logistic regression: one warm-started walk from small to large C scores every C."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, cast, get_args

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import BaseModel, FiniteFloat, model_validator

from tuner_job.files.arrays import require
from tuner_job.models.archive import Fields, conform, pack, unpack
from tuner_job.models.base import FoldData, Params, PathPoint
from tuner_job.models.classes import PresentClasses
from tuner_job.models.elastic_net import Loss, Objective, Rows, Solution, minimise
from tuner_job.models.parameters import read_params, read_path
from tuner_job.models.path import certain_path, in_order
from tuner_job.models.scaling import SCALING_FIELDS, Scaling
from tuner_job.schema import Closed
from tuner_job.threads import one_thread
from tuner_job.types import Probabilities
from tuner_job.wording import plain

NAME = "logistic_regression"
Array = NDArray[np.float64]
FIELDS: Fields = {
    **SCALING_FIELDS,
    "weights": ("float64", 2),
    "codes": ("int32", 1),
    "n_classes": ("int64", 0),
    "loss": ("str", 0),
}
MOST_WEIGHT = 1e100
"""So that margins are numbers, whatever the row."""


class LogisticRegressionParameters(Closed):
    """What may be tuned, in scikit-learn's words; the defaults are the untuned model's."""

    C: Annotated[FiniteFloat, Gt(0)] = 1.0
    """Weight of the summed loss against the penalty: smaller is simpler."""
    penalty: Literal["l1", "l2", "elasticnet"] = "l2"
    """What is held small: absolute weights, squared weights, or a mixture."""
    l1_ratio: Annotated[FiniteFloat, Ge(0), Le(1)] | None = None
    """Share of l1 in the mixture; given with elasticnet, and only then."""
    solver: Literal["saga", "liblinear"] = "saga"
    """Which objective is minimised, by the name of the scikit-learn solver that has it: saga is the
    multinomial one, liblinear one cause against all others. What runs is OWL-QN, for both."""
    tol: Annotated[FiniteFloat, Gt(0)] = 1e-4
    """Largest subgradient, of the objective per row, at which a fit has converged."""
    max_iter: Annotated[int, Ge(1)] = 1000
    """Steps after which a fit stops, converged or not."""

    @model_validator(mode="after")
    def _combination(self) -> Self:
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("penalty elasticnet needs l1_ratio, a number from 0 to 1")
        if self.penalty != "elasticnet" and self.l1_ratio is not None:
            raise ValueError(f"l1_ratio is for penalty elasticnet only, got penalty {self.penalty}")
        if self.penalty == "elasticnet" and self.solver == "liblinear":
            raise ValueError(
                "penalty elasticnet needs solver saga, the multinomial objective; got solver "
                "liblinear, one cause against all others"
            )
        return self

    @property
    def l1_share(self) -> float:
        """Share of l1 in the penalty: 1 for l1, 0 for l2."""
        return {"l1": 1.0, "l2": 0.0, "elasticnet": self.l1_ratio or 0.0}[self.penalty]

    @property
    def loss(self) -> Loss:
        """The loss that the solver's name stands for."""
        return "multinomial" if self.solver == "saga" else "one_vs_rest"


@dataclass(frozen=True)
class LogisticRegressionPredictor:
    """Weights (n_kept + 1, n_present) on the scaled columns and the intercept's ones."""

    weights: Array
    scaling: Scaling
    classes: PresentClasses
    loss: Loss

    @property
    def shape(self) -> tuple[int, int]:
        """Number of features and of causes; see `Predictor`."""
        return len(self.scaling.fill), self.classes.n_classes

    def predict_proba(self, X: NDArray[np.float32]) -> Probabilities:
        """Probabilities (n_rows, n_classes); see `Predictor`."""
        with one_thread():
            return _predict(self.scaling.design(X), self.weights, self.classes, self.loss)

    def to_bytes(self) -> bytes:
        """Write weights, scaling and class map."""
        arrays: dict[str, NDArray[Any]] = {
            "weights": self.weights,
            "codes": self.classes.codes,
            "n_classes": np.array(self.classes.n_classes, np.int64),
            "loss": np.array(self.loss),
        }
        return pack(NAME, {**arrays, **self.scaling.arrays()})


class LogisticRegression:
    """Penalised logistic regression on standardised columns, one thread.

    A minimum does not depend on what finds it, so both objectives are minimised by the solver of
    `elastic_net`, which is faster than scikit-learn's of the same name. As there, ``saga`` leaves
    the intercept free and ``liblinear`` penalises it. With two causes the softmax still has a
    weight vector for each.
    """

    name: ClassVar[str] = NAME
    rank: ClassVar[int] = 20
    Parameters: ClassVar[type[BaseModel]] = LogisticRegressionParameters
    libraries: ClassVar[tuple[str, ...]] = ()
    path_parameter: ClassVar[str | None] = "C"
    path_is_nested: ClassVar[bool] = False
    default_space: ClassVar[Mapping[str, Any]] = {
        "C": [0.001, 0.01, 0.1, 1, 10, 100],
        "penalty": ["l1", "l2", "elasticnet"],
        "l1_ratio": {"choices": [0.1, 0.5, 0.9], "when": {"penalty": "elasticnet"}},
        "solver": ["saga", "liblinear"],
        "forbid": [{"penalty": "elasticnet", "solver": "liblinear"}],
    }
    mutable: ClassVar[frozenset[str]] = frozenset()
    why_not_mutable: ClassVar[str] = "its fit has one minimum, wherever it begins"

    def complexity(self, params: Params) -> tuple[float, ...]:
        """How little the weights are held back; of equals, fewer weights are simpler; see
        `ModelFamily`."""
        parameters = read_params(self.name, LogisticRegressionParameters, params)
        return parameters.C, -parameters.l1_share

    def fit_path(
        self, fold: FoldData, params: Params, values: Sequence[Any], seed: int
    ) -> list[PathPoint]:
        """Walk from the smallest of `values` to the largest; see `ModelFamily`.

        The minimum is unique but for the tolerance, within which a point depends on where its walk
        began.
        """
        points = read_path(self.name, LogisticRegressionParameters, params, "C", values)
        classes = PresentClasses.of(fold.y_train, fold.n_classes)
        if classes.single:
            return certain_path(fold, classes, len(points))
        by_value = {point.C: point for point in points}
        scored: dict[float, PathPoint] = {}
        with one_thread():
            start = time.perf_counter()
            train, validation, probe = _prepare(fold)
            Y = np.eye(len(classes.codes))[classes.encode(fold.y_train)]
            for parameters, solution in _walk(train, Y, [by_value[C] for C in sorted(by_value)]):
                seconds = time.perf_counter() - start
                P = [_predict(Z, solution.W, classes, parameters.loss) for Z in (validation, probe)]
                scored[parameters.C] = PathPoint(
                    P[0], P[1], seconds, _diagnostics(solution, parameters)
                )
                start = time.perf_counter()
        return in_order(scored, [point.C for point in points])

    def fit(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int32],
        n_classes: int,
        params: Params,
        seed: int,
    ) -> LogisticRegressionPredictor:
        """Fit one configuration on all rows; see `ModelFamily`."""
        parameters = read_params(self.name, LogisticRegressionParameters, params)
        classes = PresentClasses.of(y, n_classes)
        with one_thread():
            scaling = Scaling.of(X)
            Y = np.eye(len(classes.codes))[classes.encode(y)]
            ((_, solution),) = _walk(scaling.design(X), Y, [parameters])
        return LogisticRegressionPredictor(solution.W, scaling, classes, parameters.loss)

    def from_bytes(self, content: bytes) -> LogisticRegressionPredictor:
        """Load what `LogisticRegressionPredictor.to_bytes` wrote; see `ModelFamily`."""
        arrays = unpack(self.name, content)
        conform(arrays, FIELDS)
        n_classes, loss, weights = (
            int(arrays.pop("n_classes")),
            str(arrays.pop("loss")),
            arrays.pop("weights"),
        )
        shape = np.array([len(arrays["fill"]), n_classes])
        classes, _ = PresentClasses.stored(arrays.pop("codes"), shape)
        scaling = Scaling(**arrays)
        scaling.check()
        expected = (len(scaling.kept) + 1, len(classes.codes))
        require(weights.shape == expected, f"weights must be {expected}, found {weights.shape}")
        require((np.abs(weights) < MOST_WEIGHT).all(), f"weights must lie within ±{MOST_WEIGHT:g}")
        require(
            loss in get_args(Loss),
            f"loss must be one of {', '.join(get_args(Loss))}, found {plain(loss, 40)}",
        )
        return LogisticRegressionPredictor(weights, scaling, classes, cast(Loss, loss))


def _prepare(fold: FoldData) -> tuple[Rows, Rows, Rows]:
    """Design matrices of the fold, made once: training, validation, probe."""
    if NAME not in fold.prepared:
        scaling = Scaling.of(fold.X_train)
        rows = (fold.X_train, fold.X_validation, fold.X_probe)
        fold.prepared[NAME] = tuple(scaling.design(X) for X in rows)
    prepared: tuple[Rows, Rows, Rows] = fold.prepared[NAME]
    return prepared


def _walk(
    Z: Rows, Y: Array, path: Sequence[LogisticRegressionParameters]
) -> Iterator[tuple[LogisticRegressionParameters, Solution]]:
    """Fit each configuration of `path`, starting where the one before it ended."""
    W = np.zeros((Z.shape[1], Y.shape[1]))
    if path[0].loss == "multinomial":
        W[-1] = np.log(Y.mean(axis=0))  # the minimum when every other weight is held at 0
    for parameters in path:
        penalised = np.ones((Z.shape[1], 1)) / (parameters.C * len(Z))
        if parameters.loss == "multinomial":
            penalised[-1] = 0
        l1, l2 = parameters.l1_share * penalised, (1 - parameters.l1_share) * penalised
        objective = Objective(Z, Y, l1, l2, parameters.loss)
        solution = minimise(objective, W, parameters.tol, parameters.max_iter)
        W = solution.W
        yield parameters, solution


def _predict(Z: Rows, W: Array, classes: PresentClasses, loss: Loss) -> Probabilities:
    margins = Z @ W
    if loss == "one_vs_rest":  # normalising p is the softmax of log p, and cannot divide 0 by 0
        margins = -np.logaddexp(0, -margins)
    P = np.exp(margins - margins.max(axis=1, keepdims=True))
    return classes.spread(P / P.sum(axis=1, keepdims=True))


def _diagnostics(solution: Solution, parameters: LogisticRegressionParameters) -> dict[str, Any]:
    return {
        "converged": solution.converged,
        "optimality_gap": float(f"{solution.optimality_gap:.2e}"),
        "iterations": solution.iterations,
        "objective": parameters.loss,
        "solver": "owl-qn",
    }
