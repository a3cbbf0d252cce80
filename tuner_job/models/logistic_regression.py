"""Penalised logistic regression."""

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, model_validator
from scipy.special import expit

from tuner_job.models.base import FoldData, Params, PathPoint
from tuner_job.models.causes import over_all_causes, present_causes
from tuner_job.models.linear_solvers import LinearFit, fit_linear_path, softmax
from tuner_job.schema import Closed

_MISSING_SHARE = 0.01
"""A feature missing in at least this share of the training rows (and of which as much is known) also
says by being missing: it gets an indicator column."""


class LogisticRegressionParameters(Closed):
    """Parameters in scikit-learn's terms, with the untuned defaults."""

    C: Annotated[float, Field(gt=0)] = 1.0
    """Weight of the data against the penalty: smaller regularises more."""
    penalty: Literal["l1", "l2", "elasticnet"] = "l2"
    """Which penalty on the coefficients."""
    l1_ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of l1 in an elasticnet penalty; none for the others."""
    solver: Literal["saga", "liblinear"] = "saga"
    """saga: one multinomial model; liblinear: one model a cause against all others."""

    @model_validator(mode="after")
    def _compatible(self) -> Self:
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("penalty elasticnet needs l1_ratio")
        if self.penalty != "elasticnet" and self.l1_ratio is not None:
            raise ValueError(f"l1_ratio is for penalty elasticnet only, got penalty {self.penalty}")
        if self.penalty == "elasticnet" and self.solver == "liblinear":
            raise ValueError("solver liblinear cannot do penalty elasticnet")
        return self

    @property
    def l1_share(self) -> float:
        """Share of l1 in the penalty, 0 to 1."""
        return {"l1": 1.0, "l2": 0.0}.get(self.penalty, self.l1_ratio or 0.0)


@dataclass(frozen=True)
class Scaling:
    """How rows become what a linear model works on, learnt from training rows.

    Attributes
    ----------
    columns, mean, scale
        Features kept (those that vary), their means and standard deviations.
    indicators, indicator_mean, indicator_scale
        Features that also get a column that says whether they are missing.
    """

    columns: NDArray[np.intp]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    indicators: NDArray[np.intp]
    indicator_mean: NDArray[np.float64]
    indicator_scale: NDArray[np.float64]

    @classmethod
    def learn(cls, X: NDArray[np.float32]) -> Self:
        """Learn from training rows, (n_train, n_features)."""
        known = ~np.isnan(X)
        share = known.mean(axis=0)
        mean = np.where(known, X, 0).sum(axis=0, dtype=np.float64) / np.maximum(known.sum(axis=0), 1)
        scale = np.where(known, X - mean, 0).std(axis=0, dtype=np.float64)
        columns = np.flatnonzero(scale > 1e-9)
        indicators = np.flatnonzero((share >= _MISSING_SHARE) & (share <= 1 - _MISSING_SHARE))
        missing = share[indicators]
        spread = np.sqrt(missing * (1 - missing))
        return cls(columns, mean[columns], scale[columns], indicators, 1 - missing, spread)

    def apply(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Standardise rows; a missing value becomes the mean. (n_rows, n_columns + n_indicators)."""
        values = (X[:, self.columns] - self.mean) / self.scale
        missing = (np.isnan(X[:, self.indicators]) - self.indicator_mean) / self.indicator_scale
        return np.hstack([np.nan_to_num(values, nan=0.0), missing])


