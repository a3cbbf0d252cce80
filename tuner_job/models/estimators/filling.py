"""What stands in place of missing answers for an estimator that refuses them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Filling:
    """One value a column.

    Attributes
    ----------
    values
        (n_features,) float32; NaN leaves what is missing as it is.
    """

    values: NDArray[np.float32]

    @classmethod
    def of(cls, X: NDArray[np.float32], takes_missing: bool) -> "Filling":
        """Take the values from training rows (n_rows, n_features).

        A column of 0 and 1 is filled with what is more frequent, 0 where both are; any other with
        its mean. One that training has no answer of is 0 in all rows, whatever the estimator takes:
        nothing can be learned of it, and some estimators fail on it.
        """
        missing = np.isnan(X)
        n_there = len(X) - missing.sum(axis=0)
        sums = np.where(missing, 0, X).sum(axis=0, dtype=np.float64)
        means = sums / np.maximum(n_there, 1)
        binary = (missing | (X == 0) | (X == 1)).all(axis=0)
        values = np.where(binary, means > 0.5, means).astype(np.float32)
        if takes_missing:
            values[n_there > 0] = np.nan
        return cls(values)

    def apply(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Fill rows (n_rows, n_features); `X` stays as it is."""
        return np.where(np.isnan(X), self.values, X)
