"""Boosted trees as plain arrays, and XGBoost's own document made of them.

XGBoost's parser is not made for documents of strangers: some end the process. So it reads only what
is written here from arrays that were checked, and what it writes is stored as arrays.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.files.arrays import reading, require
from tuner_job.models import ubjson
from tuner_job.models.archive import Fields
from tuner_job.models.nodes import NODE_FIELDS, Nodes

if TYPE_CHECKING:  # the driver validates parameters without loading the library
    import xgboost

TREE_FIELDS: Fields = {**NODE_FIELDS, "threshold": ("float32", 1), "base": ("float32", 1)}
MOST_MARGIN = 1e30
"""Of a row: far from where single precision ends."""

_NO_PARENT = 2**31 - 1
_COLUMNS = {
    "left_children": "int32",
    "right_children": "int32",
    "split_indices": "int32",
    "split_conditions": "float32",
    "default_left": "uint8",
    "split_type": "uint8",
}
"""What a tree needs of XGBoost's document."""


@dataclass(frozen=True, eq=False)
class BoostedTrees(Nodes):
    """Rounds of one tree a cause that is present, which add up to a margin.

    A row goes left where ``X[feature] < threshold``, or where it is NaN and `missing_left`.
    Thresholds are float32; a leaf's is what it adds.

    Attributes
    ----------
    base
        (n_present,) margin before the first tree.
    """

    base: NDArray[np.float32]

    @classmethod
    def of(cls, booster: "xgboost.Booster") -> "BoostedTrees":
        """Copy the trees of a booster."""
        return cls.of_document(bytes(booster.save_raw("ubj")))

    @classmethod
    def of_document(cls, content: bytes) -> "BoostedTrees":
        """Copy the trees of XGBoost's UBJSON, whoever wrote it; they are still to be checked.

        Raises
        ------
        StoreError
            If it is no such document, or has what this project's models have not.
        """
        with reading("XGBoost's document"):
            learner = ubjson.read(content)["learner"]
            booster = learner["gradient_booster"]
            trees, groups = booster["model"]["trees"], booster["model"]["tree_info"]
            base = np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32)
            names = (booster["name"], learner["objective"]["name"])
            columns = {name: [tree[name] for tree in trees] for name in _COLUMNS}
            sizes = np.array([len(column) for column in columns["left_children"]])
        require(
            names == ("gbtree", "multi:softprob"), "the trees must be boosted for multi:softprob"
        )
        require(
            base.ndim == 1 and list(groups) == _groups(len(trees), len(base)),
            "a round must have a tree a cause",
        )
        for name, dtype in _COLUMNS.items():
            require(
                [len(column) for column in columns[name]] == sizes.tolist(),
                f"{name} must have a value a node",
            )
            alike = all(
                getattr(column, "dtype", None) == np.dtype(dtype).newbyteorder(">")
                for column in columns[name]
            )
            require(alike, f"{name} must be {dtype}")
        return cls._joined(
            {name: np.concatenate(column) for name, column in columns.items()}, sizes, base
        )

    @classmethod
    def _joined(
        cls, columns: Mapping[str, NDArray[Any]], sizes: NDArray[np.int_], base: NDArray[np.float32]
    ) -> "BoostedTrees":
        require(not columns["split_type"].any(), "the trees must not split by categories")
        require(columns["default_left"].max(initial=0) <= 1, "default_left must be 0 or 1")
        roots = np.cumsum(sizes) - sizes
        own, offset = np.arange(sizes.sum()), np.repeat(roots, sizes)
        children = [columns[f"{side}_children"].astype(np.int64) for side in ("left", "right")]
        left, right = (np.where(child == -1, own, child + offset) for child in children)
        return cls(
            roots=roots.astype(np.int32),
            left=left.astype(np.int32),
            right=right.astype(np.int32),
            feature=columns["split_indices"].astype(np.int32),
            threshold=columns["split_conditions"].astype(np.float32),
            missing_left=columns["default_left"].astype(np.bool_),
            base=base,
        )

    def check(self, n_features: int, n_present: int) -> None:
        """Refuse what are no trees, or give no probabilities.

        Raises
        ------
        StoreError
        """
        self.check_nodes(n_features)
        require(len(self.base) == n_present > 1, f"base must have a value a cause, {n_present}")
        require(len(self.roots) % n_present == 0, "a round must have a tree a cause")
        leaves = self.threshold[self.is_leaf].astype(np.float64)
        largest = np.abs(leaves).max() * self.n_rounds + np.abs(self.base.astype(np.float64)).max()
        require(
            largest < MOST_MARGIN,
            f"margins must be less than {MOST_MARGIN:g}, they could be {largest:g}",
        )

    @property
    def n_rounds(self) -> int:
        """Rounds of boosting."""
        return len(self.roots) // len(self.base)

    def document(self, n_features: int) -> bytearray:
        """Write XGBoost's UBJSON of trees that were checked; what only training statistics need
        is 0."""
        n_trees, n_present = len(self.roots), len(self.base)
        model = {
            "cats": {"enc": [], "feature_segments": _NONE, "sorted_idx": _NONE},
            "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(n_trees)},
            "iteration_indptr": list(range(0, n_trees + 1, n_present)),
            "tree_info": _groups(n_trees, n_present),
            "trees": ubjson.Written(n_trees, self._trees(n_features)),
        }
        base = ",".join(np.format_float_scientific(value, exp_digits=1) for value in self.base)
        parameters = {"base_score": f"[{base}]", "boost_from_average": "1", "num_target": "1"}
        sizes = {"num_class": str(n_present), "num_feature": str(n_features)}
        objective = {
            "name": "multi:softprob",
            "softmax_multiclass_param": {"num_class": str(n_present)},
        }
        learner = {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "gradient_booster": {"model": model, "name": "gbtree"},
            "learner_model_param": {**parameters, **sizes},
            "objective": objective,
        }
        return ubjson.write({"learner": learner, "version": [3, 2, 0]})

    def _trees(self, n_features: int) -> Iterator[bytes]:
        sizes = np.diff(np.append(self.roots, len(self.left)))
        offset, leaf = np.repeat(self.roots, sizes), self.is_leaf
        inner = np.flatnonzero(~leaf)
        parents = np.full(len(leaf), _NO_PARENT, np.int32)
        for children in (self.left, self.right):
            parents[children[inner]] = (inner - offset[inner]).astype(np.int32)
        columns: dict[str, NDArray[Any]] = {
            "base_weights": np.where(leaf, self.threshold, 0).astype(">f4"),
            "default_left": self.missing_left.astype(np.uint8),
            "left_children": np.where(leaf, -1, self.left - offset).astype(">i4"),
            "loss_changes": np.zeros(len(leaf), ">f4"),
            "parents": parents.astype(">i4"),
            "right_children": np.where(leaf, -1, self.right - offset).astype(">i4"),
            "split_conditions": self.threshold.astype(">f4"),
            "split_indices": self.feature.astype(">i4"),
            "split_type": np.zeros(len(leaf), np.uint8),
            "sum_hessian": np.zeros(len(leaf), ">f4"),
        }
        starts, lengths = self.roots.tolist(), sizes.tolist()
        written = [
            ubjson.write_parts(name, column, starts, lengths) for name, column in columns.items()
        ]
        for number, (length, *entries) in enumerate(zip(lengths, *written, strict=True)):
            rest = {
                "id": number,
                **_NO_CATEGORIES,
                "tree_param": _tree_parameters(length, n_features),
            }
            yield b"{" + b"".join(entries) + bytes(ubjson.write(rest)[1:])


_NONE = np.array([], np.int32)
_NO_CATEGORIES = {
    "categories": _NONE,
    "categories_nodes": _NONE,
    "categories_segments": np.array([], np.int64),
    "categories_sizes": np.array([], np.int64),
}


def _tree_parameters(n_nodes: int, n_features: int) -> dict[str, str]:
    sizes = {"num_feature": str(n_features), "num_nodes": str(n_nodes)}
    return {"num_deleted": "0", **sizes, "size_leaf_vector": "1"}


def _groups(n_trees: int, n_present: int) -> Sequence[int]:
    """Cause of each tree."""
    return [tree % n_present for tree in range(n_trees)] if n_present else []


def load(
    trees: BoostedTrees, n_features: int, settings: Mapping[str, Any], rows: Sequence[Any] = ()
) -> Any:
    """Make a booster of trees that were checked.

    Parameters
    ----------
    settings
        XGBoost's parameters.
    rows
        Matrices that it will go on with.
    """
    import xgboost  # only fits and predictions need it

    with reading("the trees"):  # what XGBoost raises is a ValueError
        return xgboost.Booster(dict(settings), list(rows), model_file=trees.document(n_features))
