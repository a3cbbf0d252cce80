"""What a driver asks of whatever runs its tasks, whatever that is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tuner_job.execution.fold_task import SharedData, Told
from tuner_job.models.base import PathPoint
from tuner_job.records import TrialRecord
from tuner_job.search.trial import AssessmentTask, FoldOutcome, FoldTask, Task, TaskResult


@dataclass(frozen=True)
class FinishedTask:
    """A task that ended: with an outcome or an assessment for each of its trials, or with an
    error."""

    study: str
    task: Task
    told: Sequence[TaskResult]
    seconds: float
    error: str | None = None


def finished_tasks(
    study: str, tasks: Sequence[Task], told: Sequence[Told], points: Sequence[Any]
) -> list[FinishedTask]:
    """Take what a worker said of tasks that went together.

    Parameters
    ----------
    points
        Of each fit and each value that it wanted, what the fit gave, or the handle of that.
    """
    left = iter(points)
    finished = []
    for task, (results, seconds, failure) in zip(tasks, told, strict=True):
        if isinstance(task, FoldTask):
            kept = [next(left) for _ in task.wanted]
            results = [FoldOutcome(*one) for one in zip(results, kept, strict=not failure)]
        finished.append(FinishedTask(study, task, results, seconds, failure))
    return finished


class Runner(Protocol):
    """Runs fits and assessments side by side.

    Every task that is submitted comes back from `wait` exactly once, in any order, unless
    `cancel_all` is called before. A task fails alone: others know nothing of it. A worker that dies
    costs time: its tasks are run again, a few times at most. All methods are called from one
    thread.
    """

    @property
    def n_slots(self) -> int:
        """Fits that can run at once now, at least 1; it may grow and shrink."""

    @property
    def n_running(self) -> int:
        """What was submitted and has not come back; what was submitted together counts once."""

    def submit_fits(self, study: str, model: str, tasks: Sequence[FoldTask]) -> None:
        """Start fits of a study, on a model, one after the other in the same process."""

    def submit_assessment(self, study: str, task: AssessmentTask) -> None:
        """Start the assessment of trials of a study."""

    def wait(self, timeout: float) -> list[FinishedTask]:
        """Return tasks that have ended, waiting for the first one at most `timeout` seconds."""

    def fetch(self, handle: Any) -> PathPoint:
        """Bring what a fold predicted here."""

    def cancel_all(self) -> None:
        """End what is running; its results are lost."""

    def start_final(
        self, choices: Mapping[Any, TrialRecord], whole: SharedData | None = None
    ) -> Callable[[Any], bytes]:
        """Begin to fit each model's chosen trial on all rows, along its schedule if it has one.

        Parameters
        ----------
        whole
            All rows; None: the data of the search are all.

        Returns
        -------
        A function that waits for a model's bytes; it raises `RunError` if that fit failed.
        """
