"""Which rows validate which fit."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

FoldIds = NDArray[np.int32]
"""(n_samples,): the fold in which a row is held out."""

Scheme = Literal["stratified", "dirichlet", "leave_one_site_out", "shift"]


def stratified(y: NDArray[np.integer], n_folds: int, seed: int) -> FoldIds:
    """Deal the rows of each cause, shuffled, to the folds in turn.

    Folds differ by at most one row in size and by at most one death in each cause. A cause with
    fewer deaths than folds is kept: it is absent from some folds' validation rows and, if it has a
    single death, from one fold's training rows.

    Parameters
    ----------
    y : (n_samples,)
    n_folds
        At least 2 and at most ``n_samples``.
    """
    folds = np.empty(len(y), dtype=np.int32)
    folds[_shuffled_by_cause(y, seed)] = np.arange(len(y)) % n_folds
    return folds


def hold_out(y: NDArray[np.integer], share: float, seed: int) -> NDArray[np.bool_]:
    """Choose rows, (n_samples,), that are held out: this share, 0 to 1, of all and, within one
    death, of each cause."""
    by_cause = _shuffled_by_cause(y, seed)
    turns = np.floor(np.arange(len(y) + 1) * share)
    chosen = np.zeros(len(y), dtype=np.bool_)
    chosen[by_cause] = np.diff(turns) > 0
    return chosen


def _shuffled_by_cause(y: NDArray[np.integer], seed: int) -> NDArray[np.intp]:
    order = np.random.default_rng(seed).permutation(len(y))
    return np.asarray(order[np.argsort(y[order], kind="stable")])


def leave_one_site_out(site: NDArray[np.integer]) -> FoldIds:
    """One fold a site, in the order of the sites: train on all others, validate on this one."""
    return np.asarray(np.unique(site, return_inverse=True)[1], dtype=np.int32)


def train_probe(
    y: NDArray[np.integer], train: NDArray[np.intp], n_rows: int, seed: int
) -> NDArray[np.intp]:
    """Pick training rows on which the train score is taken: as many as there are validation rows.

    CSMF accuracy depends on the number of rows, so a gap between train and validation is only a gap
    when both have the same size. Rows keep the causes' proportions.

    Parameters
    ----------
    y : (n_samples,)
    train : (n_train,) row numbers
    n_rows
        How many to pick, at most ``n_train``.
    """
    folds = max(1, round(len(train) / max(1, n_rows)))
    return np.asarray(train[stratified(y[train], folds, seed) == 0])
