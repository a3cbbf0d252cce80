"""Every configuration of the space."""

from collections.abc import Sequence

import numpy as np

from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration, SearchSpace
from tuner_job.tuners.batches import batches_along


class GridTuner:
    """Goes through the whole grid, in shuffled order.

    Shuffled, because neighbours on a grid are alike: a good configuration met early lets early stopping
    give up the poor ones, and a search that its budget cuts short has still seen the whole space.
    """

    def __init__(self, space: SearchSpace, path: str | None, seed: int):
        batches = batches_along(path, space.configurations())
        order = np.random.default_rng(seed).permutation(len(batches))
        self.n_batches = len(batches)
        self._batches = iter([batches[i] for i in order])

    def ask(self) -> list[Configuration] | None:
        """Propose the next group of configurations that share a fit."""
        return next(self._batches, None)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing to learn: a grid is fixed."""
