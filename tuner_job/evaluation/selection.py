"""Choosing among scored configurations, and how much the choice flatters itself."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def optimism(scores: NDArray[np.float64]) -> float | None:
    """How much the best mean score owes to being the best of many.

    Every fold in turn is left out of the choice: the configuration that is best on the other folds
    is scored on it. The optimism is the best mean less the mean of those scores. It asks for no
    refit. The folds' fits share training rows, so it is an estimate, usually a little too small
    where few configurations compete.

    Parameters
    ----------
    scores : (n_configurations, n_folds)

    Returns
    -------
    At least 0; None with fewer than two configurations or folds.

    Source: the fold-wise form of Tibshirani and Tibshirani 2009, Annals of Applied Statistics 3(2),
    with the choice made on the folds left in.
    """
    n_configurations, n_folds = scores.shape
    if n_configurations < 2 or n_folds < 2:
        return None
    others = (scores.sum(axis=1, keepdims=True) - scores) / (n_folds - 1)
    left_out = scores[others.argmax(axis=0), np.arange(n_folds)]
    return max(0.0, float(scores.mean(axis=1).max() - left_out.mean()))


def within_one_standard_error(scores: NDArray[np.float64], rank: Sequence[Any]) -> int:
    """Position of the first in `rank` among configurations that are hardly behind the best one.

    Hardly behind: the mean difference to the best one is at most its standard error over folds. As
    all configurations ran on the same folds, that is the error of the paired difference, smaller
    than the usual one of the best mean.

    Parameters
    ----------
    scores : (n_configurations, n_folds)
    rank
        One comparable value a configuration; the least is taken, of equals the best.

    Source: after Breiman et al. 1984, Classification and regression trees, section 3.4.3.
    """
    means = scores.mean(axis=1)
    behind = scores[means.argmax()] - scores
    error = behind.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
    near = np.flatnonzero(behind.mean(axis=1) <= error)
    return min(map(int, near), key=lambda i: (rank[i], -means[i], i))
