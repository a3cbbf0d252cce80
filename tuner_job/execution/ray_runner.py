"""Fits as plain Ray tasks."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ray

from tuner_job.config.tuning import ModelName
from tuner_job.errors import RunError
from tuner_job.execution.fold_task import (
    SharedData,
    Told,
    assess_together,
    fit_final,
    score_together,
)
from tuner_job.execution.ray_start import ray_logs
from tuner_job.execution.ray_tasks import RayTasks, failure_reason
from tuner_job.execution.runner import FinishedTask, finished_tasks
from tuner_job.models.base import PathPoint
from tuner_job.models.growing import Stages
from tuner_job.records import TrialRecord
from tuner_job.search.trial import AssessmentTask, FoldTask, Task

_log = logging.getLogger(__name__)
_SYSTEM_RETRIES = 2  # of a fit whose worker died


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
        self._tasks = RayTasks(memory_per_task, _SYSTEM_RETRIES)
        self._score = self._tasks.remote(_score)
        self._score_returning: dict[int, Any] = {}
        self._assess = self._tasks.remote(_assess)

    @property
    def data(self) -> list[Any]:
        """Handle of the data for `shared_data`: a list, so that Ray leaves the reference in it
        alone."""
        return [self._data]

    @property
    def n_running(self) -> int:
        """What was submitted and has not ended; fits that were submitted together count once."""
        return len(self._tasks)

    @property
    def n_slots(self) -> int:
        """Fits that the cluster can run at once, at least 1."""
        return self._tasks.n_slots

    def submit_assessment(self, study: str, task: AssessmentTask) -> None:
        """Start the assessment of trials of a study."""
        handles = [handle for of_trial in task.points for handle in of_trial]
        told = self._assess.remote(self.data, len(task.trials), *handles)
        self._tasks.add(told, (study, "", [task], []))

    def submit_fits(self, study: str, model: str, tasks: Sequence[FoldTask]) -> None:
        """Start fits of a study, on a model, one after the other in the same process."""
        n_returns = 1 + sum(len(task.wanted) for task in tasks)
        if n_returns not in self._score_returning:
            self._score_returning[n_returns] = self._score.options(num_returns=n_returns)
        told, *points = self._score_returning[n_returns].remote(self.data, model, tasks)
        self._tasks.add(told, (study, model, tasks, points))

    def wait(self, timeout: float) -> list[FinishedTask]:
        """Return tasks that have ended, waiting for the first one at most `timeout` seconds."""
        ended = self._tasks.wait(timeout)
        return [finished for ref, known in ended for finished in self._collect(ref, *known)]

    def _collect(
        self, ref: Any, study: str, model: str, tasks: Sequence[Task], points: Sequence[Any]
    ) -> list[FinishedTask]:
        """Take what a worker said of tasks that went together."""
        try:
            told: Sequence[Told] = ray.get(ref)
        except ray.exceptions.RayError as error:
            fits = [task for task in tasks if isinstance(task, FoldTask)]
            if len(fits) > 1:  # one of them ends its worker: which one is not known
                for fit in fits:
                    self.submit_fits(study, model, [fit])
                return []
            return [FinishedTask(study, task, [], 0.0, failure_reason(error)) for task in tasks]
        return finished_tasks(study, tasks, told, points)

    def keep(self, point: PathPoint) -> Any:
        """Put what a fit gave where `fetch` finds it; return its handle."""
        return ray.put(point)

    def fetch(self, handle: Any) -> PathPoint:
        """Bring here what a fit gave."""
        point: PathPoint = ray.get(handle)
        return point

    def start_final(
        self, choices: Mapping[ModelName, TrialRecord], whole: SharedData | None = None
    ) -> Callable[[ModelName], bytes]:
        """Begin to fit each model's chosen trial on all rows; see `Runner`."""
        fit = self._tasks.remote(_fit_final)
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
                failure = failure_reason(error)
                _log.info("%s: the last fit failed\n%s", model, failure.traceback)
                in_fit = isinstance(error, ray.exceptions.RayTaskError)
                where = "" if in_fit else f"; Ray's own logs are in {ray_logs()}"
                raise RunError(
                    f"{model}: the chosen configuration cannot be fitted on all rows: "
                    f"{failure}{where}"
                ) from None
            return fitted

        return collect

    def cancel_all(self) -> None:
        """End what is running; its results are lost."""
        self._tasks.cancel_all()


def _score(data: list[Any], model: str, tasks: Sequence[FoldTask]) -> tuple[Any, ...]:
    """Score fits; each one's `PathPoint` stays where it was made until somebody asks for it."""
    told, points = score_together(shared_data(data), model, tasks)
    return (told, *points)


def _assess(data: list[Any], n_trials: int, *points: PathPoint) -> list[Told]:
    n_folds = len(points) // n_trials
    by_trial = [points[i * n_folds : (i + 1) * n_folds] for i in range(n_trials)]
    return assess_together(shared_data(data), by_trial)


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
