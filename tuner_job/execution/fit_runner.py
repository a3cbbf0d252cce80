"""Single fits with predictions as plain Ray tasks, for the comparison."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from tuner_job.data.dataset import VaDataset
from tuner_job.execution.ray_tasks import RayTasks, failure_reason
from tuner_job.models import CONTINUED, FAMILIES
from tuner_job.models.base import FoldData
from tuner_job.models.growing import Stages, replay
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

    @classmethod
    def of(cls, data: VaDataset, seed: int) -> "_Shared":
        return cls(data.X, data.y, data.n_causes, seed)


def run_fits(
    data: VaDataset,
    fits: Iterable[Fit],
    seed: int,
    memory_per_task: float | None,
    batch_size: int | None,
) -> Iterator[FitResult]:
    """Run fits on a started Ray, each on one CPU; yield them as they end.

    Parameters
    ----------
    memory_per_task
        Bytes that Ray reserves for a fit; None: no limit.
    batch_size
        Fits handed to Ray at once; None: twice as many as there are CPUs.
    """
    tasks = RayTasks(memory_per_task, retries=0)  # tries are counted here
    remote, shared = tasks.remote(_fit_and_predict), ray.put(_Shared.of(data, seed))
    limit = batch_size or max(2, 2 * tasks.n_slots)
    waiting = iter(fits)

    def start(fit: Fit, retries: int) -> None:
        ref = remote.remote(shared, replace(fit, key=None))
        tasks.add(ref, (fit, retries))

    try:
        while True:
            for fit in islice(waiting, limit - len(tasks)):
                start(fit, 0)
            if not len(tasks):
                return
            for ref, (fit, retries) in tasks.wait():
                fitted = _collect(ref, fit, retries)
                if fitted is None:
                    start(fit, retries + 1)
                else:
                    yield fitted
    finally:
        tasks.cancel_all()


def _collect(ref: Any, fit: Fit, retries: int) -> FitResult | None:
    """Take what a worker said; None if it died and the fit is to be tried again."""
    try:
        P, training, inference, worker = ray.get(ref)
    except ray.exceptions.RayError as error:
        if retries < MAX_RETRIES and not isinstance(error, ray.exceptions.RayTaskError):
            return None
        return FitResult(fit, None, retries=retries, error=failure_reason(error))
    return FitResult(fit, P, training, inference, worker, retries)


def _fit_and_predict(
    shared: _Shared, fit: Fit
) -> tuple[NDArray[np.floating[Any]], float, float, str]:
    """Fit on some rows and predict others: P, seconds of training and of inference, the worker."""
    family = FAMILIES[fit.model]
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
            point = replay(CONTINUED[fit.model], fold, fit.stages, shared.seed)
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
        ray.get_runtime_context().get_worker_id(),
    )
