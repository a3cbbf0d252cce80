"""What a worker does: fit one batch of configurations on one fold and score it."""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.assessment import Assessment, assess
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.folds import (
    FoldIds,
    count_folds,
    in_row_order,
    train_probe,
    validated,
)
from tuner_job.evaluation.own_metrics import OwnMetrics
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.evaluation.screening import judged, screen, screened
from tuner_job.failure import describe_failure
from tuner_job.models import FAMILIES, Families
from tuner_job.models.base import FoldData, PathPoint
from tuner_job.models.growing import Stages, as_continued
from tuner_job.models.path import path_value
from tuner_job.records import CsmfEstimator, EstimatorName, FoldRecord, Scores
from tuner_job.search.trial import FoldOutcome, FoldTask
from tuner_job.threads import one_thread, threads_to_spare
from tuner_job.types import Probabilities

_KEPT_BYTES = 512 * 2**20  # of prepared folds in one worker process
# a fold's rows and what XGBoost and logistic regression prepare from them, in sizes of X, as
# measured
_FOLD_SIZE = 7


@dataclass(frozen=True)
class SharedData:
    """What all fits of an experiment read, put once in the object store.

    Attributes
    ----------
    key
        Identifies these rows and folds within a worker process.
    X, y, folds
        (n_samples, n_features), (n_samples,), (n_samples,).
    """

    key: str
    X: NDArray[np.float32]
    y: NDArray[np.int32]
    folds: FoldIds
    n_classes: int
    seed: int
    protocol: ScoringProtocol
    methods: tuple[EstimatorName, ...]
    """Kinds of CSMF estimators that trials are scored by."""
    objectives: tuple[str, ...]
    """Metrics that are maximised."""
    families: Families = field(default_factory=lambda: dict(FAMILIES))
    """The experiment's models; an estimator is imported where it is fitted."""
    site: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    """(n_samples,), for metrics of the user's own."""
    own: OwnMetrics = field(default_factory=OwnMetrics)

    def deaths(self, rows: NDArray[np.generic]) -> Deaths:
        """Some rows, with what predictions of them are scored by."""
        return Deaths(self.y, self.site, self.own).take(rows)


_folds: OrderedDict[tuple[str, int], FoldData] = OrderedDict()


def score_fold(data: SharedData, model: str, task: FoldTask) -> list[FoldOutcome]:
    """Fit and score one task.

    Returns
    -------
    One outcome for each wanted value, in the order of ``task.wanted``.
    """
    family = data.families[model]
    fold = fold_data(data, task.fold)
    values: Sequence[Any] = task.values or (path_value(family, task.params),)
    with one_thread():
        points = family.fit_path(fold, task.params, values, data.seed)
    outcomes, before = [], 0
    for position in task.wanted:
        seconds = sum(point.fit_seconds for point in points[before : position + 1])
        with one_thread():
            outcomes.append(score_point(data, task.fold, points[position], seconds))
        before = position + 1
    return outcomes


def assess_trial(data: SharedData, points: Sequence[PathPoint]) -> Assessment:
    """Judge a trial by what its fits gave, one a fold, in their order."""
    P = in_row_order([point.P_validation.astype(np.float64) for point in points], data.folds)
    probes = [
        (data.deaths(probe_rows(data, fold)), point.P_probe.astype(np.float64))
        for fold, point in enumerate(points)
    ]
    rows = validated(data.folds)
    with one_thread():
        return assess(data.deaths(rows), P, data.folds[rows], data.protocol, data.methods, probes)


def fit_final(
    data: SharedData, model: str, params: Mapping[str, Any], stages: Stages = (), n_threads: int = 1
) -> bytes:
    """Fit one configuration on all rows, stage by stage if it was found so; return the model's
    bytes, which are the same whatever `n_threads`, the cores that nobody else takes."""
    X, y = (
        data.X.copy(),
        data.y.copy(),
    )  # what lies in the object store is read-only, which trees refuse
    with one_thread(), threads_to_spare(n_threads):
        if stages:
            continued = as_continued(data.families[model])
            return continued.fit_stages(X, y, data.n_classes, stages, data.seed).to_bytes()
        return data.families[model].fit(X, y, data.n_classes, params, data.seed).to_bytes()


