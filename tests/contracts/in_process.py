"""The plainest runner: one task after the other, in this process."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tuner_job.errors import RunError
from tuner_job.execution.fold_task import SharedData, assess_trial, fit_final, score_fold
from tuner_job.execution.runner import FinishedTask
from tuner_job.failure import describe_failure
from tuner_job.models.base import PathPoint
from tuner_job.records import TrialRecord
from tuner_job.search.trial import AssessmentTask, FoldTask, TaskResult


class InProcessRunner:
    """A task runs when it is waited for; a handle is what it stands for."""

    n_slots = 1

    def __init__(self, data: SharedData):
        self._data = data
        self._queue: deque[tuple[str, str, Sequence[FoldTask | AssessmentTask]]] = deque()

    @property
    def n_running(self) -> int:
        return len(self._queue)

    def submit_fits(self, study: str, model: str, tasks: Sequence[FoldTask]) -> None:
        self._queue.append((study, model, tasks))

    def submit_assessment(self, study: str, task: AssessmentTask) -> None:
        self._queue.append((study, "", [task]))

    def wait(self, timeout: float) -> list[FinishedTask]:
        study, model, tasks = self._queue.popleft()
        return [self._run(study, model, task) for task in tasks]

    def fetch(self, handle: Any) -> PathPoint:
        assert isinstance(handle, PathPoint)
        return handle

    def cancel_all(self) -> None:
        self._queue.clear()

    def start_final(
        self, choices: Mapping[Any, TrialRecord], whole: SharedData | None = None
    ) -> Callable[[Any], bytes]:
        def fitted(model: str) -> bytes:
            trial = choices[model]
            stages = [(stage.size, stage.params) for stage in trial.schedule]
            try:
                return fit_final(whole or self._data, model, trial.params, stages)
            except Exception as error:
                raise RunError(f"{model}: {describe_failure(error)}") from None

        return fitted

    def _run(self, study: str, model: str, task: FoldTask | AssessmentTask) -> FinishedTask:
        told: Sequence[TaskResult]
        try:
            if isinstance(task, AssessmentTask):
                told = [assess_trial(self._data, points) for points in task.points]
            else:
                told = score_fold(self._data, model, task)
        except Exception as error:
            return FinishedTask(study, task, [], 1.0, describe_failure(error))
        return FinishedTask(study, task, told, 1.0)
