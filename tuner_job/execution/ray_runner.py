"""Fits as plain Ray tasks."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from tuner_job.config.experiment import ModelName
from tuner_job.errors import RunError
from tuner_job.execution.fold_task import (
    SharedData,
    assess_trial,
    describe_failure,
    fit_final,
    score_fold,
)
from tuner_job.execution.ray_start import require_memory
from tuner_job.execution.runner import Finished
from tuner_job.models.growing import Stages
from tuner_job.records import TrialRecord
from tuner_job.search.trial import AssessmentTask, FoldOutcome, FoldTask, Task

_SYSTEM_RETRIES = 2  # of a fit whose worker died
_FEW = 16  # tasks that are not worth a second look at which of them have ended
_CAPACITY_SECONDS = 5.0  # how often the cluster's size is looked at


class RayRunner:
    """Runs fold tasks, keeping every CPU busy.

    Parameters
    ----------
    data
        Put once in the object store.
    memory_per_task
        Bytes that Ray reserves for a fit; None: no limit.
    """

    def __init__(self, data: SharedData, memory_per_task: float | None = None):
        self._data = ray.put(data)
        options: dict[str, Any] = {"num_cpus": 1, "max_retries": _SYSTEM_RETRIES}
        if memory_per_task:
            require_memory(memory_per_task)
            options["memory"] = memory_per_task
        self._options = options
        self._score = ray.remote(**options)(_score)
        self._score_returning: dict[int, Any] = {}
        self._assess = ray.remote(**options)(_assess)
        self._running: dict[Any, tuple[str, Sequence[Task], list[Any]]] = {}
        self._capacity = (-_CAPACITY_SECONDS, 0)

    @property
    def data(self) -> list[Any]:
        """Handle of the data for `shared_data`: a list, so that Ray leaves the reference in it
        alone."""
        return [self._data]

    @property
    def n_running(self) -> int:
        """What was submitted and has not ended; fits that were submitted together count once."""
        return len(self._running)

    @property
    def n_slots(self) -> int:
        """Fits that the cluster can run at once, at least 1."""
        checked, slots = self._capacity
        if time.monotonic() - checked > _CAPACITY_SECONDS:
            slots = max(1, int(ray.cluster_resources().get("CPU", 0)))
            self._capacity = (time.monotonic(), slots)
        return slots

    def submit_assessment(self, study: str, task: AssessmentTask) -> None:
        """Start the assessment of trials of a study."""
        handles = [handle for of_trial in task.probabilities for handle in of_trial]
        self._running[self._assess.remote(self.data, len(task.trials), *handles)] = (
            study,
            [task],
            [],
        )

    def submit_fits(self, study: str, model: str, tasks: Sequence[FoldTask]) -> None:
        """Start fits of a study, on a model, one after the other in the same process."""
        n_returns = 1 + sum(len(task.wanted) for task in tasks)
        if n_returns not in self._score_returning:
            self._score_returning[n_returns] = self._score.options(num_returns=n_returns)
        scored, *probabilities = self._score_returning[n_returns].remote(self.data, model, tasks)
        self._running[scored] = (study, tasks, probabilities)

    def wait(self, timeout: float) -> list[Finished]:
        """Return tasks that have ended, waiting for the first one at most `timeout` seconds."""
        refs = list(self._running)
        ready, rest = ray.wait(refs, num_returns=1, timeout=timeout)
        if ready and len(rest) > _FEW:
            ready += ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        return [finished for ref in ready for finished in self._collect(ref)]

    def keep(self, probabilities: NDArray[np.floating[Any]]) -> Any:
        """Put the probabilities of an outcome where `fetch` finds them; return their handle."""
        return ray.put(probabilities)

    def fetch(self, handle: Any) -> NDArray[np.floating[Any]]:
        """Bring the probabilities of an outcome here, (n_validation, n_classes)."""
        return np.asarray(ray.get(handle))

    def start_final(
        self, choices: Mapping[ModelName, TrialRecord], whole: SharedData | None = None
    ) -> Callable[[ModelName], bytes]:
        """Begin to fit each model's chosen trial on all rows, along its schedule if it has one.

        Parameters
        ----------
        whole
            All rows; None: the data of the search are all.

        Returns
        -------
        A function that waits for a model's bytes; it raises `RunError` if that fit failed.
        """
        fit = ray.remote(**self._options)(_fit_final)
        data = [ray.put(whole)] if whole else self.data
        refs = {
            model: fit.remote(
                data, model, trial.params, [(s.size, s.params) for s in trial.schedule]
            )
            for model, trial in choices.items()
        }

        def collect(model: ModelName) -> bytes:
            try:
                fitted: bytes = ray.get(refs[model])
            except ray.exceptions.RayError as error:
                raise RunError(
                    f"{model}: the chosen configuration cannot be fitted on all rows: "
                    f"{failure_reason(error)}"
                ) from None
            return fitted

        return collect

    def cancel_all(self) -> None:
        """End what is running; its results are lost."""
        for ref in self._running:
            ray.cancel(ref, force=True)
        self._running.clear()

    def _collect(self, ref: Any) -> list[Finished]:
        study, tasks, probabilities = self._running.pop(ref)
        try:
            told: Sequence[_Told] = ray.get(ref)
        except ray.exceptions.RayError as error:
            return [Finished(study, task, [], 0.0, failure_reason(error)) for task in tasks]
        handles = iter(probabilities)
        finished = []
        for task, (results, seconds, failure) in zip(tasks, told, strict=True):
            if isinstance(task, FoldTask):
                kept = [next(handles) for _ in task.wanted]
                results = [
                    FoldOutcome(s.record, P, s.screened, s.train)
                    for s, P in zip(results, kept, strict=False)
                ]
            finished.append(Finished(study, task, results, seconds, failure))
        return finished


_Told = tuple[list[Any], float, str | None]
"""What a worker says of a task: a `Scored` or an `Assessment` a trial, seconds, and why it
failed if it did."""


def _score(data: list[Any], model: str, tasks: Sequence[FoldTask]) -> tuple[Any, ...]:
    told: list[_Told] = []
    probabilities: list[Any] = []
    for task in tasks:
        started = time.perf_counter()
        try:
            scored, P = score_fold(shared_data(data), model, task)
            told.append((scored, time.perf_counter() - started, None))
            probabilities += P
        except Exception as error:  # the other fits know nothing of it
            told.append(([], time.perf_counter() - started, describe_failure(error)))
            probabilities += [None] * len(task.wanted)
    return (told, *probabilities)


def _assess(data: list[Any], n_trials: int, *probabilities: NDArray[Any]) -> list[_Told]:
    started = time.perf_counter()
    n_folds = len(probabilities) // n_trials
    parts = [probabilities[i * n_folds : (i + 1) * n_folds] for i in range(n_trials)]
    assessments = [assess_trial(shared_data(data), part) for part in parts]
    return [(assessments, time.perf_counter() - started, None)]


def _fit_final(data: list[Any], model: str, params: Mapping[str, Any], stages: Stages) -> bytes:
    return fit_final(shared_data(data), model, params, stages)


_shared_data: dict[Any, SharedData] = {}


def shared_data(handle: Sequence[Any]) -> SharedData:
    """Read the data of a `RayRunner.data` from the object store, once a worker process."""
    (ref,) = handle
    if ref not in _shared_data:
        _shared_data.clear()
        _shared_data[ref] = ray.get(ref)
    return _shared_data[ref]


def failure_reason(error: Exception) -> str:
    """One line of what Ray says of a task or actor that failed."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return describe_failure(error.cause)
    first = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {first}"
