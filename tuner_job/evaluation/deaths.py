"""Deaths with what predictions of them are scored by."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.own_metrics import OwnMetrics
from tuner_job.types import Causes


@dataclass(frozen=True, eq=False)
class Deaths:
    """Deaths with what predictions of them are scored by.

    Attributes
    ----------
    y
        (n_rows,) their causes.
    site
        (n_rows,) their sites; all zeros where nothing is given.
    own
        Metrics of the user's own.
    """

    y: Causes
    site: Causes = field(default_factory=lambda: np.empty(0, np.int32))
    own: OwnMetrics = field(default_factory=OwnMetrics)

    def __post_init__(self) -> None:
        if not len(self.site):
            object.__setattr__(self, "site", np.zeros(len(self.y), np.int32))

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[np.generic]) -> "Deaths":
        """Some rows, by their numbers or a mask."""
        return replace(self, y=self.y[rows], site=self.site[rows])
