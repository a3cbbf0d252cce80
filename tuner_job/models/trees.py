"""Fitted decision trees as plain arrays, independent of the library that grew them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.files.arrays import require
from tuner_job.models.archive import Fields, conform, pack, unpack
from tuner_job.models.classes import SHAPE_FIELDS, PresentClasses, check_columns
from tuner_job.models.nodes import NODE_FIELDS, Nodes
from tuner_job.types import Floats, Probabilities

AT_ONCE = 2**20
"""Walks, a row in a tree each, that are under way together."""
FIELDS: Fields = {
    **NODE_FIELDS,
    **SHAPE_FIELDS,
    "threshold": ("float64", 1),
    "indptr": ("int32", 1),
    "indices": ("int32", 1),
    "data": ("float64", 1),
}


@dataclass(frozen=True, eq=False)
class Trees(Nodes):
    """Trees whose leaves hold a distribution of causes, kept sparse: in a forest most leaves hold
    one cause.

    A row goes left where ``X[feature] <= threshold``, or where it is NaN and `missing_left`;
    thresholds are float64.

    Attributes
    ----------
    indptr, indices, data
        The (n_nodes, n_present) distribution of causes in compressed rows; empty for inner nodes.
    """

    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    data: NDArray[np.float64]

    @classmethod
    def of(cls, trees: Sequence[Any]) -> "Trees":
        """Copy scikit-learn's ``tree_`` objects."""
        from scipy import sparse  # here: checking an experiment imports the families

        sizes = np.array([tree.node_count for tree in trees])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        left = np.concatenate([tree.children_left for tree in trees])
        right = np.concatenate([tree.children_right for tree in trees])
        leaf = left < 0
        offset, own = np.repeat(roots, sizes), np.arange(sizes.sum())
        leaves: Any = sparse.vstack(
            [
                sparse.csr_array(tree.value[:, 0] * (tree.children_left < 0)[:, None])
                for tree in trees
            ],
            format="csr",
        )
        return cls(
            roots=roots,
            left=np.where(leaf, own, left + offset).astype(np.int32),
            right=np.where(leaf, own, right + offset).astype(np.int32),
            feature=np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(
                np.int32
            ),
            threshold=np.concatenate([tree.threshold for tree in trees]),
            missing_left=np.concatenate([tree.missing_go_to_left for tree in trees]).astype(
                np.bool_
            ),
            indptr=leaves.indptr.astype(np.int32),
            indices=leaves.indices.astype(np.int32),
            data=leaves.data,
        )

    def check(self, n_features: int, n_present: int) -> None:
        """Refuse what is no forest, or gives no probabilities.

        Raises
        ------
        StoreError
        """
        self.check_nodes(n_features)
        lengths = np.diff(self.indptr)
        require(len(lengths) == len(self.left), "indptr must have a row a node")
        ends = self.indptr[0] == 0 and self.indptr[-1] == len(self.indices) == len(self.data)
        require(ends and (lengths >= 0).all(), "indptr must ascend from 0 to the number of values")
        within = (self.indices >= 0) & (self.indices < n_present)
        require(within.all(), f"indices must lie in 0 … {n_present - 1}")
        require((self.data >= 0).all(), "data must be 0 or more")
        sums = np.bincount(np.repeat(np.arange(len(lengths)), lengths), self.data, len(lengths))[
            self.is_leaf
        ]
        require((np.abs(sums - 1) <= 1e-6).all(), "the probabilities of a leaf must sum to 1")

    def leaves(self, X: NDArray[np.float32]) -> NDArray[np.intp]:
        """Find the leaf of each row in each tree: (n_trees, n_rows)."""
        node = np.repeat(self.roots.astype(np.intp), len(X))
        row = np.tile(np.arange(len(X)), len(self.roots))
        moving = np.flatnonzero(self.left[node] != node)
        while len(moving):
            at = node[moving]
            value = X[row[moving], self.feature[at]]
            goes_left = np.where(
                np.isnan(value), self.missing_left[at], value <= self.threshold[at]
            )
            node[moving] = below = np.where(goes_left, self.left[at], self.right[at])
            moving = moving[self.left[below] != below]
        return node.reshape(len(self.roots), len(X))

    def mean_distribution(self, X: NDArray[np.float32], n_present: int) -> Floats:
        """Average the leaf distributions over trees, summed in their order: (n_rows, n_present)."""
        rows = max(1, AT_ONCE // len(self.roots))
        parts = [
            self._summed(X[start : start + rows], n_present) for start in range(0, len(X), rows)
        ]
        summed: Floats = np.concatenate([np.zeros((0, n_present)), *parts])
        return summed / len(self.roots)

    def _summed(self, X: NDArray[np.float32], n_present: int) -> Floats:
        """Multiply by a matrix that has a 1 for each leaf of a row; the product adds in the
        order of the trees."""
        from scipy import sparse  # as above

        n_trees, n_nodes = len(self.roots), len(self.left)
        chosen = self.leaves(X).T.ravel()
        starts = np.arange(len(X) + 1) * n_trees
        distributions: Any = sparse.csr_array(
            (self.data, self.indices, self.indptr), shape=(n_nodes, n_present)
        )
        choice: Any = sparse.csr_array(
            (np.ones(len(chosen)), chosen, starts), shape=(len(X), n_nodes)
        )
        summed: Floats = (choice @ distributions).toarray()
        return summed


@dataclass(frozen=True)
class TreesPredictor:
    """A fitted forest: the mean over trees of the distribution of causes in a row's leaf."""

    family: str
    trees: Trees
    classes: PresentClasses
    n_features: int

    @property
    def shape(self) -> tuple[int, int]:
        """Number of features and of causes; see `Predictor`."""
        return self.n_features, self.classes.n_classes

    def predict_proba(self, X: NDArray[np.float32]) -> Probabilities:
        """Probabilities (n_rows, n_classes); see `Predictor`."""
        check_columns(X, self.n_features)
        return self.classes.spread(self.trees.mean_distribution(X, len(self.classes.codes)))

    def to_bytes(self) -> bytes:
        """Write the arrays."""
        arrays = {field.name: getattr(self.trees, field.name) for field in fields(Trees)}
        return pack(self.family, {**arrays, **self.classes.arrays(self.n_features)})

    @classmethod
    def from_bytes(cls, family: str, content: bytes) -> "TreesPredictor":
        """Load what `to_bytes` wrote.

        Raises
        ------
        StoreError
            If the bytes are not such a model.
        """
        arrays = unpack(family, content)
        conform(arrays, FIELDS)
        classes, n_features = PresentClasses.stored(arrays.pop("codes"), arrays.pop("shape"))
        trees = Trees(**arrays)
        trees.check(n_features, len(classes.codes))
        return cls(family, trees, classes, n_features)
