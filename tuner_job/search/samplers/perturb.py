"""How population-based training changes a configuration that another one takes over."""

from collections.abc import Set

import numpy as np

from tuner_job.search_space import Choices, Configuration, DeadEndError, Range, Scalar, SearchSpace

DRAW_ANEW = 0.25
"""Share of changes that forget the old value."""
FACTORS = (0.8, 1.25)
"""Else a value in a range is multiplied by one of these, and one of a list goes to its
neighbour."""
_ATTEMPTS = 10


def perturb(
    params: Configuration, space: SearchSpace, mutable: Set[str], rng: np.random.Generator
) -> Configuration:
    """Change the mutable parameters of a configuration; the others stay, and so do its conditions.

    Returns
    -------
    A configuration of the space; `params` itself if several changes led to none.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _changed(params, space, mutable, rng)
        except DeadEndError:  # what it became is not of the space
            continue
    return dict(params)


def _changed(
    params: Configuration, space: SearchSpace, mutable: Set[str], rng: np.random.Generator
) -> Configuration:
    """Change each mutable parameter; raises DeadEndError where the space does not hold the
    result."""
    drawn = space.sample(rng)

    def choose(name: str, allowed: Choices | Range) -> Scalar:
        if name not in params:  # a condition holds now that did not
            raise DeadEndError(name)
        if name not in mutable:
            return params[name]
        if name in drawn and rng.random() < DRAW_ANEW:
            return drawn[name]
        return _neighbour(params[name], allowed, rng)

    changed = space.walk(choose)
    if changed.keys() != params.keys() or not space.holds(changed):
        raise DeadEndError
    return changed


def _neighbour(value: Scalar, allowed: Choices | Range, rng: np.random.Generator) -> Scalar:
    values = allowed.values
    if values is not None:
        if not allowed.holds(value):
            return values[int(rng.integers(len(values)))]
        at = values.index(value) + int(rng.choice([-1, 1]))
        return values[min(max(at, 0), len(values) - 1)]
    assert isinstance(allowed, Range)
    assert isinstance(value, int | float)
    return allowed.nearest(value * float(rng.choice(FACTORS)))
