"""Gradient boosting with XGBoost's own interface: one booster scores every number of rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import BaseModel, FiniteFloat

from tuner_job.files.arrays import require
from tuner_job.models.archive import conform, pack, unpack
from tuner_job.models.base import FoldData, Params, PathPoint
from tuner_job.models.boosted_trees import TREE_FIELDS, BoostedTrees, load
from tuner_job.models.boosting import NAME, Boosting, matrix, predict
from tuner_job.models.classes import SHAPE_FIELDS, PresentClasses, check_columns
from tuner_job.models.growing import Stages
from tuner_job.models.nodes import MOST_TREES
from tuner_job.models.parameters import read_params, read_path
from tuner_job.models.path import in_order
from tuner_job.schema import Closed
from tuner_job.types import Probabilities

if TYPE_CHECKING:  # the driver validates parameters without loading the library
    import xgboost

Share = Annotated[FiniteFloat, Gt(0), Le(1)]
NonNegative = Annotated[FiniteFloat, Ge(0), Le(3e38)]
_LARGEST = 2**31 - 1  # XGBoost keeps numbers in 32 bits


class XGBoostParameters(Closed):
    """What may be tuned; the meaning of each is XGBoost's, the defaults are the untuned model's."""

    n_estimators: Annotated[int, Ge(1), Le(MOST_TREES)] = 100
    """Boosting rounds; each adds one tree a cause."""
    max_depth: Annotated[int, Ge(0), Le(_LARGEST)] = 6
    """Levels of a tree; 0 is no limit."""
    learning_rate: Share = 0.3
    """Share of each tree's answer that is added."""
    subsample: Share = 1.0
    """Share of rows drawn for each tree."""
    colsample_bytree: Share = 1.0
    """Share of columns drawn for each tree."""
    colsample_bylevel: Share = 1.0
    """Share of a tree's columns drawn for each level."""
    colsample_bynode: Share = 1.0
    """Share of a level's columns drawn for each split."""
    reg_alpha: NonNegative = 0.0
    """L1 penalty on leaf weights."""
    reg_lambda: NonNegative = 1.0
    """L2 penalty on leaf weights."""
    gamma: NonNegative = 0.0
    """Loss reduction that a split must bring."""
    min_child_weight: NonNegative = 1.0
    """Sum of Hessians that a leaf must hold."""
    max_delta_step: NonNegative = 0.0
    """Largest leaf weight; 0 is no limit. Helps where causes are very unequal."""
    grow_policy: Literal["depthwise", "lossguide"] = "depthwise"
    """Split level by level, or where the loss falls most."""
    max_leaves: Annotated[int, Ge(0), Le(_LARGEST)] = 0
    """Leaves of a tree; 0 is no limit."""
    max_bin: Annotated[int, Ge(2), Le(_LARGEST)] = 256
    """Bins that a numeric column is cut into."""


@dataclass(frozen=True)
class XGBoostPredictor:
    """Boosted trees; `trees` is ``None`` where training had a single cause."""

    trees: BoostedTrees | None
    classes: PresentClasses
    n_features: int

    @property
    def shape(self) -> tuple[int, int]:
        """Number of features and of causes; see `Predictor`."""
        return self.n_features, self.classes.n_classes

    @cached_property
    def booster(self) -> "xgboost.Booster":
        """XGBoost's own form of the trees, which predicts."""
        assert self.trees
        return load(self.trees, self.n_features, {"nthread": 1})

    def predict_proba(self, X: NDArray[np.float32]) -> Probabilities:
        """Probabilities (n_rows, n_classes); see `Predictor`."""
        check_columns(X, self.n_features)
        if self.trees is None:
            return self.classes.certain(len(X))
        return predict(self.booster, matrix(X), self.classes)

    def to_bytes(self) -> bytes:
        """Write the arrays of the trees with their class map."""
        trees: dict[str, NDArray[Any]] = {} if self.trees is None else dict(vars(self.trees))
        return pack(NAME, {**trees, **self.classes.arrays(self.n_features)})


