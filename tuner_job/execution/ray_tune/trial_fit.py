"""A trial of Ray Tune's: one configuration on all folds, taken further step by step."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tuner_job.evaluation.folds import count_folds
from tuner_job.execution.fold_task import (
    SharedData,
    fold_data,
    probe_rows,
    score_fold,
    score_point,
)
from tuner_job.files.arrays import read_array, require, write_array
from tuner_job.models.base import PathPoint
from tuner_job.models.growing import Growing, as_growing, full_size
from tuner_job.records import FoldRecord
from tuner_job.search.trial import FoldOutcome, FoldTask
from tuner_job.threads import one_thread


@dataclass(frozen=True)
class Begun:
    """What an earlier process did of a trial."""

    records: Sequence[FoldRecord]
    parts: Sequence[bytes]
    """One a fold."""


class TrialFit(Protocol):
    """A trial on its way."""

    full_size: int
    """Rounds, trees or folds at which it is complete."""
    outcomes: list[FoldOutcome]
    """What the folds tell of it at its present size."""

    @property
    def size(self) -> int:
        """Rounds, trees or folds so far."""

    def advance(self) -> None:
        """Go one step further."""

    def parts(self) -> list[bytes]:
        """Return what it takes, with the records, to go on in another process."""


def begin(
    data: SharedData,
    model: str,
    params: Mapping[str, Any],
    step: int,
    cpus: int,
    begun: Begun | None = None,
) -> TrialFit:
    """Begin a trial or go on with one.

    Parameters
    ----------
    step
        Rounds or trees that one step adds to every fold; a family that does not grow does one fold
        more.
    cpus
        Folds that grow side by side.
    """
    if as_growing(data.families[model]):
        return GrowingTrial(data, model, params, step, cpus, begun)
    return FoldwiseTrial(data, model, params, begun)


class GrowingTrial:
    """All folds grow together."""

    def __init__(
        self,
        data: SharedData,
        model: str,
        params: Mapping[str, Any],
        step: int,
        cpus: int,
        begun: Begun | None,
    ):
        family, n_folds = as_growing(data.families[model]), count_folds(data.folds)
        assert family is not None  # or it is a `FoldwiseTrial`
        self.full_size = full_size(family, params)
        self.outcomes = [FoldOutcome(record) for record in begun.records] if begun else []
        self._data, self._step, self._pool = data, step, ThreadPoolExecutor(cpus)
        parts: Sequence[bytes | None] = begun.parts if begun else [None] * n_folds
        self._folds: list[Growing] = [
            family.start(fold_data(data, fold), params, data.seed, parts[fold])
            for fold in range(n_folds)
        ]

    @property
    def size(self) -> int:
        """Rounds or trees so far."""
        return self._folds[0].size

    def advance(self) -> None:
        """Grow every fold to the next multiple of a step and score it."""
        size = min(self.full_size, (self.size // self._step + 1) * self._step)
        before = [one.record.fit_seconds for one in self.outcomes] or [0.0] * len(self._folds)
        with one_thread():
            list(self._pool.map(lambda growing: growing.grow_to(size), self._folds))
        points = [growing.point() for growing in self._folds]
        self.outcomes = [
            score_point(self._data, fold, point, before[fold] + point.fit_seconds)
            for fold, point in enumerate(points)
        ]

    def parts(self) -> list[bytes]:
        """Return every fold's model."""
        return [growing.to_bytes() for growing in self._folds]


class FoldwiseTrial:
    """A family whose fits have no smaller size worth looking at: one fold after the other."""

    def __init__(
        self, data: SharedData, model: str, params: Mapping[str, Any], begun: Begun | None
    ):
        self.full_size = count_folds(data.folds)
        self.outcomes = _outcomes_before(data, begun) if begun else []
        self._data, self._model, self._params = data, model, dict(params)

    @property
    def size(self) -> int:
        """Folds so far."""
        return len(self.outcomes)

    def advance(self) -> None:
        """Fit and score the next fold."""
        task = FoldTask(0, self.size, self._params, (), (0,), (0,))
        self.outcomes = self.outcomes + score_fold(self._data, self._model, task)

    def parts(self) -> list[bytes]:
        """Return every fold's probabilities."""
        points = [one.point for one in self.outcomes]
        return [write_array(np.concatenate([p.P_validation, p.P_probe])) for p in points]


def _outcomes_before(data: SharedData, begun: Begun) -> list[FoldOutcome]:
    require(len(begun.parts) == len(begun.records), "each fold must have its probabilities")
    return [
        FoldOutcome(record, _stored_point(data, fold, record, part))
        for fold, (record, part) in enumerate(zip(begun.records, begun.parts, strict=True))
    ]


def _stored_point(data: SharedData, fold: int, record: FoldRecord, part: bytes) -> PathPoint:
    """Read a fold's probabilities, whoever wrote them: checkpoints stand with the results."""
    P = read_array(part, "a fold's probabilities")
    n_held_out = int((data.folds == fold).sum())
    shape = (n_held_out + len(probe_rows(data, fold)), data.n_classes)
    require(P.shape == shape, f"a fold's probabilities must be {shape}, found {P.shape}")
    require(
        P.dtype.kind == "f" and (P >= 0).all() and (abs(P.sum(axis=1) - 1) < 1e-3).all(),
        "rows must sum to 1",
    )
    return PathPoint(P[:n_held_out], P[n_held_out:], record.fit_seconds, record.diagnostics)
