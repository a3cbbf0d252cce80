"""Scores against known causes, of many populations at once.

Populations are made of the same deaths: `counts` (n_populations, n_rows) says how often each
death is in each of them. All functions are pure and take the whole, fixed cause list: a cause that
a population lacks still counts.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tuner_job.types import Causes, Floats, Probabilities

METRICS = ("csmf_accuracy", "cccsmf_accuracy", "cod_accuracy", "ccc", "pccc3")
"""Every metric of ours that can be an objective; higher is better for all of them."""
COD_METRICS = ("cod_accuracy", "ccc", "pccc3")
"""Those of single deaths; the others depend on the CSMF estimator."""
LABELS = {
    "csmf_accuracy": "CSMF accuracy",
    "cccsmf_accuracy": "CCCSMF accuracy",
    "cod_accuracy": "COD accuracy",
    "ccc": "mean CCC",
    "pccc3": "partial CCC(3)",
}
"""Metric → its name as the field writes it."""
CSMF_CHANCE = float(1 - np.exp(-1))
"""CSMF accuracy that random fractions reach in the long run; Flaxman et al. 2015."""
_NEAR = 3  # most probable causes that pccc3 looks at
Numbers = TypeVar("Numbers", float, Floats)


def score(
    y: Causes, counts: Floats, true: Floats, estimates: Floats, ranks: NDArray[np.intp]
) -> dict[str, Floats]:
    """All `METRICS`, (n_populations,) each.

    Parameters
    ----------
    y : (n_rows,)
    counts : (n_populations, n_rows)
    true, estimates : (n_populations, n_classes)
        True and estimated CSMFs.
    ranks : (n_populations or 1, n_rows)
        How many causes come before each death's true one, see `rank_of_truth`.
    """
    n_classes = true.shape[1]
    accuracy = csmf_accuracy_of(true, estimates)
    by_cause = ccc_by_cause(sensitivity(y, counts, ranks < 1, n_classes))
    return {
        "csmf_accuracy": accuracy,
        "cccsmf_accuracy": chance_corrected(accuracy, CSMF_CHANCE),
        "cod_accuracy": share_of_deaths(counts, ranks < 1),
        "ccc": np.asarray(np.nanmean(by_cause, axis=1)),
        "pccc3": partial_ccc(counts, ranks, n_classes),
    }


def csmf(causes: Causes, n_classes: int) -> Floats:
    """Cause-specific mortality fractions, (n_classes,), of assigned or true `causes`,
    (n_rows,)."""
    counts = np.bincount(causes, minlength=n_classes)
    return np.asarray(counts / max(1, len(causes)), dtype=np.float64)


def csmf_accuracy_of(true: Floats, predicted: Floats) -> Floats:
    """CSMF accuracy of `predicted` against `true` fractions, both (..., n_classes).

    1 is exact, 0 the worst possible for this truth. A single cause leaves nothing to get wrong: 1.

    Source: Murray et al. 2011, Population Health Metrics 9:28.
    """
    worst = 2 * (1 - true.min(axis=-1))
    error = np.abs(true - predicted).sum(axis=-1)
    share: Floats = np.divide(error, worst, out=np.zeros_like(error), where=worst > 0)
    return 1 - share


def chance_corrected(share: Numbers, chance: float) -> Numbers:
    """Rescale so that what `chance` reaches is 0 and 1 stays 1: a CSMF accuracy with
    `CSMF_CHANCE`, for example.

    Source: Flaxman et al. 2015, Population Health Metrics 13:28.
    """
    return (share - chance) / (1 - chance)


def share_of_deaths(counts: Floats, found: NDArray[np.bool_]) -> Floats:
    """Share of each population's deaths, 0 to 1, that are `found` (n_populations or 1, n_rows):
    COD accuracy where that says whose most probable cause is the true one."""
    return np.asarray((counts * found).sum(axis=1) / counts.sum(axis=1))


def sensitivity(y: Causes, counts: Floats, found: NDArray[np.bool_], n_classes: int) -> Floats:
    """Share of each cause's deaths that are `found` (n_populations or 1, n_rows).

    Returns
    -------
    (n_populations, n_classes); NaN for a cause that a population lacks.
    """
    is_cause = np.eye(n_classes)[y]
    deaths, hits = counts @ is_cause, (counts * found) @ is_cause
    return np.divide(hits, deaths, out=np.full_like(deaths, np.nan), where=deaths > 0)


def ccc_by_cause(sensitivity: Floats) -> Floats:
    """Chance-corrected concordance of each cause from its sensitivity, both (..., n_classes).

    1 is perfect, 0 what assigning causes at random reaches. The metric ccc is the mean over the
    causes that are present.

    Source: Murray et al. 2011, Population Health Metrics 9:28.
    """
    return chance_corrected(sensitivity, 1 / sensitivity.shape[-1])


def partial_ccc(counts: Floats, ranks: NDArray[np.intp], n_classes: int) -> Floats:
    """Partial chance-corrected concordance, (n_populations,): is the true cause among the three
    most probable?

    Source: Murray et al. 2011, Population Health Metrics 9:28.
    """
    if n_classes <= _NEAR:
        return np.ones(len(counts))
    return chance_corrected(share_of_deaths(counts, ranks < _NEAR), _NEAR / n_classes)


def rank_of_truth(y: Causes, P: Probabilities) -> NDArray[np.intp]:
    """How many causes come before each death's true one, (n_rows,); of equally probable ones,
    the first does."""
    of_truth = P[np.arange(len(y)), y][:, None]
    before = np.arange(P.shape[1]) < y[:, None]
    return np.asarray(((of_truth < P) | ((of_truth == P) & before)).sum(axis=1))
