"""What a linear model needs of its rows: no missing values, one scale, learned from training
rows only."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.files.arrays import require
from tuner_job.models.archive import Fields
from tuner_job.models.classes import check_columns

INDICATED = 0.05
"""A column gets a missing indicator where more than this share of its training rows is missing."""

SCALING_FIELDS: Fields = {
    "fill": ("float64", 1),
    "indicated": ("int32", 1),
    "kept": ("int32", 1),
    "mean": ("float64", 1),
    "scale": ("float64", 1),
}
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean imputation, missing indicators, standardisation.

    Attributes
    ----------
    fill
        (n_features,) training mean of each column; 0 for one that was never observed.
    indicated
        (n_indicators,) columns whose missingness is a column of its own. Columns missing together,
        such as the one-hots of one question, share one.
    kept
        (n_kept,) which of the features followed by the indicators vary in training.
    mean, scale
        (n_kept,) training mean and standard deviation.
    """

    fill: NDArray[np.float64]
    indicated: NDArray[np.int32]
    kept: NDArray[np.int32]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray[np.float32]) -> "Scaling":
        """Learn from training rows (n_rows, n_features)."""
        missing = np.isnan(X)
        observed = np.maximum((~missing).sum(axis=0), 1)
        fill = np.where(missing, 0, X).sum(axis=0, dtype=np.float64) / observed
        often = np.flatnonzero(missing.mean(axis=0) > INDICATED)
        patterns = np.packbits(missing[:, often], axis=0)  # eight rows a byte: quicker to compare
        first = np.unique(patterns, axis=1, return_index=True)[1]
        indicated = np.sort(often[first]).astype(np.int32)
        wide = _widen(X, fill, indicated)
        scale = wide.std(axis=0)
        # The deviation of a constant column is rounding, not always 0.
        kept = np.flatnonzero(np.ptp(wide, axis=0) > 1e-6 * np.abs(wide).max(axis=0)).astype(
            np.int32
        )
        return cls(fill, indicated, kept, wide.mean(axis=0)[kept], scale[kept])

    def check(self) -> None:
        """Refuse arrays that do not fit together, or give no numbers.

        Raises
        ------
        StoreError
        """
        n_features, n_wide = len(self.fill), len(self.fill) + len(self.indicated)
        require(len(self.indicated) <= n_features, "indicated must not be longer than fill")
        require(_within(self.indicated, n_features), f"indicated must lie in 0 … {n_features - 1}")
        require(len(self.kept) <= n_wide, "kept must not be longer than fill and indicated")
        require(_within(self.kept, n_wide), f"kept must lie in 0 … {n_wide - 1}")
        one_length = len(self.kept) == len(self.mean) == len(self.scale)
        require(one_length, "kept, mean and scale must have one length")
        finite = all(np.isfinite(array).all() for array in (self.fill, self.mean, self.scale))
        require(
            finite and (self.scale > 0).all(), "fill, mean and scale must be finite, scale above 0"
        )

    def design(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Build the design matrix (n_rows, n_kept + 1); its last column is the intercept's ones."""
        check_columns(X, len(self.fill))
        with np.errstate(over="ignore"):
            Z = _widen(X, self.fill, self.indicated)[:, self.kept]
            Z -= self.mean
            Z /= self.scale
        np.clip(Z, -_LARGEST, _LARGEST, out=Z)
        return np.hstack([Z, np.ones((len(Z), 1))], dtype=np.float32, casting="same_kind")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the attributes by name."""
        return dict(vars(self))


def _within(numbers: NDArray[np.int32], end: int) -> bool:
    return bool(((numbers >= 0) & (numbers < end)).all())


def _widen(
    X: NDArray[np.float32], fill: NDArray[np.float64], indicated: NDArray[np.int32]
) -> NDArray[np.float64]:
    missing = np.isnan(X)
    return np.hstack([np.where(missing, fill, X), missing[:, indicated].astype(np.float64)])
