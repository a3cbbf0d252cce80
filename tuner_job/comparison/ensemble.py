"""The models together: the geometric mean of their probabilities, at no fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.calibration import FLOOR

ENSEMBLE = "ensemble"
"""Its name among the models."""


def combine(predictions: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.float64]:
    """Geometric mean of probabilities, (n_rows, n_classes) each; rows sum to 1.

    Source: Genest and Zidek 1986, Statistical Science 1(1) (logarithmic opinion pool).
    """
    logs = np.mean([np.log(np.maximum(P, FLOOR)) for P in predictions], axis=0)
    P = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(P / P.sum(axis=1, keepdims=True))
