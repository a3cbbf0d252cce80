"""Causes that a fold's training rows lack: models see those present, results speak of all."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def present_causes(y: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the causes that occur, (n_present,), and `y` counted among them, (n_samples,)."""
    present, codes = np.unique(y, return_inverse=True)
    return present.astype(np.int32), codes.astype(np.int32)


def over_all_causes(
    P: NDArray[np.floating[Any]], present: NDArray[np.int32], n_classes: int
) -> NDArray[np.floating[Any]]:
    """Widen (n_rows, n_present) to (n_rows, n_classes): an absent cause has probability 0."""
    P = P.reshape(len(P), len(present))  # XGBoost drops the axis of a single cause
    if len(present) == n_classes:
        return P
    whole = np.zeros((len(P), n_classes), dtype=P.dtype)
    whole[:, present] = P
    return whole
