"""Fitted decision trees as plain arrays, independent of the library that grew them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tuner_job.models.archive import pack, unpack
from tuner_job.models.classes import Floats, PresentClasses, check_columns


@dataclass(frozen=True, eq=False)
class Trees:
    """All nodes of all trees, one after the other, children numbered over the whole.

    Leaf distributions are kept sparse: in a forest most leaves hold one cause.

    Attributes
    ----------
    roots
        (n_trees,) node at which each tree begins.
    left, right
        (n_nodes,) child nodes; a leaf is its own child.
    feature, threshold, missing_left
        (n_nodes,) a row goes left where ``X[feature] <= threshold``, or where it is NaN and `missing_left`.
    indptr, indices, data
        The (n_nodes, n_present) distribution of causes in compressed rows; empty for inner nodes.
    """

    roots: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    data: NDArray[np.float64]

    @classmethod
    def of(cls, trees: Sequence[Any]) -> "Trees":
        """Copy scikit-learn's ``tree_`` objects."""
        sizes = np.array([tree.node_count for tree in trees])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        left = np.concatenate([tree.children_left for tree in trees])
        right = np.concatenate([tree.children_right for tree in trees])
        leaf = left < 0
        offset, own = np.repeat(roots, sizes), np.arange(sizes.sum())
        leaves: Any = sparse.vstack(
            [sparse.csr_array(tree.value[:, 0] * (tree.children_left < 0)[:, None]) for tree in trees],
            format="csr",
        )
        return cls(
            roots=roots,
            left=np.where(leaf, own, left + offset).astype(np.int32),
            right=np.where(leaf, own, right + offset).astype(np.int32),
            feature=np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.int32),
            threshold=np.concatenate([tree.threshold for tree in trees]),
            missing_left=np.concatenate([tree.missing_go_to_left for tree in trees]).astype(np.bool_),
            indptr=leaves.indptr.astype(np.int32),
            indices=leaves.indices.astype(np.int32),
            data=leaves.data,
        )

    def leaf(self, root: int, X: NDArray[np.float32]) -> NDArray[np.intp]:
        """Find the leaf (n_rows,) of each row in the tree that begins at `root`."""
        node = np.full(len(X), root, np.intp)
        moving = np.arange(len(X))
        while len(moving):
            at = node[moving]
            value = X[moving, self.feature[at]]
            goes_left = np.where(np.isnan(value), self.missing_left[at], value <= self.threshold[at])
            node[moving] = below = np.where(goes_left, self.left[at], self.right[at])
            moving = moving[self.left[below] != below]
        return node

    def mean_distribution(self, X: NDArray[np.float32], n_present: int) -> Floats:
        """Average the leaf distributions over trees, summed in their order: (n_rows, n_present)."""
        leaves: Any = sparse.csr_array((self.data, self.indices, self.indptr), shape=(len(self.left), n_present))
        total = np.zeros((len(X), n_present))
        for root in self.roots:
            total += leaves[self.leaf(root, X)].toarray()
        return np.divide(total, len(self.roots))


@dataclass(frozen=True)
class TreesPredictor:
    """A fitted forest: the mean over trees of the distribution of causes in a row's leaf."""

    family: str
    trees: Trees
    classes: PresentClasses
    n_features: int

    def predict_proba(self, X: NDArray[np.float32]) -> Floats:
        """Probabilities (n_rows, n_classes); see `Predictor`."""
        check_columns(X, self.n_features)
        return self.classes.spread(self.trees.mean_distribution(X, len(self.classes.codes)))

    def to_bytes(self) -> bytes:
        """Write the arrays."""
        arrays = {field.name: getattr(self.trees, field.name) for field in fields(Trees)}
        shape = np.array([self.n_features, self.classes.n_classes])
        return pack(self.family, {**arrays, "codes": self.classes.codes, "shape": shape})

    @classmethod
    def from_bytes(cls, family: str, content: bytes) -> "TreesPredictor":
        """Load what `to_bytes` wrote.

        Raises
        ------
        StoreError
            If the bytes are not such a model.
        """
        arrays = unpack(family, content)
        n_features, n_classes = (int(size) for size in arrays.pop("shape"))
        classes = PresentClasses(arrays.pop("codes"), n_classes)
        return cls(family, Trees(**arrays), classes, n_features)
