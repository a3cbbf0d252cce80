"""Random forests (scikit-learn)."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from tuner_job.models.base import FoldData, Params, PathPoint
from tuner_job.models.causes import over_all_causes, present_causes
from tuner_job.schema import Closed

_TREES_AT_ONCE = 50  # 500 trees of an adult data set's fold would take 800 MB
_TREE_TYPES = ["sklearn.tree._tree.Tree"]  # what a forest is made of beside plain types


class RandomForestParameters(Closed):
    """Parameters of scikit-learn's forest, with the untuned defaults."""

    n_estimators: Annotated[int, Field(ge=1)] = 100
    """Trees."""
    max_depth: Annotated[int, Field(ge=1)] | None = None
    """Depth of a tree; none: until leaves are pure."""
    min_samples_split: Annotated[int, Field(ge=2)] = 2
    """Rows that a node needs to be split."""
    min_samples_leaf: Annotated[int, Field(ge=1)] = 1
    """Rows that a leaf must hold."""
    max_features: Literal["sqrt", "log2"] | Annotated[float, Field(gt=0, le=1)] | None = "sqrt"
    """Features looked at for a split: a rule, a share, or none for all."""
    criterion: Literal["gini", "entropy", "log_loss"] = "gini"
    """What a split improves."""
    max_samples: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the rows drawn for a tree; none: as many as there are."""
    class_weight: Literal["balanced"] | None = None
    """Weight causes by their rarity. It changes the composition that the forest predicts."""


class RandomForest:
    """scikit-learn's forest, equal to ``RandomForestClassifier`` to the last bit."""

    name: ClassVar[str] = "random_forest"
    Parameters: ClassVar[type[BaseModel]] = RandomForestParameters
    default_space: ClassVar[Mapping[str, Any]] = {
        "n_estimators": [100, 200, 300, 500],
        "max_depth": [None, 10, 20, 30],
        "min_samples_split": [2, 5, 10],
        "min_samples_leaf": [1, 2, 4],
        "max_features": ["sqrt", "log2", 0.5, 0.8],
    }
    path_parameter: ClassVar[str | None] = "n_estimators"

    def fit_path(self, fold: FoldData, params: Params, values: Sequence[Any], seed: int) -> list[PathPoint]:
        """Grow the largest forest and score on the way: its first k trees are the forest of k trees."""
        present, codes = present_causes(fold.y_train)
        both = np.concatenate([fold.X_validation, fold.X_probe])
        n_validation = len(fold.X_validation)
        total = np.zeros((len(both), len(present)))
        points, seconds = {}, 0.0
        for n_trees, forest, spent in self._grow(fold.X_train, codes, params, _stops(values), seed):
            seconds += spent
            for i, tree in enumerate(forest.estimators_):
                if tree is not None:
                    total += tree.predict_proba(both, check_input=False)
                    forest.estimators_[i] = None  # scored: continuing the forest only counts it
            if n_trees in values:
                P = over_all_causes(total / n_trees, present, fold.n_classes)
                points[n_trees] = PathPoint(P[:n_validation], P[n_validation:], seconds)
                seconds = 0.0
        return [points[value] for value in values]

    def fit(
        self, X: NDArray[np.float32], y: NDArray[np.int32], n_classes: int, params: Params, seed: int
    ) -> "FittedForest":
        """Fit one configuration on all rows."""
        n_trees = self.Parameters.model_validate(dict(params)).model_dump()["n_estimators"]
        present, codes = present_causes(y)
        ((_, forest, _),) = self._grow(X, codes, params, [n_trees], seed)
        return FittedForest(forest, present, n_classes)

    def from_bytes(self, content: bytes) -> "FittedForest":
        """Load what `FittedForest.to_bytes` wrote; only known types are built."""
        from skops import io as skops

        loaded = skops.loads(content, trusted=_TREE_TYPES)
        return FittedForest(loaded["forest"], np.array(loaded["present"], dtype=np.int32), loaded["n_classes"])

    def _grow(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int32],
        params: Params,
        stops: Sequence[int],
        seed: int,
    ) -> Iterator[tuple[int, Any, float]]:
        """Grow to each number of trees in turn; yield it with the forest and the seconds it took."""
        from sklearn.ensemble import RandomForestClassifier

        settings = self.Parameters.model_validate(dict(params)).model_dump(exclude={"n_estimators"})
        if settings["class_weight"] == "balanced":  # spelt out: scikit-learn warns of the word on a path
            counts = np.bincount(y)
            settings["class_weight"] = dict(enumerate((len(y) / (len(counts) * counts)).tolist()))
        forest = RandomForestClassifier(**settings, random_state=seed, warm_start=True)
        for n_trees in stops:
            started = time.perf_counter()
            forest.set_params(n_estimators=n_trees).fit(X, y)
            yield n_trees, forest, time.perf_counter() - started


def _stops(values: Sequence[int]) -> list[int]:
    """Numbers of trees at which to score: those wanted, and enough between them to keep few in memory."""
    return sorted({*values, *range(_TREES_AT_ONCE, max(values), _TREES_AT_ONCE)})


class FittedForest:
    """A forest over the causes that training had."""

    def __init__(self, forest: Any, present: NDArray[np.int32], n_classes: int):
        self._forest, self._present, self._n_classes = forest, present, n_classes

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Probabilities (n_rows, n_classes)."""
        return over_all_causes(self._forest.predict_proba(X), self._present, self._n_classes)

    def to_bytes(self) -> bytes:
        """The skops format, which runs no code when it is loaded."""
        from skops import io as skops

        causes = {"present": self._present.tolist(), "n_classes": self._n_classes}
        return bytes(skops.dumps({"forest": self._forest, **causes}))
