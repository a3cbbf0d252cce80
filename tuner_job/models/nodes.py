"""The nodes of fitted trees as plain arrays, and what must hold before they are walked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.files.arrays import require
from tuner_job.models.archive import Fields

MOST_TREES = 75_000
"""Of a model: 34 causes and 2,200 rounds."""
MOST_LEVELS = 10_000
"""Of a tree: a walk takes a step a level."""

NODE_FIELDS: Fields = {
    "roots": ("int32", 1),
    "left": ("int32", 1),
    "right": ("int32", 1),
    "feature": ("int32", 1),
    "missing_left": ("bool", 1),
}


@dataclass(frozen=True, eq=False)
class Nodes:
    """All nodes of all trees, one after the other, children numbered over the whole.

    Attributes
    ----------
    roots
        (n_trees,) node at which each tree begins.
    left, right
        (n_nodes,) child nodes, which come after their node; a leaf is its own child.
    feature, threshold, missing_left
        (n_nodes,) where a row goes left: see the kinds of trees.
    """

    roots: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[Any]
    missing_left: NDArray[np.bool_]

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """(n_nodes,) which nodes are leaves."""
        return np.asarray(self.left == np.arange(len(self.left)))

    def check_nodes(self, n_features: int) -> None:
        """Refuse nodes that are no trees, so that every walk ends and stays within the arrays.

        Raises
        ------
        StoreError
        """
        n_nodes = len(self.left)
        columns = (self.right, self.feature, self.threshold, self.missing_left)
        require(
            all(len(column) == n_nodes for column in columns),
            "the arrays of nodes must have one length",
        )
        require(0 < len(self.roots) <= MOST_TREES, f"a model must have 1 to {MOST_TREES:,} trees")
        ends = np.append(self.roots[1:], n_nodes)
        require(
            self.roots[0] == 0 and (ends > self.roots).all(),
            "roots must ascend from the first node",
        )
        within = (self.feature >= 0) & (self.feature < n_features)
        require(within.all(), f"feature must lie in 0 … {n_features - 1}")
        require(not np.isnan(self.threshold).any(), "threshold must be a number")
        self._check_children(np.repeat(ends, ends - self.roots))
        self._check_levels()

    def _check_children(self, ends: NDArray[np.int32]) -> None:
        inner = np.flatnonzero(~self.is_leaf)
        for children in (self.left[inner], self.right[inner]):
            after = (children > inner) & (children < ends[inner])
            require(after.all(), "children must come after their node, in the same tree")
        leaf_right = self.right[self.is_leaf]
        require(
            (leaf_right == np.flatnonzero(self.is_leaf)).all(),
            "a leaf must be its own child on both sides",
        )
        parents = np.bincount(np.append(self.left[inner], self.right[inner]), minlength=len(ends))
        parents[self.roots] += 1
        require((parents == 1).all(), "each node but a root must have one parent")

    def _check_levels(self) -> None:
        level = self.roots
        for _ in range(MOST_LEVELS):
            level = level[self.left[level] != level]
            if not len(level):
                return
            level = np.append(self.left[level], self.right[level])
        require(False, f"a tree must have at most {MOST_LEVELS:,} levels")
