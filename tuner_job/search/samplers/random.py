"""Configurations drawn at random."""

from collections.abc import Iterator, Sequence

import numpy as np

from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration, SearchSpace, configuration_key

# drawn in a row without a new one: the space is nearly used up, what is left is drawn by index
_MAX_REPEATS = 1000


class RandomSampler:
    """Draws independently, each configuration once; the first ones are the same however many
    follow."""

    learns = False

    def __init__(self, space: SearchSpace, seed: int):
        self._drawn = _distinct(space, np.random.default_rng(seed))

    def learn(self, known: Sequence[Trial]) -> None:
        """Nothing to learn: draws are independent."""

    def ask(self) -> list[Configuration] | None:
        """Propose the next configuration; None once the space is used up."""
        drawn = next(self._drawn, None)
        return None if drawn is None else [drawn]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing to learn: draws are independent."""


def _distinct(space: SearchSpace, rng: np.random.Generator) -> Iterator[Configuration]:
    seen: set[object] = set()

    def is_new(configuration: Configuration) -> bool:
        n = len(seen)
        seen.add(configuration_key(configuration))
        return len(seen) > n

    repeats = 0
    while repeats < _MAX_REPEATS:
        drawn = space.sample(rng)
        new = is_new(drawn)
        repeats = 0 if new else repeats + 1
        if new:
            yield drawn
    yield from filter(is_new, map(space.configuration, space.indices(rng)))
