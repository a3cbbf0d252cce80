"""Random forest with scikit-learn's trees: one forest scores every number of trees."""

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import BaseModel, FiniteFloat

from tuner_job.files.arrays import require
from tuner_job.models.base import FoldData, Params, PathPoint
from tuner_job.models.classes import PresentClasses
from tuner_job.models.nodes import MOST_TREES
from tuner_job.models.parameters import read_params, read_path
from tuner_job.models.path import in_order
from tuner_job.models.trees import Trees, TreesPredictor
from tuner_job.schema import Closed
from tuner_job.threads import n_threads
from tuner_job.types import Floats

if TYPE_CHECKING:  # the driver validates parameters without loading the library
    from sklearn.ensemble import RandomForestClassifier

NAME = "random_forest"
Share = Annotated[FiniteFloat, Gt(0), Le(1)]

TREES_AT_ONCE = 50
"""Trees kept before they are scored and forgotten: 500 trees of an adult fold would hold 800 MB."""


class RandomForestParameters(Closed):
    """What may be tuned; the meaning of each is scikit-learn's, the defaults are the untuned
    model's."""

    n_estimators: Annotated[int, Ge(1), Le(MOST_TREES)] = 100
    """Trees."""
    max_depth: Annotated[int, Ge(1)] | None = None
    """Levels of a tree; ``None`` is no limit."""
    min_samples_split: Annotated[int, Ge(2)] = 2
    """Rows that a node must hold to be split."""
    min_samples_leaf: Annotated[int, Ge(1)] = 1
    """Rows that a leaf must hold."""
    max_features: Literal["sqrt", "log2"] | Share | None = "sqrt"
    """Columns tried for a split: a function of their number, or a share; 1 and ``None`` are
    every column."""
    criterion: Literal["gini", "entropy", "log_loss"] = "gini"
    """Impurity that a split lowers; ``log_loss`` is another name of entropy."""
    max_samples: Share | None = None
    """Share of rows drawn, with replacement, for each tree; ``None`` draws as many as there are."""
    class_weight: Literal["balanced", "balanced_subsample"] | None = None
    """Weigh causes equally, over all rows or over each tree's; ``None`` weighs rows equally."""
    max_leaf_nodes: Annotated[int, Ge(2)] | None = None
    """Leaves of a tree; ``None`` is no limit."""
    min_impurity_decrease: Annotated[FiniteFloat, Ge(0)] = 0.0
    """Weighted impurity decrease that a split must bring."""


class RandomForest:
    """scikit-learn's `RandomForestClassifier`, one thread; probabilities equal its own to the
    last bit."""

    name: ClassVar[str] = NAME
    rank: ClassVar[int] = 30
    Parameters: ClassVar[type[BaseModel]] = RandomForestParameters
    libraries: ClassVar[tuple[str, ...]] = ("sklearn.ensemble", "scipy.sparse")
    path_parameter: ClassVar[str | None] = "n_estimators"
    path_is_nested: ClassVar[bool] = True
    default_space: ClassVar[Mapping[str, Any]] = {
        "n_estimators": [100, 200, 300, 500],
        "max_depth": [None, 10, 20, 30],
        "min_samples_split": [2, 5, 10],
        "min_samples_leaf": [1, 2, 4],
        "max_features": ["sqrt", "log2", 0.5, 0.8],
    }
    mutable: ClassVar[frozenset[str]] = frozenset()
    why_not_mutable: ClassVar[str] = "its trees know nothing of each other"

    def complexity(self, params: Params) -> tuple[float, ...]:
        """Depth and smallest leaf of a tree, then the number of trees; see `ModelFamily`."""
        parameters = read_params(self.name, RandomForestParameters, params)
        depth = float(parameters.max_depth or np.inf)
        return (
            -parameters.min_samples_leaf,
            depth,
            -parameters.min_samples_split,
            parameters.n_estimators,
        )

    def fit_path(
        self, fold: FoldData, params: Params, values: Sequence[Any], seed: int
    ) -> list[PathPoint]:
        """Grow the largest forest of `values`, scoring on the way; see `ModelFamily`."""
        points = read_path(self.name, RandomForestParameters, params, "n_estimators", values)
        growing = ForestGrowing(fold, points[0], seed)
        scored: dict[int, PathPoint] = {}
        for n_trees in sorted({point.n_estimators for point in points}):
            growing.grow_to(n_trees)
            scored[n_trees] = growing.point()
        return in_order(scored, [point.n_estimators for point in points])

    def start(
        self, fold: FoldData, params: Params, seed: int, content: bytes | None = None
    ) -> "ForestGrowing":
        """Begin a fit or go on with one; see `GrowingFamily`."""
        return ForestGrowing(
            fold, read_params(self.name, RandomForestParameters, params), seed, content
        )

    def fit(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int32],
        n_classes: int,
        params: Params,
        seed: int,
    ) -> TreesPredictor:
        """Fit one configuration on all rows; see `ModelFamily`."""
        parameters = read_params(self.name, RandomForestParameters, params)
        classes = PresentClasses.of(y, n_classes)
        forest = _forest(parameters, seed)
        _grow(forest, X, classes.encode(y), parameters.n_estimators)
        trees = Trees.of([tree.tree_ for tree in forest.estimators_])
        return TreesPredictor(self.name, trees, classes, X.shape[1])

    def from_bytes(self, content: bytes) -> TreesPredictor:
        """Load what `TreesPredictor.to_bytes` wrote; see `ModelFamily`."""
        return TreesPredictor.from_bytes(self.name, content)


