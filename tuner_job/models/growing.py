"""Fits that can be taken further, by boosting rounds or trees, and what training on with other
parameters means."""

from collections.abc import Sequence
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tuner_job.models.base import FoldData, ModelFamily, Params, PathPoint, Predictor
from tuner_job.models.path import path_value

Stages = Sequence[tuple[int, Params]]
"""How a model grew, in order: up to this size (rounds) with these parameters."""


class Growing(Protocol):
    """A fit of one fold on its way."""

    @property
    def size(self) -> int:
        """Rounds or trees so far."""

    def grow_to(self, size: int) -> None:
        """Add rounds or trees until there are `size`."""

    def point(self) -> PathPoint:
        """Score what there is; `fit_seconds` counts from the last point on."""

    def to_bytes(self) -> bytes:
        """Return what it takes to go on from here in another process."""


class GrowingFamily(ModelFamily, Protocol):
    """A family whose path parameter is a size that a fit grows to."""

    def start(
        self, fold: FoldData, params: Params, seed: int, content: bytes | None = None
    ) -> Growing:
        """Begin a fit of `params`, or go on from what `Growing.to_bytes` gave.

        A fit that is never interrupted equals `fit_path`, to the last bit. One that goes on may
        have other values of the family's `mutable` parameters; its random draws then follow from
        the seed and the size at which it goes on, so that going on from the same bytes gives the
        same model.
        """


class ContinuedFamily(GrowingFamily, Protocol):
    """A growing family in which what is added later corrects what is there, so that training on
    is worth it: it has parameters that are `mutable`."""

    def fit_stages(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int32],
        n_classes: int,
        stages: Stages,
        seed: int,
    ) -> Predictor:
        """Fit all rows stage by stage, each going on from the one before; see `replay`."""


def as_growing(family: ModelFamily) -> GrowingFamily | None:
    """Return a family whose fits pass through every smaller size; None: it is judged fold by
    fold."""
    return cast(GrowingFamily, family) if hasattr(family, "start") else None


def as_continued(family: ModelFamily) -> ContinuedFamily:
    """Return a family that population-based training can tune."""
    assert family.mutable, f"{family.name} has no parameter that changes during a fit"
    return cast(ContinuedFamily, family)


def replay(family: GrowingFamily, fold: FoldData, stages: Stages, seed: int) -> PathPoint:
    """Fit a fold stage by stage, as population-based training did, and score the end."""
    content: bytes | None = None
    seconds = 0.0
    for size, params in stages:
        growing = family.start(fold, params, seed, content)
        growing.grow_to(size)
        point, content = growing.point(), growing.to_bytes()
        seconds += point.fit_seconds
    return PathPoint(point.P_validation, point.P_probe, seconds, point.diagnostics)


def full_size(family: ModelFamily, params: Params) -> int:
    """Size that a configuration of a growing family ends at."""
    return int(path_value(family, params))
