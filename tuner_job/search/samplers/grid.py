"""Every configuration of the space."""

from collections.abc import Iterator, Sequence

import numpy as np

from tuner_job.search.samplers.batches import batches_along, same_fit
from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration, SearchSpace

LISTED = 1_000_000
"""A grid of more configurations is not listed, but drawn one after the other: a budget ends it
before it is through."""

_MOST_ALONG = 1000
"""Values of the path parameter that share a fit there, at most."""


class GridSampler:
    """Goes through the whole grid, in shuffled order.

    Shuffled, because neighbours on a grid are alike: a good configuration met early lets early
    stopping give up the poor ones, and a search that its budget cuts short has still seen the whole
    space.
    """

    learns = False

    def __init__(self, space: SearchSpace, path: str | None, seed: int):
        rng = np.random.default_rng(seed)
        size = space.count() or 0
        configurations = space.configurations()
        if size > LISTED:
            self._batches = _drawn(space, path, rng)
            return
        batches = batches_along(path, configurations)
        order = rng.permutation(len(batches))
        self._batches = iter([batches[i] for i in order])

    def learn(self, known: Sequence[Trial]) -> None:
        """Nothing to learn: a grid is fixed."""

    def ask(self) -> list[Configuration] | None:
        """Propose the next group of configurations that share a fit."""
        return next(self._batches, None)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing to learn: a grid is fixed."""


def _drawn(
    space: SearchSpace, path: str | None, rng: np.random.Generator
) -> Iterator[list[Configuration]]:
    """Draw configurations, each with those that share its fit, unless these are very many."""
    values = space.parameters[path].members or () if path in space.parameters else ()
    shared = len(values) <= _MOST_ALONG
    seen: set[object] = set()
    for index in space.indices(rng):
        drawn = space.configuration(index)
        if path is None or path not in drawn or not shared:
            yield [drawn]
        elif (fit := same_fit(path, drawn)) not in seen:
            seen.add(fit)
            along: Iterator[Configuration] = ({**drawn, path: value} for value in values)
            yield [configuration for configuration in along if space.holds(configuration)]