class ForestGrowing:
    """A forest on its way over one fold; see `Growing`. It keeps the trees' votes, not the
    trees."""

    def __init__(
        self,
        fold: FoldData,
        parameters: RandomForestParameters,
        seed: int,
        content: bytes | None = None,
    ):
        self._fold, self._seconds = fold, 0.0
        self._classes = PresentClasses.of(fold.y_train, fold.n_classes)
        self._forest = _forest(parameters, seed)
        self._rows = np.ascontiguousarray(
            np.concatenate([fold.X_validation, fold.X_probe]), np.float32
        )
        self._votes = np.zeros((len(self._rows), len(self._classes.codes)))
        self._size = 0
        if content is not None:
            self._size = int.from_bytes(content[:4], "big")
            self._votes += self._stored(content[4:])
            self._forest.estimators_ = [None] * self._size  # a continued fit only counts them

    @property
    def size(self) -> int:
        """Trees so far."""
        return self._size

    def grow_to(self, size: int) -> None:
        """Grow up to `size` trees, never keeping more than `TREES_AT_ONCE` of them."""
        while self._size < size:
            self._size = min(size, self._size + TREES_AT_ONCE)
            if not self._classes.single:
                fold = self._fold
                self._seconds += _grow(
                    self._forest, fold.X_train, self._classes.encode(fold.y_train), self._size
                )
                _add_votes(self._forest, self._rows, self._votes)

    def point(self) -> PathPoint:
        """Score what there is."""
        n = len(self._fold.X_validation)
        if self._classes.single:
            P = self._classes.certain(len(self._rows))
            return PathPoint(P[:n], P[n:], 0.0, {"single_cause": True})
        P = self._classes.spread(self._votes / self._size)
        seconds, self._seconds = self._seconds, 0.0
        return PathPoint(P[:n], P[n:], seconds)

    def to_bytes(self) -> bytes:
        """Write the number of trees and their votes."""
        return self._size.to_bytes(4, "big") + self._votes.tobytes()

    def _stored(self, content: bytes) -> Floats:
        """Read the votes that `to_bytes` wrote, whoever did: checkpoints stand with the results."""
        require(
            self._size <= MOST_TREES,
            f"a forest must have at most {MOST_TREES:,} trees, found {self._size:,}",
        )
        stated = self._votes.nbytes
        require(
            len(content) == stated, f"the votes must have {stated:,} bytes, found {len(content):,}"
        )
        votes = np.frombuffer(content, self._votes.dtype).reshape(self._votes.shape)
        sums = 0 if self._classes.single else self._size
        right = (votes >= 0).all() and (np.abs(votes.sum(axis=1) - sums) <= 1e-6 * self._size).all()
        require(right, f"each row must have the votes of {self._size:,} trees")
        return votes


def _forest(parameters: RandomForestParameters, seed: int) -> "RandomForestClassifier":
    from sklearn.ensemble import RandomForestClassifier  # importing it takes a second

    return RandomForestClassifier(
        **parameters.model_dump(), n_jobs=n_threads(), random_state=seed, warm_start=True
    )


def _grow(
    forest: "RandomForestClassifier", X: NDArray[np.float32], y: NDArray[np.int32], n_trees: int
) -> float:
    """Grow the forest to `n_trees`; return the seconds it took."""
    start = time.perf_counter()
    forest.set_params(n_estimators=n_trees)
    with warnings.catch_warnings():
        # Continuing a balanced forest is warned of because the rows could be others; they are the
        # same.
        warnings.filterwarnings("ignore", message="class_weight presets", category=UserWarning)
        forest.fit(X, y)
    return time.perf_counter() - start


def _add_votes(forest: "RandomForestClassifier", rows: NDArray[np.float32], total: Floats) -> None:
    """Add the new trees' probabilities to `total` in the order of the trees, then forget the
    trees."""
    for number, tree in enumerate(forest.estimators_):
        if tree is not None:
            total += tree.tree_.predict(rows)
            forest.estimators_[number] = None  # a continued fit only counts them
