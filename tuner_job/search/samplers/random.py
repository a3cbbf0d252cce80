"""Configurations drawn at random."""

from collections.abc import Sequence

import numpy as np

from tuner_job.search.samplers.batches import batches_along
from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration, SearchSpace

# drawn in a row without a new one: the space is nearly used up, what is left is drawn by index
_MAX_REPEATS = 1000


class RandomTuner:
    """Draws independently, each configuration once; those that share a fit run together.

    Parameters
    ----------
    shuffled
        Bring what was drawn into random order: among distinct draws likelier configurations come
        earlier, which a race must not rely on.
    """

    def __init__(
        self, space: SearchSpace, path: str | None, n_trials: int, seed: int, shuffled: bool = False
    ):
        rng = np.random.default_rng(seed)
        batches = batches_along(path, _distinct(space, n_trials, rng))
        self.n_batches = len(batches)
        self._batches = iter(
            [batches[i] for i in rng.permutation(len(batches))] if shuffled else batches
        )

    def ask(self) -> list[Configuration] | None:
        """Propose the next configurations."""
        return next(self._batches, None)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing to learn: draws are independent."""


def _distinct(space: SearchSpace, n_trials: int, rng: np.random.Generator) -> list[Configuration]:
    found: dict[tuple[object, ...], Configuration] = {}
    repeats = 0
    while len(found) < n_trials and repeats < _MAX_REPEATS:
        repeats = repeats + 1 if _add(space.sample(rng), found) else 0
    wanted = min(n_trials, space.count() or 0)
    left = space.indices(rng) if len(found) < wanted else iter(())
    while len(found) < wanted:
        _add(space.configuration(next(left)), found)
    return list(found.values())


def _add(configuration: Configuration, found: dict[tuple[object, ...], Configuration]) -> bool:
    """Add a configuration; return whether it is there already."""
    key = tuple((name, type(value), value) for name, value in configuration.items())
    known = key in found
    found[key] = configuration
    return known
