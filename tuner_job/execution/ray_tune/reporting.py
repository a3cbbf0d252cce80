"""From Ray Tune's events to finished trials, and from the budget to Ray Tune's end."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune

from tuner_job.execution.drive import Ended, TrialsInOrder
from tuner_job.execution.ray_tasks import failure_reason
from tuner_job.execution.ray_tune.checkpoint import Progress
from tuner_job.execution.ray_tune.trainable import PROGRESS, SIZE
from tuner_job.models.base import PathPoint
from tuner_job.records import FoldRecord, StopReason, TrialRecord
from tuner_job.search.trial import FoldOutcome, Trial


class Reporter(tune.Callback):  # type: ignore[misc]
    """Hands over each trial as it ends.

    Parameters
    ----------
    keep
        Puts what a fold's fit gave where the recorder finds it; returns its handle.
    on_finished
        Called with each trial.
    stored
        Trials that an earlier run finished.
    """

    def __init__(
        self,
        objective: str,
        keep: Callable[[Any], Any],
        on_finished: Callable[[Trial], None],
        stored: Iterable[TrialRecord] = (),
    ):
        self.seconds = 0.0
        """Seconds of fitting so far."""
        self._in_order = TrialsInOrder()
        self._objective, self._keep, self._on_finished = objective, keep, on_finished
        self._numbers: dict[str, int] = {}
        self._ended: dict[int, Ended] = {record.trial: record for record in stored}
        self._finished: set[int] = set()
        self._lost: list[Any] = []
        self._gone: set[int] = set()  # numbers of all that were lost, tried again or not

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune stores its state; this is no part of it."""
        return {}

    @property
    def most_fail(self) -> str:
        """Why there is no use in going on; see `TrialsInOrder`."""
        return self._in_order.most_fail

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Learn a trial's number: a configuration that it takes over later has the other one's."""
        self._numbers.setdefault(trial.trial_id, trial.config["trial"]["number"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Take a step's result."""
        self.seconds += result["seconds"]
        if "failure" in result:
            self._fail(trial, result["failure"])
        elif "points" in result:
            # taken out of the result, which Ray Tune would keep
            points, assessment = result.pop("points"), result.pop("assessment")
            ended = self._trial(trial, result, points)
            ended.complete([self._objective], assessment)
            self._end(ended)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Take note that a trial was stopped, if that is why it ended."""
        number, result = self._number(trial), trial.last_result
        if result and number not in self._finished:
            ended = self._trial(trial, result)
            ended.prune()
            self._end(ended)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Take note that Ray Tune gave a trial up: its worker died, or storage failed it."""
        self._lost.append(trial)
        self._gone.add(self._number(trial))
        self._in_order.look(self._ended.get, self._gone)

    def take_lost(self) -> dict[int, dict[str, Any]]:
        """Return the trials that Ray Tune gave up since the last call, with the parameters that
        they had."""
        lost, self._lost = self._lost, []
        return {self._number(trial): dict(trial.config["trial"]["params"]) for trial in lost}

    def record_lost(self) -> None:
        """Have the trials that Ray Tune gave up since `take_lost` failed."""
        for trial in self._lost:
            self._fail(trial, _error(trial))

    def _number(self, trial: Any) -> int:
        return self._numbers.get(trial.trial_id, int(trial.config["trial"]["number"]))

    def _trial(
        self, trial: Any, result: Mapping[str, Any], points: Sequence[PathPoint] | None = None
    ) -> Trial:
        """Make a trial of what its last step told: `points` if it is complete, else its size."""
        number, told = self._number(trial), Progress.model_validate_json(result[PROGRESS])
        made = Trial(number, number, told.params, curve=told.curve, schedule=told.schedule)
        for record in told.folds:
            if points:
                outcome = FoldOutcome(record, self._keep(points[record.fold]))
            else:
                outcome = FoldOutcome(_of_size(record, result))
            made.outcomes[record.fold] = outcome
            made.judge(record.fold)
        return made

    def _fail(self, trial: Any, error: str) -> None:
        number = self._number(trial)
        failed = Trial(number, number, trial.config["trial"]["params"])
        failed.fail(error)
        self._end(failed)

    def _end(self, trial: Trial) -> None:
        if trial.number in self._finished:
            return
        assert trial.state is not None
        self._finished.add(trial.number)
        self._ended[trial.number] = replace(trial, outcomes={})
        self._in_order.look(self._ended.get, self._gone)
        self._on_finished(trial)


def _of_size(record: FoldRecord, result: Mapping[str, Any]) -> FoldRecord:
    """Say in a fold's record how far it had come."""
    how_far = {"size": result[SIZE], "full_size": result["full_size"]}
    return record.model_copy(update={"diagnostics": {**record.diagnostics, **how_far}})


def _error(trial: Any) -> str:
    """Say why Ray Tune gave a trial up."""
    if not trial.pickled_error_file:
        return "its worker died"
    return failure_reason(cloudpickle.loads(Path(trial.pickled_error_file).read_bytes()))


class Limits(tune.Stopper):  # type: ignore[misc]
    """Ends the search of a model when its share of the budget is used up or it is of no use to go
    on.

    Parameters
    ----------
    seconds, cpu_seconds
        Wall time and seconds of fitting that it may take; None: no limit.
    """

    def __init__(
        self,
        reporter: Reporter,
        seconds: float | None,
        cpu_seconds: float | None,
        should_stop: Callable[[], bool],
    ):
        self.reason: StopReason = "finished"
        self._reporter, self._should_stop = reporter, should_stop
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._cpu_seconds = cpu_seconds

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune stores its state; this is no part of it."""
        return {}

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        """Whether to stop one trial: that is for the scheduler to say."""
        return False

    def stop_all(self) -> bool:
        """Whether to end the search."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.reason = "timeout"
        elif self._cpu_seconds is not None and self._reporter.seconds > self._cpu_seconds:
            self.reason = "cpu_seconds"
        return self.reason != "finished" or self._should_stop() or bool(self._reporter.most_fail)
