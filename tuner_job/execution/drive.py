"""Drive studies to their end: keep the workers busy, respect the budget, hand over finished
trials."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from tuner_job.config.budget import Budget
from tuner_job.errors import Interrupted, RunError
from tuner_job.execution.runner import FinishedTask, Runner
from tuner_job.records import StopReason, TrialRecord, TrialState
from tuner_job.search.study import Study
from tuner_job.search.trial import AssessmentTask, FoldTask, Task, Trial

_log = logging.getLogger(__name__)

_QUEUED_PER_SLOT = 1  # tasks that wait at a busy worker, so that it never waits for the driver
_WAIT_SECONDS = 0.5
# shorter fits go to a worker together: handing over and taking back costs a millisecond or two
_PACK_SECONDS = 0.05
PACKED = 10
"""Fits that go to a worker together, at most."""
Ended = Trial | TrialRecord
_MIN_FAILURES = 5  # before a search is given up because most of its trials fail


class Driver:
    """Runs several studies on one runner, so that one's idle workers serve another.

    Parameters
    ----------
    on_finished
        Called with each finished trial, before the sampler learns of later ones.
    should_stop
        Asked often; once it returns True the search is interrupted.
    on_task
        Called with each task that has ended: its study's name, the seconds that a worker spent on
        it, and the number of slots.
    """

    def __init__(
        self,
        studies: Sequence[Study],
        runner: Runner,
        budget: Budget,
        on_finished: Callable[[Study, Trial], None],
        should_stop: Callable[[], bool] = lambda: False,
        on_task: Callable[[str, float, int], None] = lambda study, seconds, n_slots: None,
    ):
        self._studies = {study.name: study for study in studies}
        self._runner, self._budget = runner, budget
        self._on_finished, self._should_stop = on_finished, should_stop
        self._on_task = on_task
        self._seconds: dict[str, float] = dict.fromkeys(self._studies, 0.0)
        self._running: dict[str, int] = dict.fromkeys(self._studies, 0)
        self._ended: dict[str, int] = dict.fromkeys(self._studies, 0)
        self._in_order = {name: TrialsInOrder() for name in self._studies}
        self.given_up: dict[str, RunError] = {}
        """Models that are searched no further because most of their trials fail."""

    @property
    def cpu_seconds(self) -> float:
        """Seconds that workers have spent on tasks."""
        return sum(self._seconds.values())

    def run(self) -> StopReason:
        """Run until all studies are done or the budget is used up.

        Raises
        ------
        Interrupted
            `should_stop` said so.
        """
        started = time.monotonic()
        while True:
            self._fill()
            self._hand_over()
            if not self._runner.n_running:
                return "finished"
            for finished in self._runner.wait(_WAIT_SECONDS):
                self._take(finished)
            self._hand_over()
            if reason := self._used_up(time.monotonic() - started):
                _log.info("the search ends at its budget: %s", reason)
                self._runner.cancel_all()
                return reason

    def _used_up(self, wall_seconds: float) -> StopReason | None:
        if self._should_stop():
            self._runner.cancel_all()
            raise Interrupted
        if self._budget.timeout and wall_seconds > self._budget.timeout:
            return "timeout"
        if self._budget.cpu_seconds and self.cpu_seconds > self._budget.cpu_seconds:
            return "cpu_seconds"
        return None

    def _fill(self) -> None:
        slots = self._runner.n_slots
        while self._runner.n_running < slots * (1 + _QUEUED_PER_SLOT):
            picked = self._pick(speculate=self._runner.n_running < slots)
            if picked is None:
                return
            study, task = picked
            self._running[study.name] += 1
            if isinstance(task, AssessmentTask):
                self._runner.submit_assessment(study.name, task)
            else:
                self._runner.submit_fits(
                    study.name, study.model, [task, *self._company(study, slots)]
                )

    def _company(self, study: Study, slots: int) -> Iterator[FoldTask]:
        """Find what should go to the same worker as a fit: nothing, unless fits of the study are
        very short.

        As much is left for every other slot. Where trials are assessed too, a fit is not what takes
        the time.
        """
        if study.assessed or not self._ended[study.name]:
            return
        size = int(_PACK_SECONDS * self._ended[study.name] / max(1e-6, self._seconds[study.name]))
        for _ in range(
            1, min(size, PACKED, study.n_fits_at_once // (slots * (1 + _QUEUED_PER_SLOT)))
        ):
            task = study.next_task(self._may_start())
            if not isinstance(task, FoldTask):
                return
            self._running[study.name] += 1
            yield task

    def _pick(self, speculate: bool) -> tuple[Study, Task] | None:
        """Serve the study that has had least, so that all are as far when a budget ends them.

        What is running counts as the mean of what has ended.
        """
        mean = self.cpu_seconds / max(1, sum(self._ended.values()))
        served = {name: self._seconds[name] + self._running[name] * mean for name in self._studies}
        wanted = [name for name, study in self._studies.items() if study.model not in self.given_up]
        order = [self._studies[name] for name in sorted(wanted, key=served.__getitem__)]
        may_start = self._may_start()
        for study in order:
            if task := study.next_task(may_start):
                return study, task
        for study in order if speculate else ():
            if task := study.speculative_task():
                return study, task
        return None

    def _may_start(self) -> bool:
        limit = self._budget.max_concurrent_trials
        return limit is None or sum(study.n_under_way for study in self._studies.values()) < limit

    def _take(self, finished: FinishedTask) -> None:
        study = self._studies[finished.study]
        self._running[study.name] -= 1
        self._seconds[study.name] += finished.seconds
        self._ended[study.name] += 1
        if finished.error:
            study.record_failure(finished.task, finished.error)
        else:
            study.record(finished.task, finished.told)
        self._give_up_if_most_fail(study)
        self._on_task(study.name, finished.seconds, self._runner.n_slots)

    def _hand_over(self) -> None:
        for study in self._studies.values():
            for trial in study.take_finished():
                self._on_finished(study, trial)

    def _give_up_if_most_fail(self, study: Study) -> None:
        in_order = self._in_order[study.name]
        in_order.look(lambda n: study.trials[n] if n < len(study.trials) else None)
        if in_order.most_fail:
            error = RunError(f"{study.model}: {in_order.most_fail}")
            self.given_up.setdefault(study.model, error)


class TrialsInOrder:
    """Trials that have ended, counted one by one in their order, not in that of their ends: so
    whether a model is given up does not depend on which of them are quick."""

    def __init__(self) -> None:
        self.most_fail = ""
        """Why there is no use in going on: so many have failed."""
        self._counts: Counter[TrialState] = Counter()
        self._next = 0

    def look(self, find: Callable[[int], Ended | None], lost: Collection[int] = ()) -> None:
        """Count on, up to the first trial that has not ended.

        Parameters
        ----------
        find
            Finds a trial by its number; None: it is not there yet.
        lost
            Trials that nobody is to wait for.
        """
        counts = self._counts
        while ((trial := find(self._next)) and trial.state) or self._next in lost:
            self._next += 1
            if not (trial and trial.state):
                continue
            counts[trial.state] += 1
            failed, n = counts["failed"], counts.total()
            if trial.state == "failed" and failed >= _MIN_FAILURES and failed > n / 2:
                why = trial.error or "no reason"
                self.most_fail = (
                    self.most_fail or f"{failed} of {n} trials failed, the last one with {why}"
                )
