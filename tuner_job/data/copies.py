"""Deaths that stand in a file more than once."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column
from tuner_job.data.dataset import IntArray
from tuner_job.wording import counted, plain

Rows = NDArray[np.intp]

_LEAST_PAIRS = 5.0
"""Equal pairs to be expected, of all causes that may be chance: fewer are too few to tell."""
_MOST_TIMES = 5.0
"""So many times what is expected may be chance: answers hang together, independent ones do not."""


def find_copies(
    columns: Mapping[str, Column], y: NDArray[np.integer], n_rows: int
) -> tuple[IntArray, list[str]]:
    """Find the rows that are exact copies of one another.

    Copies agree in every cell, a missing one being equal to a missing one, and in the cause. Where
    columns are few, different deaths agree by chance: a cause's equal rows are left as they are if
    there are at most `_MOST_TIMES` as many equal pairs as independent columns would make, and these
    are at least `_LEAST_PAIRS` in all such causes.

    Parameters
    ----------
    columns
        All columns of the file that features are made of.
    y : (n_rows,)
        Causes, from 0.

    Returns
    -------
    Group numbers, (n_rows,) by the groups' first rows, as in `VaDataset.copies`; and what there is
    to be said, one sentence each.
    """
    codes = [column.codes for column in columns.values()]
    first = _first_equal([*codes, np.asarray(y, dtype=np.int32)], n_rows)
    chance = _by_chance(codes, y, first)
    by_chance = np.isin(y, chance)
    notes = _notes(y, first, by_chance, len(codes))
    kept = np.where(by_chance, np.arange(n_rows), first)
    return np.unique(kept, return_inverse=True)[1].astype(np.int32), notes


def repeated_identifiers(identifier: Column, name: str) -> list[str]:
    """Say how many rows have an identifier that an earlier row has: perhaps one death, coded or
    entered twice."""
    counts = np.bincount(identifier.codes[~identifier.missing], minlength=1)
    n_again = int((counts - 1)[counts > 1].sum())
    if not n_again:
        return []
    return [
        f"{counted(n_again, 'row has', 'rows have')} the identifier of an earlier row in column "
        f"{plain(name, 80)}: they are taken for different deaths, unless they are equal in all "
        "else. If one death was entered twice, leave one row of it in the file."
    ]


def _first_equal(codes: Sequence[IntArray], n_rows: int) -> Rows:
    """The first row that equals each row, (n_rows,); its own number where it is the first.

    Rows of equal hashes are compared, so equal hashes of different rows join nothing: those that
    differ from the first of their hash are compared with the first of these, and so on.
    """
    hashes = _hashes(codes, n_rows)
    first, left = np.arange(n_rows), np.arange(n_rows)
    while len(left):
        _, leader, group = np.unique(hashes[left], return_index=True, return_inverse=True)
        first[left] = left[leader[group]]
        copies = left[first[left] != left]
        differs = np.zeros(len(copies), dtype=np.bool_)
        for column in codes:
            differs |= column[copies] != column[first[copies]]
        left = copies[differs]
    return first


def _hashes(codes: Sequence[IntArray], n_rows: int) -> NDArray[np.uint64]:
    """A 64-bit hash of each row: a random number for each value of each column, all added up."""
    rng = np.random.default_rng(0)
    hashes = np.zeros(n_rows, dtype=np.uint64)
    for column in codes:
        n_values = int(column.max(initial=-1)) + 2  # -1, a missing cell, takes the last one
        hashes += rng.integers(2**64, size=n_values, dtype=np.uint64)[column]
    return hashes


def _by_chance(codes: Sequence[IntArray], y: NDArray[np.integer], first: Rows) -> list[int]:
    """Causes whose equal rows are about as many as chance makes."""
    certain, likely = [], {}
    if np.array_equal(first, np.arange(len(y))):
        return []
    for cause in np.unique(y).tolist():
        rows = np.flatnonzero(y == cause)
        sizes = np.unique(first[rows], return_counts=True)[1]
        if len(sizes) == 1:  # its own answers seem certain and tell nothing of chance
            if _expected_pairs(codes, rows, np.arange(len(y))) >= _LEAST_PAIRS:
                certain.append(cause)
            continue
        expected = _expected_pairs(codes, rows, rows)
        if (sizes * (sizes - 1.0)).sum() / 2 <= _MOST_TIMES * expected:
            likely[cause] = expected
    return certain + (list(likely) if sum(likely.values()) >= _LEAST_PAIRS else [])


def _expected_pairs(codes: Sequence[IntArray], rows: Rows, others: Rows) -> float:
    """Equal pairs among so many rows if columns were independent; 0 for less than matters.

    Parameters
    ----------
    rows : (n_cause,)
    others
        Rows that tell how frequent the values are: `rows` themselves, or all.
    """
    expected = len(rows) * (len(rows) - 1) / 2
    for column in codes:
        counts = np.bincount(column[others] + 1).astype(np.float64)
        expected *= float((counts / len(others)) @ (counts / len(others)))
        if expected * _MOST_TIMES < 1:
            return 0.0
    return expected


def _notes(
    y: NDArray[np.integer], first: Rows, by_chance: NDArray[np.bool_], n_columns: int
) -> list[str]:
    notes = []
    repeats = first != np.arange(len(first))
    if n_copies := int((repeats & ~by_chance).sum()):
        originals = len(np.unique(first[repeats & ~by_chance]))
        notes.append(
            f"{counted(n_copies, 'row is a copy', 'rows are copies')} of "
            f"{counted(originals, 'other death')}, the same in {_columns(n_columns)} and the "
            "cause: copies of one death are kept together, in training or in validation."
        )
    if n_equal := int((repeats & by_chance).sum()):
        n_causes = len(np.unique(y[repeats & by_chance]))
        notes.append(
            f"{counted(n_equal, 'row equals', 'rows equal')} an earlier one in "
            f"{_columns(n_columns)} and the cause, in {counted(n_causes, 'cause')}: about as many "
            "as chance makes, so they are taken for different deaths."
        )
    return notes


def _columns(n: int) -> str:
    return f"all {n:,} columns" if n > 1 else "the only column"