class LogisticRegression:
    """Logistic regression on standardised features, missing values imputed and indicated.

    ``solver`` names an objective by the algorithm that users know for it. Its optimum does not depend on
    the algorithm, so a faster one finds it; which one, and how close it came, is in the diagnostics.
    """

    name: ClassVar[str] = "logistic_regression"
    Parameters: ClassVar[type[BaseModel]] = LogisticRegressionParameters
    default_space: ClassVar[Mapping[str, Any]] = {
        "C": [0.001, 0.01, 0.1, 1.0, 10.0, 100.0],
        "penalty": ["l1", "l2", "elasticnet"],
        "l1_ratio": {"choices": [0.1, 0.5, 0.9], "when": {"penalty": "elasticnet"}},
        "solver": ["saga", "liblinear"],
        "forbid": [{"penalty": "elasticnet", "solver": "liblinear"}],
    }
    path_parameter: ClassVar[str | None] = "C"

    def fit_path(self, fold: FoldData, params: Params, values: Sequence[Any], seed: int) -> list[PathPoint]:
        """Walk from the smallest C to the largest, each fit starting from the one before."""
        rows, present, codes, others = _prepared(fold)
        settings = LogisticRegressionParameters.model_validate(dict(params))
        points = {}
        before = time.perf_counter()
        for C, fit in fit_linear_path(rows, codes, sorted(set(values)), settings.solver, settings.l1_share):
            seconds = time.perf_counter() - before
            P, P_probe = (over_all_causes(_probabilities(fit, X), present, fold.n_classes) for X in others)
            points[C] = PathPoint(P, P_probe, seconds, fit.diagnostics)
            before = time.perf_counter()
        return [points[value] for value in values]

    def fit(
        self, X: NDArray[np.float32], y: NDArray[np.int32], n_classes: int, params: Params, seed: int
    ) -> "FittedLogisticRegression":
        """Fit one configuration on all rows."""
        settings = LogisticRegressionParameters.model_validate(dict(params))
        scaling = Scaling.learn(X)
        present, codes = present_causes(y)
        path = fit_linear_path(scaling.apply(X), codes, [settings.C], settings.solver, settings.l1_share)
        ((_, fit),) = path
        return FittedLogisticRegression(scaling, fit, present, n_classes)

    def from_bytes(self, content: bytes) -> "FittedLogisticRegression":
        """Load what `FittedLogisticRegression.to_bytes` wrote."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            scaling = Scaling(**{name: arrays[name] for name in Scaling.__dataclass_fields__})
            fit = LinearFit(arrays["coef"], arrays["intercept"], bool(arrays["one_vs_rest"]), {})
            return FittedLogisticRegression(scaling, fit, arrays["present"], int(arrays["n_classes"]))


class FittedLogisticRegression:
    """Coefficients over the causes that training had."""

    def __init__(self, scaling: Scaling, fit: LinearFit, present: NDArray[np.int32], n_classes: int):
        self._scaling, self._fit, self._present, self._n_classes = scaling, fit, present, n_classes

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Probabilities (n_rows, n_classes)."""
        P = _probabilities(self._fit, self._scaling.apply(X))
        return over_all_causes(P, self._present, self._n_classes)

    def to_bytes(self) -> bytes:
        """Plain arrays in NumPy's format."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            **asdict(self._scaling),
            coef=self._fit.coef,
            intercept=self._fit.intercept,
            one_vs_rest=self._fit.one_vs_rest,
            present=self._present,
            n_classes=self._n_classes,
        )
        return buffer.getvalue()


def _prepared(fold: FoldData) -> tuple[Any, ...]:
    """Standardise a fold's rows once."""
    if "logistic_regression" not in fold.prepared:
        scaling = Scaling.learn(fold.X_train)
        others = [scaling.apply(X) for X in (fold.X_validation, fold.X_probe)]
        present, codes = present_causes(fold.y_train)
        fold.prepared["logistic_regression"] = (scaling.apply(fold.X_train), present, codes, others)
    prepared: tuple[Any, ...] = fold.prepared["logistic_regression"]
    return prepared


def _probabilities(fit: LinearFit, X: NDArray[np.float64]) -> NDArray[np.float64]:
    scores = X @ fit.coef.T + fit.intercept
    if not fit.one_vs_rest:
        return softmax(scores)
    each = expit(scores)
    return np.asarray(each / each.sum(axis=1, keepdims=True))
