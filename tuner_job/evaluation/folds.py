"""Which rows validate which fit."""

import heapq
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FoldIds = NDArray[np.int32]
"""(n_samples,): the fold in which a row is held out; `NEVER` where it is trained on in all."""

Copies = NDArray[np.integer]
"""(n_samples,) group numbers: rows of one group are copies of one death, of one cause, and stand on
one side of every split."""

Scheme = Literal["stratified", "dirichlet", "leave_one_site_out", "shift"]

NEVER = -1
"""Fold of a row that no fit is validated on."""


def stratified(
    y: NDArray[np.integer], n_folds: int, seed: int, copies: Copies | None = None
) -> FoldIds:
    """Deal the rows of each cause, shuffled, to the folds in turn.

    Folds differ by at most one row in size and by at most one death in each cause. A cause with
    fewer deaths than folds is kept: it is absent from some folds' validation rows and, if it has a
    single death, from one fold's training rows.

    With copies whole groups are dealt, the largest of each cause first, each to the fold that has
    the fewest deaths of its cause and, among these, the fewest in all. So in each cause folds
    differ by at most its largest group, and no fold is empty while there are as many groups.

    Parameters
    ----------
    y : (n_samples,)
    n_folds
        At least 2 and at most ``n_samples``; with copies, at most as many as there are groups.
    copies : (n_samples,)
        None: there are none.
    """
    folds = np.empty(len(y), dtype=np.int32)
    if copies is None or _all_differ(copies):
        folds[_shuffled_by_cause(y, seed)] = np.arange(len(y)) % n_folds
        return folds
    first, sizes, group = group_copies(copies)
    of_group = np.empty(len(first), dtype=np.int32)
    n_dealt = [0] * n_folds
    for groups in _groups_by_cause(y[first], sizes, seed):
        heap = [(0, n, fold) for fold, n in enumerate(n_dealt)]
        heapq.heapify(heap)
        for one in groups:
            n_of_cause, n, fold = heap[0]
            size = int(sizes[one])
            of_group[one], n_dealt[fold] = fold, n + size
            heapq.heapreplace(heap, (n_of_cause + size, n + size, fold))
    return of_group[group]


def count_folds(folds: FoldIds) -> int:
    """Return the number of folds."""
    return int(folds.max()) + 1


def validated(folds: FoldIds) -> NDArray[np.bool_]:
    """Which rows, (n_samples,), some fold holds out: those that have out-of-fold probabilities."""
    return np.asarray(folds != NEVER)


def in_row_order(parts: Sequence[NDArray[Any]], folds: FoldIds) -> NDArray[Any]:
    """Put what is known of each fold's held-out rows, (n_held_out, …) a fold, in the order of the
    rows, (n_validated, …)."""
    whole = np.empty((len(folds), *parts[0].shape[1:]), dtype=parts[0].dtype)
    for fold, part in enumerate(parts):
        whole[folds == fold] = part
    return whole[validated(folds)]


def hold_out(
    y: NDArray[np.integer], share: float, seed: int, copies: Copies | None = None
) -> NDArray[np.bool_]:
    """Choose rows, (n_samples,), that are held out: this share, 0 to 1, of all and, within one
    death, of each cause; with copies whole groups, of each cause the largest first, so within half
    the largest group of each cause, or a death."""
    chosen = np.zeros(len(y), dtype=np.bool_)
    if copies is None or _all_differ(copies):
        turns = np.floor(np.arange(len(y) + 1) * share)
        chosen[_shuffled_by_cause(y, seed)] = np.diff(turns) > 0
        return chosen
    first, sizes, group = group_copies(copies)
    of_group = np.zeros(len(first), dtype=np.bool_)
    owed = 0.0
    for groups in _groups_by_cause(y[first], sizes, seed):
        for one in groups:
            owed += share * sizes[one]
            of_group[one] = owed >= sizes[one] / 2
            owed -= sizes[one] * of_group[one]
        owed = min(1.0, max(-1.0, owed))  # other causes need not make up for a large group
    return of_group[group]


def group_copies(
    copies: Copies,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The first row of each group and its size, (n_groups,) by first rows, and each row's group,
    (n_samples,)."""
    _, first, group, sizes = np.unique(
        copies, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], sizes[order], place[group]


def _all_differ(copies: Copies) -> bool:
    return len(np.unique(copies)) == len(copies)


def _groups_by_cause(
    y: NDArray[np.integer], sizes: NDArray[np.intp], seed: int
) -> Iterator[list[int]]:
    """Of each cause the groups, the largest first and those of one size shuffled.

    Parameters
    ----------
    y, sizes : (n_groups,)
    """
    order = _shuffled_by_cause(y, seed)
    order = order[np.lexsort((-sizes[order], y[order]))]
    for groups in np.split(order, np.flatnonzero(np.diff(y[order])) + 1):
        yield groups.tolist()


def _shuffled_by_cause(y: NDArray[np.integer], seed: int) -> NDArray[np.intp]:
    order = np.random.default_rng(seed).permutation(len(y))
    return np.asarray(order[np.argsort(y[order], kind="stable")])


def train_probe(
    y: NDArray[np.integer], train: NDArray[np.intp], n_rows: int, seed: int
) -> NDArray[np.intp]:
    """Pick training rows on which the train score is taken: as many as there are validation rows.

    CSMF accuracy depends on the number of rows, so a gap between train and validation is only a gap
    when both have the same size. Rows keep the causes' proportions. The fit has seen all of them,
    so it does not matter here which of a death's copies are picked.

    Parameters
    ----------
    y : (n_samples,)
    train : (n_train,) row numbers
    n_rows
        How many to pick, at most ``n_train``.
    """
    folds = max(1, round(len(train) / max(1, n_rows)))
    return np.asarray(train[stratified(y[train], folds, seed) == 0])
