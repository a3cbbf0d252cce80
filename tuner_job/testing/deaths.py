"""Deaths that families are checked on."""

import numpy as np
from numpy.typing import NDArray

from tuner_job.models import FoldData

N_CLASSES, ABSENT = 5, 3


def make_rows(n_rows: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Make rows with yes/no, numeric, constant and never-observed columns, a tenth of the values
    missing: (n_rows, 11) and (n_rows,)."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, N_CLASSES, n_rows)
    profile = np.random.default_rng(7).uniform(0.1, 0.9, (N_CLASSES, 8))
    symptoms = rng.random((n_rows, 8)) < profile[y]
    age = rng.gamma(2.0, 1.0 + y)
    X = np.column_stack([symptoms, age]).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    ends = np.column_stack([np.ones(n_rows), np.full(n_rows, np.nan)])
    return np.column_stack([X, ends]).astype(np.float32), y.astype(np.int32)


def make_fold() -> FoldData:
    """Make a fold without any training row of cause `ABSENT`."""
    X, y = make_rows(220, seed=1)
    X, y = X[y != ABSENT], y[y != ABSENT]
    X_validation, _ = make_rows(40, seed=2)
    X_validation[:5, 0] = np.nan
    return FoldData(X, y, X_validation, X[10:50], N_CLASSES)