class XGBoost:
    """Softmax boosting over histograms, one thread.

    The objective is ``multi:softprob`` for any number of causes, also two, where `XGBClassifier`
    would change to a logistic objective: a fold that lost causes is then still the same model. With
    three causes or more the probabilities equal `XGBClassifier`'s to the last bit.
    """

    name: ClassVar[str] = NAME
    rank: ClassVar[int] = 40
    Parameters: ClassVar[type[BaseModel]] = XGBoostParameters
    libraries: ClassVar[tuple[str, ...]] = ("xgboost",)
    path_parameter: ClassVar[str | None] = "n_estimators"
    path_is_nested: ClassVar[bool] = True
    default_space: ClassVar[Mapping[str, Any]] = {
        "max_depth": [3, 6, 9, 12],
        "learning_rate": [0.01, 0.05, 0.1, 0.3],
        "n_estimators": [100, 200, 300, 500],
        "subsample": [0.6, 0.8, 1.0],
        "colsample_bytree": [0.6, 0.8, 1.0],
        "reg_alpha": [0, 0.01, 0.1, 1],
        "reg_lambda": [1, 2, 5, 10],
    }
    mutable: ClassVar[frozenset[str]] = frozenset(XGBoostParameters.model_fields) - {
        "n_estimators",  # where it ends
        "max_bin",  # the training rows are binned once
        "grow_policy",
    }
    why_not_mutable: ClassVar[str] = ""

    def complexity(self, params: Params) -> tuple[float, ...]:
        """Leaves of all trees at most, then how far each goes; see `ModelFamily`."""
        parameters = read_params(self.name, XGBoostParameters, params)
        leaves = 2.0 ** min(parameters.max_depth or 32, 32)
        return parameters.n_estimators * leaves, parameters.learning_rate, -parameters.reg_lambda

    def fit_path(
        self, fold: FoldData, params: Params, values: Sequence[Any], seed: int
    ) -> list[PathPoint]:
        """Boost to the largest of `values`, scoring at each; see `ModelFamily`."""
        points = read_path(self.name, XGBoostParameters, params, "n_estimators", values)
        growing = Boosting(fold, _settings(points[0]), seed)
        scored: dict[int, PathPoint] = {}
        for rounds in sorted({point.n_estimators for point in points}):
            growing.grow_to(rounds)
            scored[rounds] = growing.point()
        return in_order(scored, [point.n_estimators for point in points])

    def start(
        self, fold: FoldData, params: Params, seed: int, content: bytes | None = None
    ) -> Boosting:
        """Begin a fit or go on with one; see `GrowingFamily`."""
        parameters = read_params(self.name, XGBoostParameters, params)
        return Boosting(fold, _settings(parameters), seed, content)

    def fit(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int32],
        n_classes: int,
        params: Params,
        seed: int,
    ) -> XGBoostPredictor:
        """Fit one configuration on all rows; see `ModelFamily`."""
        parameters = read_params(self.name, XGBoostParameters, params)
        return self.fit_stages(X, y, n_classes, [(parameters.n_estimators, params)], seed)

    def fit_stages(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int32],
        n_classes: int,
        stages: Stages,
        seed: int,
    ) -> XGBoostPredictor:
        """Fit all rows stage by stage; see `ContinuedFamily`."""
        whole = FoldData(X, y, X[:0], X[:0], n_classes)
        content: bytes | None = None
        for rounds, params in stages:
            growing = self.start(whole, params, seed, content)
            growing.grow_to(rounds)
            content = growing.to_bytes()
        trees = BoostedTrees.of(growing.booster) if growing.booster else None
        return XGBoostPredictor(trees, growing.classes, X.shape[1])

    def from_bytes(self, content: bytes) -> XGBoostPredictor:
        """Load what `XGBoostPredictor.to_bytes` wrote; see `ModelFamily`."""
        arrays = unpack(self.name, content)
        document = arrays.pop("booster", None)
        shape_alone = document is not None or arrays.keys() == SHAPE_FIELDS.keys()
        conform(arrays, SHAPE_FIELDS if shape_alone else {**TREE_FIELDS, **SHAPE_FIELDS})
        classes, n_features = PresentClasses.stored(arrays.pop("codes"), arrays.pop("shape"))
        trees = BoostedTrees(**arrays) if arrays else None
        if document is not None and document.size:  # as version 0.1.0 wrote it
            trees = BoostedTrees.of_document(document.tobytes())
        require(
            (trees is None) == classes.single,
            "a model must have trees where it has several causes, and only there",
        )
        predictor = XGBoostPredictor(trees, classes, n_features)
        if trees:
            trees.check(n_features, len(classes.codes))
            predictor.booster  # noqa: B018 - what XGBoost refuses is refused here
        return predictor


def _settings(parameters: XGBoostParameters) -> dict[str, Any]:
    return parameters.model_dump(exclude={"n_estimators"})
