"""Fits as calls in worker processes of this machine."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tuner_job.config.tuning import ModelName
from tuner_job.errors import RunError
from tuner_job.execution.fold_task import SharedData, assess_together, fit_final, score_together
from tuner_job.execution.runner import FinishedTask, finished_tasks
from tuner_job.execution.tasks import Ended, Tasks
from tuner_job.failure import Failure
from tuner_job.models.base import PathPoint
from tuner_job.records import TrialRecord
from tuner_job.search.trial import AssessmentTask, FoldTask

_log = logging.getLogger(__name__)


class LocalRunner:
    """Runs fold tasks; what a fit gave comes back with what is said of it, and is its own handle.

    Parameters
    ----------
    new_tasks
        Makes a submitter of calls.
    """

    def __init__(self, data: SharedData, new_tasks: Callable[[], Tasks]):
        self._new_tasks, self._tasks = new_tasks, new_tasks()
        self._data = self._tasks.share(data)

    @property
    def n_running(self) -> int:
        """What was submitted and has not ended; fits that were submitted together count once."""
        return len(self._tasks)

    @property
    def n_slots(self) -> int:
        """Fits that can run at once."""
        return self._tasks.n_slots

    def submit_assessment(self, study: str, task: AssessmentTask) -> None:
        """Start the assessment of trials of a study."""
        self._tasks.start(assess_together, (self._data, task.points), (study, "", [task]))

    def submit_fits(self, study: str, model: str, tasks: Sequence[FoldTask]) -> None:
        """Start fits of a study, on a model, one after the other in the same process."""
        self._tasks.start(score_together, (self._data, model, tasks), (study, model, tasks))

    def wait(self, timeout: float) -> list[FinishedTask]:
        """Return tasks that have ended, waiting for the first one at most `timeout` seconds."""
        return [one for ended in self._tasks.wait(timeout) for one in self._finished(ended)]

    def _finished(self, ended: Ended) -> list[FinishedTask]:
        study, model, tasks = ended.known
        if ended.failure and len(tasks) > 1:  # one of them ends its worker: which one is not known
            for task in tasks:
                self.submit_fits(study, model, [task])
            return []
        if ended.failure:
            return [FinishedTask(study, task, [], 0.0, ended.failure) for task in tasks]
        if isinstance(tasks[0], AssessmentTask):
            return finished_tasks(study, tasks, ended.value, ())
        return finished_tasks(study, tasks, *ended.value)

    def fetch(self, handle: Any) -> PathPoint:
        """Return what a fit gave: it is here."""
        point: PathPoint = handle
        return point

    def cancel_all(self) -> None:
        """End what is running; its results are lost."""
        self._tasks.cancel_all()

    def start_final(
        self, choices: Mapping[ModelName, TrialRecord], whole: SharedData | None = None
    ) -> Callable[[ModelName], bytes]:
        """Begin to fit each model's chosen trial on all rows; see `Runner`."""
        tasks, fitted = self._new_tasks(), dict[str, bytes | Failure]()
        data = tasks.share(whole) if whole else self._data
        n_threads = max(1, self.n_slots // max(1, len(choices)))
        for model, trial in choices.items():
            stages = [(stage.size, stage.params) for stage in trial.schedule]
            tasks.start(fit_final, (data, model, trial.params, stages, n_threads), model)

        def collect(model: ModelName) -> bytes:
            while model not in fitted:
                fitted.update((one.known, one.failure or one.value) for one in tasks.wait())
            found = fitted[model]
            if isinstance(found, Failure):
                _log.info("%s: the last fit failed\n%s", model, found.traceback)
                raise RunError(
                    f"{model}: the chosen configuration cannot be fitted on all rows: {found}"
                )
            return found

        return collect
