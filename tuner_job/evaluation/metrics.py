"""Scores of probabilities against known causes.

All functions are pure and take the whole, fixed cause list: a cause that a sample lacks still
counts.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.floating]
Causes = NDArray[np.integer]
CSMF_CHANCE = float(1 - np.exp(-1))
"""CSMF accuracy that random fractions reach in the long run; Flaxman et al. 2015."""
Numbers = TypeVar("Numbers", float, NDArray[np.float64])


def csmf(causes: Causes, n_classes: int) -> NDArray[np.float64]:
    """Cause-specific mortality fractions, (n_classes,), of assigned or true `causes`,
    (n_samples,)."""
    counts = np.bincount(causes, minlength=n_classes)
    return np.asarray(counts / max(1, len(causes)), dtype=np.float64)


def csmf_accuracy_of(
    true: NDArray[np.float64], predicted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """CSMF accuracy of `predicted` against `true` fractions, both (..., n_classes).

    1 is exact, 0 the worst possible for this truth. A single cause leaves nothing to get wrong: 1.

    Source: Murray et al. 2011, Population Health Metrics 9:28.
    """
    worst = 2 * (1 - true.min(axis=-1))
    error = np.abs(true - predicted).sum(axis=-1)
    share: NDArray[np.float64] = np.divide(error, worst, out=np.zeros_like(error), where=worst > 0)
    return 1 - share


def csmf_accuracy(y: Causes, P: Probabilities) -> float:
    """CSMF accuracy, at most 1, higher is better, of assigning each death its most probable cause.

    Parameters
    ----------
    y : (n_samples,)
    P : (n_samples, n_classes)
    """
    n_classes = P.shape[1]
    return float(csmf_accuracy_of(csmf(y, n_classes), csmf(P.argmax(axis=1), n_classes)))


def chance_corrected(share: Numbers, chance: float) -> Numbers:
    """Rescale so that what `chance` reaches is 0 and 1 stays 1."""
    return (share - chance) / (1 - chance)


def cccsmf_accuracy(y: Causes, P: Probabilities) -> float:
    """Chance-corrected CSMF accuracy: 0 is what random fractions reach, 1 is exact, may be
    negative.

    Source: Flaxman et al. 2015, Population Health Metrics 13:28.
    """
    return float(chance_corrected(csmf_accuracy(y, P), CSMF_CHANCE))


def cod_accuracy(y: Causes, P: Probabilities) -> float:
    """Share of deaths, 0 to 1, whose most probable cause is the true one."""
    return float(np.mean(P.argmax(axis=1) == y))


def ccc_by_cause(y: Causes, predicted: Causes, n_classes: int) -> NDArray[np.float64]:
    """Chance-corrected concordance of each cause, (n_classes,); NaN for a cause without deaths in
    `y`.

    1 is perfect, 0 what assigning causes at random reaches.

    Source: Murray et al. 2011, Population Health Metrics 9:28.
    """
    deaths = np.bincount(y, minlength=n_classes)
    hits = np.bincount(y[predicted == y], minlength=n_classes)
    sensitivity = np.divide(hits, deaths, out=np.full(n_classes, np.nan), where=deaths > 0)
    return np.asarray(chance_corrected(sensitivity, 1 / n_classes))


def ccc(y: Causes, P: Probabilities) -> float:
    """Mean chance-corrected concordance over the causes present in `y`; N is the whole cause
    list."""
    return float(np.nanmean(ccc_by_cause(y, P.argmax(axis=1), P.shape[1])))


def partial_ccc(y: Causes, P: Probabilities, k: int = 3) -> float:
    """Partial chance-corrected concordance: is the true cause among the `k` most probable?

    Source: Murray et al. 2011, Population Health Metrics 9:28.
    """
    n_classes = P.shape[1]
    if k >= n_classes:
        return 1.0
    return float(chance_corrected(float(in_top(y, P, k).mean()), k / n_classes))


def in_top(y: Causes, P: Probabilities, k: int) -> NDArray[np.bool_]:
    """Whether each death's true cause is among its `k` most probable, (n_samples,)."""
    return np.asarray(rank_of_truth(y, P) < k)


def rank_of_truth(y: Causes, P: Probabilities) -> NDArray[np.intp]:
    """How many causes come before each death's true one, (n_samples,); of equally probable ones,
    the first does."""
    of_truth = P[np.arange(len(y)), y][:, None]
    before = np.arange(P.shape[1]) < y[:, None]
    return np.asarray(((of_truth < P) | ((of_truth == P) & before)).sum(axis=1))


METRICS: dict[str, Callable[[Causes, Probabilities], float]] = {
    "csmf_accuracy": csmf_accuracy,
    "cccsmf_accuracy": cccsmf_accuracy,
    "cod_accuracy": cod_accuracy,
    "ccc": ccc,
    "pccc3": partial_ccc,
}
"""Every metric that can be an objective; higher is better for all of them."""


def score(y: Causes, P: Probabilities) -> dict[str, float]:
    """Return all `METRICS` of one prediction."""
    return {name: metric(y, P) for name, metric in METRICS.items()}
