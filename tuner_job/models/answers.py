"""Training deaths counted by cause and answer: what naive Bayes knows of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.models.classes import PresentClasses
from tuner_job.models.items import Items
from tuner_job.types import Floats


@dataclass(frozen=True, eq=False)
class Counted:
    """Training deaths, counted.

    Attributes
    ----------
    items
        Columns that vary in training.
    counts
        (n_answers, n_present) deaths of each cause that gave an answer, in the order of
        `Items.answers`.
    deaths
        (n_present,) deaths of each cause.
    ranking
        (n_items,) items from the one that says most of the cause on.
    """

    items: Items
    counts: Floats
    deaths: Floats
    ranking: NDArray[np.intp]

    @classmethod
    def of(
        cls, X: NDArray[np.float32], y: NDArray[np.int32], classes: PresentClasses, n_bins: int
    ) -> "Counted":
        """Count training rows (n_rows, n_features) of causes (n_rows,)."""
        items = Items.of(X, n_bins)
        Y = np.eye(len(classes.codes), dtype=np.float32)[classes.encode(y)]
        counts = _count(items, X, Y)
        ranking = np.argsort(-_information(items, counts), kind="stable")
        return cls(items, counts, Y.sum(axis=0, dtype=np.float64), ranking)


def log_likelihoods(items: Items, counts: Floats, smoothing: float) -> Floats:
    """Estimate the answers of each cause.

    The probability of an answer is ``(n + s m r) / (N + s m)``: of N deaths of the cause that
    answered the item, n gave this one of its m answers, and so did the share r of all deaths that
    answered; s is the smoothing.

    Returns
    -------
    (n_answers, n_present): logarithms for the first answers, and for those that an edge begins what
    is added to the one before.
    """
    answers, n_items = items.answers(), len(items.columns)
    totals = _per_item(counts, answers, n_items)
    given = counts.sum(axis=1, keepdims=True)
    rates = given / _per_item(given, answers, n_items)[answers]
    pseudo = smoothing * np.bincount(answers, minlength=n_items)[answers, None]
    logs = np.log((counts + pseudo * rates) / (totals[answers] + pseudo))
    return np.concatenate([logs[:n_items], logs[n_items:] - logs[_before(items)]])


def _count(items: Items, X: NDArray[np.float32], Y: NDArray[np.float32]) -> Floats:
    """Count deaths by answer (n_answers) and cause, the columns of the 0/1 matrix `Y`."""
    n_items = len(items.columns)
    reached = np.zeros((n_items + len(items.edges), Y.shape[1]))
    for rows, design in items.chunks(X):
        reached += design.T.astype(np.float32) @ Y[rows]  # whole numbers: exact in single precision
    counts = reached.copy()
    # Who reaches an edge did not stop at the answer before it; no answer is before two edges.
    counts[_before(items)] -= reached[n_items:]
    return counts


def _before(items: Items) -> NDArray[np.intp]:
    """Return, for each edge, the number of the answer before it, (n_edges,)."""
    n_items = len(items.columns)
    return np.where(items.first, items.owners, n_items - 1 + np.arange(len(items.edges)))


def _information(items: Items, counts: Floats) -> Floats:
    """Mutual information of each item's answers and the cause, (n_items,), times the deaths that
    answered: what is seldom answered says little."""
    answers, n_items = items.answers(), len(items.columns)
    totals = _per_item(counts, answers, n_items)
    given = counts.sum(axis=1, keepdims=True)
    expected = totals[answers] * given / _per_item(given, answers, n_items)[answers]
    with np.errstate(divide="ignore", invalid="ignore"):  # what nobody answered adds nothing
        terms = np.where(counts > 0, counts * np.log(counts / expected), 0)
    information: Floats = _per_item(terms, answers, n_items).sum(axis=1)
    return information


def _per_item(values: Floats, answers: NDArray[np.int32], n_items: int) -> Floats:
    """Sum values of answers (n_answers, k) over each item: (n_items, k)."""
    sums = np.zeros((n_items, values.shape[1]))
    np.add.at(sums, answers, values)
    return sums
