"""A trial of Ray Tune's: one configuration on all folds, taken further step by step."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuner_job.execution.fold_task import Scored, SharedData, fold_data, score_fold, score_point
from tuner_job.files.arrays import read_array, require, write_array
from tuner_job.models import GROWING
from tuner_job.models.growing import Growing, full_size
from tuner_job.records import FoldRecord
from tuner_job.search.trial import FoldTask
from tuner_job.threads import one_thread

Probabilities = NDArray[np.floating[Any]]


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
    scored: list[Scored]
    """The folds' scores at its present size."""
    probabilities: list[Probabilities]
    """Of the validation rows, (n_validation, n_classes) a fold."""

    @property
    def size(self) -> int:
        """Rounds, trees or folds so far."""

    def advance(self, at_most: int | None = None) -> None:
        """Go one step further, or to a size that comes before."""

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
    if model in GROWING:
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
        family, n_folds = GROWING[model], _n_folds(data)
        self.full_size = full_size(family, params)
        self.scored = _scored_before(begun)
        self.probabilities: list[Probabilities] = []
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

    def advance(self, at_most: int | None = None) -> None:
        """Grow every fold to the next multiple of a step, or to a size that comes before, and
        score it."""
        size = min(
            self.full_size, (self.size // self._step + 1) * self._step, at_most or self.full_size
        )
        before = [one.record.fit_seconds for one in self.scored] or [0.0] * len(self._folds)
        with one_thread():
            list(self._pool.map(lambda growing: growing.grow_to(size), self._folds))
        points = [growing.point() for growing in self._folds]
        self.probabilities = [point.P_validation for point in points]
        self.scored = [
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
        self.full_size = _n_folds(data)
        self.scored = _scored_before(begun)
        self.probabilities = (
            [_stored(data, fold, part) for fold, part in enumerate(begun.parts)] if begun else []
        )
        self._data, self._model, self._params = data, model, dict(params)

    @property
    def size(self) -> int:
        """Folds so far."""
        return len(self.scored)

    def advance(self, at_most: int | None = None) -> None:
        """Fit and score the next fold."""
        task = FoldTask(0, self.size, self._params, (), (0,), (0,))
        scored, probabilities = score_fold(self._data, self._model, task)
        self.scored, self.probabilities = self.scored + scored, self.probabilities + probabilities

    def parts(self) -> list[bytes]:
        """Return every fold's probabilities."""
        return [write_array(matrix) for matrix in self.probabilities]


def _scored_before(begun: Begun | None) -> list[Scored]:
    return [Scored(record, {}, {}) for record in begun.records] if begun else []


def _stored(data: SharedData, fold: int, part: bytes) -> Probabilities:
    """Read a fold's probabilities, whoever wrote them: checkpoints stand with the results."""
    P = read_array(part, "a fold's probabilities")
    shape = (int((data.folds == fold).sum()), data.n_classes)
    require(P.shape == shape, f"a fold's probabilities must be {shape}, found {P.shape}")
    require(
        P.dtype.kind == "f" and (P >= 0).all() and (abs(P.sum(axis=1) - 1) < 1e-3).all(),
        "rows must sum to 1",
    )
    return P


def _n_folds(data: SharedData) -> int:
    return int(data.folds.max()) + 1
