"""The causes that a fold has seen, and the way back to the full cause list."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.errors import DataError
from tuner_job.files.arrays import require
from tuner_job.models.archive import Fields

Floats = NDArray[np.floating[Any]]

SHAPE_FIELDS: Fields = {"codes": ("int32", 1), "shape": ("int64", 1)}
"""What `PresentClasses.arrays` gives."""
MOST_CAUSES = 10_000
MOST_FEATURES = 1_000_000


@dataclass(frozen=True, eq=False)
class PresentClasses:
    """The causes present in training, numbered without gaps.

    Attributes
    ----------
    codes
        (n_present,) int32, ascending: which of the ``n_classes`` causes have a training row.
    n_classes
        Length of the full cause list.
    """

    codes: NDArray[np.int32]
    n_classes: int

    @classmethod
    def of(cls, y: NDArray[np.int32], n_classes: int) -> "PresentClasses":
        """Take the causes that occur in `y` (n_rows,).

        Raises
        ------
        DataError
            If there is no row, or a code outside ``0 … n_classes - 1``.
        """
        codes = np.unique(y).astype(np.int32)
        if not len(codes):
            raise DataError("a model needs at least one training row, found none")
        if codes[0] < 0 or codes[-1] >= n_classes:
            raise DataError(
                f"cause codes must lie in 0 … {n_classes - 1}, found {codes[0]} … {codes[-1]}"
            )
        return cls(codes, n_classes)

    @classmethod
    def stored(
        cls, codes: NDArray[np.int32], shape: NDArray[np.int64]
    ) -> tuple["PresentClasses", int]:
        """Read what `arrays` gave: the causes and the number of features.

        Raises
        ------
        StoreError
        """
        require(len(shape) == 2, "shape must be the number of features and of causes")
        n_features, n_classes = (int(size) for size in shape)
        require(
            0 < n_features <= MOST_FEATURES, f"a model must have 1 to {MOST_FEATURES:,} features"
        )
        require(0 < n_classes <= MOST_CAUSES, f"a model must have 1 to {MOST_CAUSES:,} causes")
        ascending = (
            len(codes) > 0
            and codes[0] >= 0
            and codes[-1] < n_classes
            and (codes[1:] > codes[:-1]).all()
        )
        require(ascending, f"codes must ascend within 0 … {n_classes - 1}")
        return cls(codes, n_classes), n_features

    def arrays(self, n_features: int) -> dict[str, NDArray[Any]]:
        """Return what `stored` reads."""
        return {"codes": self.codes, "shape": np.array([n_features, self.n_classes], np.int64)}

    @cached_property
    def single(self) -> bool:
        """Whether only one cause is present, so that there is nothing to learn."""
        return len(self.codes) == 1

    def encode(self, y: NDArray[np.int32]) -> NDArray[np.int32]:
        """Number the causes in `y` from 0 without gaps."""
        return np.searchsorted(self.codes, y).astype(np.int32)

    def spread(self, P: Floats) -> Floats:
        """Widen (n_rows, n_present) to (n_rows, n_classes); absent causes have probability 0."""
        if len(self.codes) == self.n_classes:
            return P
        full = np.zeros((len(P), self.n_classes), P.dtype)
        full[:, self.codes] = P
        return full

    def certain(self, n_rows: int) -> Floats:
        """Probabilities (n_rows, n_classes) when `single`: 1 for the only cause."""
        return self.spread(np.ones((n_rows, 1)))


def check_columns(X: NDArray[np.float32], n_features: int) -> None:
    """Refuse rows that do not have the columns of training.

    Raises
    ------
    DataError
        If `X` is not (n_rows, n_features).
    """
    if X.ndim != 2 or X.shape[1] != n_features:
        raise DataError(f"X must have the {n_features} columns of training, found shape {X.shape}")
