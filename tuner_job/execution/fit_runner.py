"""Single fits with predictions, for the comparison and the hold-out."""

import os
import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.dataset import VaDataset
from tuner_job.execution.tasks import Ended, Tasks
from tuner_job.models import FAMILIES, Families
from tuner_job.models.base import FoldData
from tuner_job.models.growing import Stages, as_continued, replay
from tuner_job.models.path import path_value
from tuner_job.threads import one_thread

MAX_RETRIES = 2
"""New tries of a fit whose worker died."""


@dataclass(frozen=True)
class Fit:
    """A fit that is wanted: a configuration, rows to train on and rows to predict.

    Attributes
    ----------
    key
        Identifies it to whoever asked for it.
    train, predict
        (n_train,) and (n_predict,) row numbers.
    stages
        If given, the model grows stage by stage; `params` are those of the last one.
    columns
        (n_features,) which features are used; all of them if not given.
    """

    key: Any
    model: str
    params: dict[str, Any]
    train: NDArray[np.intp]
    predict: NDArray[np.intp]
    stages: Stages = ()
    columns: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class FitResult:
    """What became of a fit: P (n_predict, n_classes), or an error."""

    fit: Fit
    P: NDArray[np.floating[Any]] | None
    training_seconds: float = 0.0
    inference_seconds: float = 0.0
    worker: str = ""
    retries: int = 0
    error: str | None = None


@dataclass(frozen=True)
class _Shared:
    X: NDArray[np.float32]
    y: NDArray[np.int32]
    n_classes: int
    seed: int
    families: Families


def run_fits(
    tasks: Tasks,
    data: VaDataset,
    fits: Iterable[Fit],
    seed: int,
    batch_size: int | None = None,
    families: Families = FAMILIES,
) -> Iterator[FitResult]:
    """Run fits, each on one CPU; yield them as they end.

    Parameters
    ----------
    batch_size
        Fits handed over at once; None: twice as many as can run at once.
    families
        Those that models are of.
    """
    shared = tasks.share(_Shared(data.X, data.y, data.n_causes, seed, dict(families)))
    limit = batch_size or max(2, 2 * tasks.n_slots)
    waiting = iter(fits)
    try:
        while True:
            for fit in islice(waiting, limit - len(tasks)):
                tasks.start(_fit_and_predict, (shared, replace(fit, key=None)), fit)
            if not len(tasks):
                return
            yield from map(_result, tasks.wait())
    finally:
        tasks.cancel_all()


def _result(ended: Ended) -> FitResult:
    if ended.failure:
        return FitResult(ended.known, None, retries=ended.retries, error=ended.failure)
    P, training, inference, worker = ended.value
    return FitResult(ended.known, P, training, inference, worker, ended.retries)


def _fit_and_predict(
    shared: _Shared, fit: Fit
) -> tuple[NDArray[np.floating[Any]], float, float, str]:
    """Fit on some rows and predict others: P, seconds of training and of inference, the worker."""
    family = shared.families[fit.model]
    X = shared.X if fit.columns is None else shared.X[:, fit.columns]
    fold = FoldData(
        X_train=np.ascontiguousarray(X[fit.train]),
        y_train=np.ascontiguousarray(shared.y[fit.train]),
        X_validation=np.ascontiguousarray(X[fit.predict]),
        X_probe=np.ascontiguousarray(X[fit.train[:1]]),
        n_classes=shared.n_classes,
    )
    begun = time.perf_counter()
    with one_thread():
        if fit.stages:
            point = replay(as_continued(family), fold, fit.stages, shared.seed)
        else:
            path = (path_value(family, fit.params),)
            (point,) = family.fit_path(fold, fit.params, path, shared.seed)
    seconds = time.perf_counter() - begun
    if not np.isfinite(point.P_validation).all():
        raise FloatingPointError("the model's probabilities are not finite")
    training = min(point.fit_seconds, seconds)
    return (
        point.P_validation,
        training,
        seconds - training,
        f"{platform.node()}:{os.getpid()}",
    )