def score_point(data: SharedData, fold: int, point: PathPoint, seconds: float) -> FoldOutcome:
    """Score what a fit of one fold predicted, for early stopping and for the record.

    The record has held-out and training rows by the plainest estimator that the fold is judged by.
    Where trials are assessed as a whole, it takes both from that in the end.

    Raises
    ------
    FloatingPointError
        Its probabilities are not finite.
    """
    if not np.isfinite(point.P_validation).all():
        raise FloatingPointError("the model's probabilities are not finite")
    held_out = np.flatnonzero(data.folds == fold)
    estimators = screened(data.methods)
    plainest = estimators[-1:]
    validation = _screen(data, fold, held_out, point.P_validation, estimators)
    train = _screen(data, fold, probe_rows(data, fold), point.P_probe, plainest)
    record = FoldRecord(
        fold=fold,
        n_validation=len(held_out),
        validation=validation[plainest[0].method],
        train=train[plainest[0].method],
        fit_seconds=seconds,
        diagnostics=dict(point.diagnostics),
        judged=judged(validation, data.objectives),
    )
    return FoldOutcome(record, point)


def _screen(
    data: SharedData,
    fold: int,
    rows: NDArray[np.intp],
    P: Probabilities,
    estimators: Sequence[CsmfEstimator],
) -> dict[str, Scores]:
    deaths = data.deaths(rows)
    samples = data.protocol.samples(deaths.y, data.n_classes, fold, count_folds(data.folds))
    return screen(deaths, P, samples, estimators)


def probe_rows(data: SharedData, fold: int) -> NDArray[np.intp]:
    """Training rows of a fold on which the train score is taken, (n_probe,)."""
    train = np.flatnonzero(data.folds != fold)
    return train_probe(data.y, train, int((data.folds == fold).sum()), data.seed)


def fold_data(data: SharedData, fold: int) -> FoldData:
    """Slice a fold once a process: families keep what they prepare from it."""
    key = (data.key, fold)
    if key not in _folds:
        train = data.folds != fold
        _folds[key] = FoldData(
            X_train=np.ascontiguousarray(data.X[train]),
            y_train=np.ascontiguousarray(data.y[train]),
            X_validation=np.ascontiguousarray(data.X[~train]),
            X_probe=np.ascontiguousarray(data.X[probe_rows(data, fold)]),
            n_classes=data.n_classes,
        )
        keep = max(1, _KEPT_BYTES // (_FOLD_SIZE * data.X.nbytes))
        while len(_folds) > keep:
            _folds.popitem(last=False)
    _folds.move_to_end(key)
    return _folds[key]


Told = tuple[list[Any], float, str | None]
"""What a worker says of a task: a `FoldRecord` or an `Assessment` a trial, seconds, and why it
failed if it did."""


def score_together(
    data: SharedData, model: str, tasks: Sequence[FoldTask]
) -> tuple[list[Told], list[PathPoint | None]]:
    """Score fits that go together; also return what each fit gave of each wanted value, None where
    it failed."""
    told: list[Told] = []
    points: list[PathPoint | None] = []
    for task in tasks:
        started = time.perf_counter()
        try:
            outcomes = score_fold(data, model, task)
            records = [outcome.record for outcome in outcomes]
            told.append((records, time.perf_counter() - started, None))
            points += [outcome.point for outcome in outcomes]
        except Exception as error:  # the other fits know nothing of it
            told.append(([], time.perf_counter() - started, describe_failure(error)))
            points += [None] * len(task.wanted)
    return told, points


def assess_together(data: SharedData, trials: Sequence[Sequence[PathPoint]]) -> list[Told]:
    """Judge trials, each by what its fits gave, in the order of the folds."""
    started = time.perf_counter()
    assessments = [assess_trial(data, points) for points in trials]
    return [(assessments, time.perf_counter() - started, None)]
