"""Bootstrap intervals over rows."""

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.metrics import Causes, Probabilities, csmf_accuracy_of
from tuner_job.results.records import Interval

N_RESAMPLES = 2000


def out_of_fold_intervals(
    y: Causes, P: Probabilities, seed: int, n_resamples: int = N_RESAMPLES
) -> dict[str, Interval]:
    """CSMF and COD accuracy of predictions for rows that no fit saw, each with its bootstrap interval.

    Rows are resampled with replacement. What is counted depends only on (true, assigned) pairs, so a
    resample is one multinomial draw over the cells of the confusion matrix.

    The interval is the estimate ± 1.96 bootstrap standard errors, cut at 1. Percentiles would not do:
    resampling adds noise to both compositions, so resampled CSMF accuracies all lie too low. It speaks
    of other samples of this size from the same population, not of other populations.

    Parameters
    ----------
    y : (n_samples,)
    P : (n_samples, n_classes)

    Returns
    -------
    ``csmf_accuracy`` and ``cod_accuracy``.
    """
    n_samples, n_classes = P.shape
    cells = np.bincount(y * n_classes + P.argmax(axis=1), minlength=n_classes**2)
    draws = np.random.default_rng(seed).multinomial(n_samples, cells / n_samples, size=n_resamples)
    estimate, resampled = _accuracies(cells[None], n_classes), _accuracies(draws, n_classes)
    return {name: _interval(float(estimate[name][0]), resampled[name]) for name in estimate}


def _accuracies(cells: NDArray[np.integer], n_classes: int) -> dict[str, NDArray[np.float64]]:
    matrix = cells.reshape(len(cells), n_classes, n_classes) / cells.sum(axis=1)[:, None, None]
    return {
        "csmf_accuracy": csmf_accuracy_of(matrix.sum(axis=2), matrix.sum(axis=1)),
        "cod_accuracy": np.trace(matrix, axis1=1, axis2=2),
    }


def _interval(estimate: float, resampled: NDArray[np.float64]) -> Interval:
    reach = 1.96 * float(resampled.std(ddof=1))
    return Interval(estimate=estimate, low=estimate - reach, high=min(1.0, estimate + reach))
