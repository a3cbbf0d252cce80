"""What a worker does: fit one batch of configurations on one fold and score it."""

import traceback
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.assessment import Assessment, assess, screen
from tuner_job.evaluation.csmf import EstimatorName
from tuner_job.evaluation.folds import FoldIds, train_probe
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.models import CONTINUED, FAMILIES
from tuner_job.models.base import FoldData, PathPoint
from tuner_job.models.growing import Stages
from tuner_job.models.path import path_value
from tuner_job.public import without_secrets
from tuner_job.records import FoldRecord, Scores
from tuner_job.search.trial import FoldTask
from tuner_job.threads import one_thread

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


_folds: OrderedDict[tuple[str, int], FoldData] = OrderedDict()


@dataclass(frozen=True)
class Scored:
    """What a fold tells of one configuration, but for its probabilities.

    Attributes
    ----------
    screened, train
        Kind of CSMF estimator → metrics on the held-out rows and on as many training rows. The
        record has those of the plainest kind; where trials are assessed as a whole they are
        replaced then.
    """

    record: FoldRecord
    screened: dict[str, Scores]
    train: dict[str, Scores]


def score_fold(
    data: SharedData, model: str, task: FoldTask
) -> tuple[list[Scored], list[NDArray[Any]]]:
    """Fit and score one task.

    Returns
    -------
    One record and one matrix of validation probabilities, (n_validation, n_classes), for each
    wanted
    value, in the order of ``task.wanted``.
    """
    family = FAMILIES[model]
    fold = fold_data(data, task.fold)
    values: Sequence[Any] = task.values or (path_value(family, task.params),)
    with one_thread():
        points = family.fit_path(fold, task.params, values, data.seed)
    scored, before = [], 0
    for position in task.wanted:
        seconds = sum(point.fit_seconds for point in points[before : position + 1])
        with one_thread():
            scored.append(score_point(data, task.fold, points[position], seconds))
        before = position + 1
    return scored, [points[position].P_validation for position in task.wanted]


def assess_trial(data: SharedData, probabilities: Sequence[NDArray[Any]]) -> Assessment:
    """Judge a trial by its probabilities, (n_validation, n_classes) a fold."""
    P = np.empty((len(data.y), data.n_classes))
    for fold, part in enumerate(probabilities):
        P[data.folds == fold] = part
    with one_thread():
        return assess(data.y, P, data.folds, data.protocol, data.methods)


def fit_final(
    data: SharedData, model: str, params: Mapping[str, Any], stages: Stages = ()
) -> bytes:
    """Fit one configuration on all rows, stage by stage if it was found so; return the model's
    bytes."""
    X, y = (
        data.X.copy(),
        data.y.copy(),
    )  # what lies in the object store is read-only, which trees refuse
    with one_thread():
        if stages:
            return CONTINUED[model].fit_stages(X, y, data.n_classes, stages, data.seed).to_bytes()
        return FAMILIES[model].fit(X, y, data.n_classes, params, data.seed).to_bytes()


def describe_failure(error: Exception) -> str:
    """One line that says what failed and where."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({last[0].name}, line {last[0].lineno})" if last else ""
    said = without_secrets(" ".join(str(error).split()))[:500]
    return f"{type(error).__name__}: {said}{where}"


def score_point(data: SharedData, fold: int, point: PathPoint, seconds: float) -> Scored:
    """Score what a fit of one fold predicted.

    Raises
    ------
    FloatingPointError
        Its probabilities are not finite.
    """
    if not np.isfinite(point.P_validation).all():
        raise FloatingPointError("the model's probabilities are not finite")
    held_out = np.flatnonzero(data.folds == fold)
    validation = _screen(data, fold, held_out, point.P_validation)
    train = _screen(data, fold, _probe_rows(data, fold), point.P_probe)
    plainest = list(validation)[-1]
    record = FoldRecord(
        fold=fold,
        n_validation=len(held_out),
        validation=validation[plainest],
        train=train[plainest],
        fit_seconds=seconds,
        diagnostics=dict(point.diagnostics),
    )
    return Scored(record, validation, train)


def _screen(
    data: SharedData, fold: int, rows: NDArray[np.intp], P: NDArray[np.floating[Any]]
) -> dict[str, Scores]:
    y = data.y[rows]
    samples = data.protocol.samples(y, data.n_classes, fold, int(data.folds.max()) + 1)
    return screen(y, P, samples, data.methods)


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
        keep = max(1, _KEPT_BYTES // (_FOLD_SIZE * data.X.nbytes))
        while len(_folds) > keep:
            _folds.popitem(last=False)
    _folds.move_to_end(key)
    return _folds[key]
