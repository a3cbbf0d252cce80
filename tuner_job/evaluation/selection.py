"""Choosing among scored configurations, and how much the choice flatters itself."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def optimism(scores: NDArray[np.float64]) -> float | None:
    """How much the best mean score owes to being the best of many.

    Every fold in turn is left out of the choice: the configuration that is best on the other folds is scored on it.
    The optimism is the best mean less the mean of those scores. It asks for no refit. The folds' fits share
    training rows, so it is an estimate, usually a little too small where few configurations compete.

    Parameters
    ----------
    scores : (n_configurations, n_folds)

    Returns
    -------
    At least 0; None with fewer than two configurations or folds.

    Source: the fold-wise form of Tibshirani and Tibshirani 2009, Annals of Applied Statistics 3(2), with the choice
    made on the folds left in.
    """
    n_configurations, n_folds = scores.shape
    if n_configurations < 2 or n_folds < 2:
        return None
    others = (scores.sum(axis=1, keepdims=True) - scores) / (n_folds - 1)
    left_out = scores[others.argmax(axis=0), np.arange(n_folds)]
    return max(0.0, float(scores.mean(axis=1).max() - left_out.mean()))


def within_one_standard_error(scores: NDArray[np.float64], complexity: Sequence[Any]) -> int:
    """Position of the simplest configuration whose mean is within one standard error of the best mean.

    The standard error is that of the best one's mean over folds. Of equally simple ones the best is taken.

    Parameters
    ----------
    scores : (n_configurations, n_folds)
    complexity
        One comparable value a configuration; smaller is simpler.

    Source: Breiman et al. 1984, Classification and regression trees, section 3.4.3.
    """
    means = scores.mean(axis=1)
    best = int(means.argmax())
    error = float(scores[best].std(ddof=1)) / np.sqrt(scores.shape[1])
    near = [i for i in range(len(means)) if means[i] >= means[best] - error]
    return min(near, key=lambda i: (complexity[i], -means[i], i))
