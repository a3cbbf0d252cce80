"""Columns as items with a few answers each, as naive Bayes takes them; learned from training rows
only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.files.arrays import require
from tuner_job.models.archive import Fields

ITEM_FIELDS: Fields = {
    "columns": ("int32", 1),
    "edges": ("float32", 1),
    "owners": ("int32", 1),
}
ROWS_AT_ONCE = 1024
"""Rows of a design matrix, which is several times as wide as the rows it is made of."""


@dataclass(frozen=True, eq=False)
class Items:
    """Columns that vary in training, each with edges between its answers.

    Attributes
    ----------
    columns
        (n_items,) ascending: which columns are items.
    edges
        (n_edges,) ascending within an item. The answer of a cell is the number of its item's edges
        that it reaches, from 0 on; yes and no have the edge 1.
    owners
        (n_edges,) which item, 0 … n_items - 1, an edge belongs to; ascending. Each item has one at
        least.
    """

    columns: NDArray[np.int32]
    edges: NDArray[np.float32]
    owners: NDArray[np.int32]

    @classmethod
    def of(cls, X: NDArray[np.float32], n_bins: int) -> "Items":
        """Learn from training rows (n_rows, n_features): numbers of more than `n_bins` values are
        cut into bins that hold about as many deaths each."""
        edges = [_edges(column, n_bins) for column in X.T]
        columns = [number for number, found in enumerate(edges) if len(found)]
        kept = [edges[number] for number in columns]
        return cls(
            np.array(columns, np.int32),
            np.concatenate([*kept, np.zeros(0, np.float32)]),
            np.repeat(np.arange(len(kept), dtype=np.int32), [len(found) for found in kept]),
        )

    def design(self, X: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return, for each row, which items it answers and which edges it reaches, (n_rows,
        n_items + n_edges); a missing cell does neither."""
        reached = X[:, self.columns[self.owners]] >= self.edges
        return np.hstack([~np.isnan(X[:, self.columns]), reached])

    def chunks(self, X: NDArray[np.float32]) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
        """Build the design matrix of at most `ROWS_AT_ONCE` rows at a time."""
        for start in range(0, len(X), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            yield rows, self.design(X[rows])

    def answers(self) -> NDArray[np.int32]:
        """Return the item of every answer, (n_items + n_edges,): first the answers 0, then those
        that an edge begins."""
        return np.concatenate([np.arange(len(self.columns), dtype=np.int32), self.owners])

    @property
    def first(self) -> NDArray[np.bool_]:
        """Which edges are the first of their item, (n_edges,)."""
        return np.diff(self.owners, prepend=-1) > 0

    def only(self, items: NDArray[np.intp]) -> tuple["Items", NDArray[np.intp]]:
        """Keep some items, given ascending; also return which of their answers, (n_answers,),
        remain."""
        edges = np.flatnonzero(np.isin(self.owners, items))
        owners = np.searchsorted(items, self.owners[edges]).astype(np.int32)
        return (
            Items(self.columns[items], self.edges[edges], owners),
            np.concatenate([items, len(self.columns) + edges]),
        )

    def check(self, n_features: int) -> None:
        """Refuse arrays that do not fit together.

        Raises
        ------
        StoreError
        """
        within = (self.columns >= 0) & (self.columns < n_features)
        require(within.all(), f"columns must lie in 0 … {n_features - 1}")
        require((np.diff(self.columns) > 0).all(), "columns must ascend")
        require(len(self.edges) == len(self.owners), "edges and owners must have one length")
        owned = np.array_equal(np.unique(self.owners), np.arange(len(self.columns)))
        require(
            owned and (np.diff(self.owners) >= 0).all(),
            f"owners must ascend, from 0 to {len(self.columns) - 1}, none left out",
        )
        same = np.diff(self.owners) == 0
        ascending = (self.edges[1:] > self.edges[:-1])[same].all()
        require(not np.isnan(self.edges).any() and ascending, "edges must ascend within an item")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the attributes by name."""
        return dict(vars(self))


def _edges(column: NDArray[np.float32], n_bins: int) -> NDArray[np.float32]:
    """Edges between the answers of a column, (n_edges,): at most ``n_bins - 1``; none if it does
    not vary."""
    observed = column[~np.isnan(column)]
    yes = np.count_nonzero(observed == 1)
    if yes + np.count_nonzero(observed == 0) == len(observed):  # most columns: nothing to sort
        return np.ones(1 if 0 < yes < len(observed) else 0, np.float32)
    values, counts = np.unique(observed, return_counts=True)
    if len(values) <= n_bins:
        return values[1:]
    ends = _cut(np.append(0, np.cumsum(counts)), n_bins)
    return values[ends]


def _cut(reached: NDArray[np.intp], n_bins: int) -> list[int]:
    """Cut values into at most `n_bins` bins, each of an even share of what is left to be cut; a
    frequent value is a bin.

    Parameters
    ----------
    reached : (n_values + 1,)
        Deaths below each value, and all.

    Returns
    -------
    Where bins end and the next begins, as numbers of values.
    """
    n_values, ends = len(reached) - 1, [0]
    while len(ends) < n_bins and ends[-1] < n_values:
        below = reached[ends[-1]]
        target = below + (reached[-1] - below) / (n_bins - len(ends) + 1)
        end = int(np.searchsorted(reached, target))
        nearer = target - reached[end - 1] < reached[end] - target
        ends.append(end - 1 if nearer and end - 1 > ends[-1] else end)
    return [end for end in ends[1:] if end < n_values]
