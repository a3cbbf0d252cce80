"""What a worker does: fit one batch of configurations on one fold and score it."""

import traceback
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tuner_job.evaluation.folds import FoldIds, train_probe
from tuner_job.evaluation.metrics import score
from tuner_job.models import CONTINUED, FAMILIES
from tuner_job.models.base import FoldData, PathPoint
from tuner_job.models.growing import Stages
from tuner_job.models.path import path_value
from tuner_job.results.records import FoldRecord
from tuner_job.search.trial import FoldTask

_KEPT_BYTES = 512 * 2**20  # of prepared folds in one worker process


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


_folds: OrderedDict[tuple[str, int], FoldData] = OrderedDict()


def score_fold(data: SharedData, model: str, task: FoldTask) -> tuple[list[FoldRecord], list[NDArray[Any]]]:
    """Fit and score one task.

    Returns
    -------
    One record and one matrix of validation probabilities, (n_validation, n_classes), for each wanted
    value, in the order of ``task.wanted``.
    """
    family = FAMILIES[model]
    fold = fold_data(data, task.fold)
    values: Sequence[Any] = task.values or (path_value(family, task.params),)
    with threadpool_limits(1):
        points = family.fit_path(fold, task.params, values, data.seed)
    held_out = data.folds == task.fold
    y, y_probe = data.y[held_out], data.y[_probe_rows(data, task.fold)]
    records, before = [], 0
    for position in task.wanted:
        seconds = sum(point.fit_seconds for point in points[before : position + 1])
        records.append(_record(task.fold, points[position], y, y_probe, seconds))
        before = position + 1
    return records, [points[position].P_validation for position in task.wanted]


def score_point(data: SharedData, fold: int, point: PathPoint, seconds: float) -> FoldRecord:
    """Score what a fit of one fold has come to after `seconds` of fitting."""
    return _record(fold, point, data.y[data.folds == fold], data.y[_probe_rows(data, fold)], seconds)


def fit_final(data: SharedData, model: str, params: Mapping[str, Any], stages: Stages = ()) -> bytes:
    """Fit one configuration on all rows, stage by stage if it was found so; return the model's bytes."""
    X, y = data.X.copy(), data.y.copy()  # what lies in the object store is read-only, which trees refuse
    with threadpool_limits(1):
        if stages:
            return CONTINUED[model].fit_stages(X, y, data.n_classes, stages, data.seed).to_bytes()
        return FAMILIES[model].fit(X, y, data.n_classes, params, data.seed).to_bytes()


def describe_failure(error: Exception) -> str:
    """One line that says what failed and where."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({last[0].name}, line {last[0].lineno})" if last else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}{where}"


def _record(
    fold: int, point: PathPoint, y: NDArray[np.int32], y_probe: NDArray[np.int32], seconds: float
) -> FoldRecord:
    if not np.isfinite(point.P_validation).all():
        raise FloatingPointError("the model's probabilities are not finite")
    return FoldRecord(
        fold=fold,
        n_validation=len(y),
        validation=score(y, point.P_validation),
        train=score(y_probe, point.P_probe),
        fit_seconds=seconds,
        diagnostics=dict(point.diagnostics),
    )


def _probe_rows(data: SharedData, fold: int) -> NDArray[np.intp]:
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
            X_probe=np.ascontiguousarray(data.X[_probe_rows(data, fold)]),
            n_classes=data.n_classes,
        )
        keep = max(1, _KEPT_BYTES // (2 * data.X.nbytes))  # prepared forms take about as much again
        while len(_folds) > keep:
            _folds.popitem(last=False)
    _folds.move_to_end(key)
    return _folds[key]
