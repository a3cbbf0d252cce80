"""Gradient-boosted trees (XGBoost)."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from tuner_job.models.base import FoldData, Params, PathPoint
from tuner_job.models.causes import over_all_causes, present_causes
from tuner_job.schema import Closed

_HEADER = b"va-tuning xgboost 1\n"


class XGBoostParameters(Closed):
    """Parameters of XGBoost's scikit-learn interface, with the untuned defaults."""

    n_estimators: Annotated[int, Field(ge=1)] = 100
    """Boosting rounds."""
    max_depth: Annotated[int, Field(ge=0)] = 6
    """Depth of a tree; 0: not limited."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of each round's correction that is taken."""
    subsample: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the rows that a round sees."""
    colsample_bytree: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the features that a tree sees."""
    reg_alpha: Annotated[float, Field(ge=0)] = 0.0
    """L1 penalty on leaf weights."""
    reg_lambda: Annotated[float, Field(ge=0)] = 1.0
    """L2 penalty on leaf weights."""
    gamma: Annotated[float, Field(ge=0)] = 0.0
    """Loss reduction that a split must bring."""
    min_child_weight: Annotated[float, Field(ge=0)] = 1.0
    """Sum of row weights (hessians) that a leaf must hold."""
    max_delta_step: Annotated[float, Field(ge=0)] = 0.0
    """Bound on a leaf's weight; 0: none."""


class XGBoost:
    """XGBoost on its native interface, equal to ``XGBClassifier`` to the last bit.

    Two causes are treated as three are (softmax), where ``XGBClassifier`` would switch to a logistic loss.
    """

    name: ClassVar[str] = "xgboost"
    Parameters: ClassVar[type[BaseModel]] = XGBoostParameters
    default_space: ClassVar[Mapping[str, Any]] = {
        "max_depth": [3, 6, 9, 12],
        "learning_rate": [0.01, 0.05, 0.1, 0.3],
        "n_estimators": [100, 200, 300, 500],
        "subsample": [0.6, 0.8, 1.0],
        "colsample_bytree": [0.6, 0.8, 1.0],
        "reg_alpha": [0, 0.01, 0.1, 1.0],
        "reg_lambda": [1, 2, 5, 10],
    }
    path_parameter: ClassVar[str | None] = "n_estimators"

    def fit_path(self, fold: FoldData, params: Params, values: Sequence[Any], seed: int) -> list[PathPoint]:
        """Boost to the largest value and score on the way: the first k rounds are the model with k rounds."""
        present, matrix, (validation, probe) = _prepared(fold)
        points = {}
        for rounds, booster, seconds in _boost(matrix, self._native(params, len(present), seed), values):
            P, P_probe = (booster.predict(rows) for rows in (validation, probe))
            points[rounds] = PathPoint(
                over_all_causes(P, present, fold.n_classes),
                over_all_causes(P_probe, present, fold.n_classes),
                seconds,
            )
        return [points[value] for value in values]

    def fit(
        self, X: NDArray[np.float32], y: NDArray[np.int32], n_classes: int, params: Params, seed: int
    ) -> "FittedXGBoost":
        """Fit one configuration on all rows."""
        import xgboost

        present, codes = present_causes(y)
        matrix = xgboost.QuantileDMatrix(X, codes, nthread=1)
        rounds = self.Parameters.model_validate(dict(params)).model_dump()["n_estimators"]
        *_, (_, booster, _) = _boost(matrix, self._native(params, len(present), seed), [rounds])
        return FittedXGBoost(booster, present, n_classes)

    def from_bytes(self, content: bytes) -> "FittedXGBoost":
        """Load what `FittedXGBoost.to_bytes` wrote."""
        import xgboost

        if not content.startswith(_HEADER):
            raise ValueError("not an XGBoost model of va-tuning")
        description, _, model = content.removeprefix(_HEADER).partition(b"\n")
        causes = json.loads(description)
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(model))
        return FittedXGBoost(booster, np.array(causes["present"], dtype=np.int32), causes["n_classes"])

    def _native(self, params: Params, n_present: int, seed: int) -> dict[str, Any]:
        native = self.Parameters.model_validate(dict(params)).model_dump(exclude={"n_estimators"})
        return native | {
            "objective": "multi:softprob",
            "num_class": n_present,
            "tree_method": "hist",
            "seed": seed,
            "nthread": 1,
            "verbosity": 0,
        }


class FittedXGBoost:
    """A booster over the causes that training had."""

    def __init__(self, booster: Any, present: NDArray[np.int32], n_classes: int):
        self._booster, self._present, self._n_classes = booster, present, n_classes

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Probabilities (n_rows, n_classes)."""
        P = self._booster.inplace_predict(X).reshape(len(X), len(self._present))
        return over_all_causes(P, self._present, self._n_classes)

    def to_bytes(self) -> bytes:
        """XGBoost's own binary JSON after one line about the causes."""
        causes = {"present": self._present.tolist(), "n_classes": self._n_classes}
        return _HEADER + json.dumps(causes).encode() + b"\n" + bytes(self._booster.save_raw("ubj"))


def _prepared(fold: FoldData) -> tuple[NDArray[np.int32], Any, tuple[Any, Any]]:
    """Quantise a fold's rows once: every configuration grows its trees on the same bins."""
    import xgboost

    if "xgboost" not in fold.prepared:
        present, codes = present_causes(fold.y_train)
        matrix = xgboost.QuantileDMatrix(fold.X_train, codes, nthread=1)
        rows = tuple(xgboost.DMatrix(X, nthread=1) for X in (fold.X_validation, fold.X_probe))
        fold.prepared["xgboost"] = (present, matrix, rows)
    prepared: tuple[NDArray[np.int32], Any, tuple[Any, Any]] = fold.prepared["xgboost"]
    return prepared


def _boost(matrix: Any, native: dict[str, Any], values: Sequence[int]) -> Iterator[tuple[int, Any, float]]:
    """Boost to each value in turn; yield it with the booster so far and the seconds since the last one.

    The booster keeps the predictions of matrices that it has predicted before and adds only new rounds.
    """
    import xgboost

    booster = xgboost.Booster(native, [matrix])
    done = 0
    for value in sorted(set(values)):
        started = time.perf_counter()
        for iteration in range(done, value):
            booster.update(matrix, iteration)
        seconds = time.perf_counter() - started
        done = value
        yield value, booster, seconds
