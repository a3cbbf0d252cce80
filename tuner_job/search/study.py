"""A study: the search of one model, as a state machine that knows nothing of workers.

It asks its tuner, hands out tasks, takes outcomes, gives up poor trials and tells the tuner. What
it decides depends on outcomes only, never on when or in which order they arrive:

* batch b is asked when exactly the batches up to b - lag have been told, in order, even if later
  ones have ended by then;
* whether a trial of batch b goes on after a fold is judged by what was known when b was asked;
* where trials are assessed as a whole, that is one task more, once all folds are there;
* outcomes of folds that ran ahead of such a judgement are dropped if it goes against the trial.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tuner_job.evaluation.assessment import Assessment
from tuner_job.records import TrialRecord, TrialState
from tuner_job.search.early_stopping import Judge, StoppingRule
from tuner_job.search.samplers.base import Tuner
from tuner_job.search.trial import AssessmentTask, FoldTask, Task, Told, Trial, judged
from tuner_job.search_space import Configuration, Scalar


@dataclass(slots=True)
class _Batch:
    """Trials under way that share their fits."""

    number: int
    judge: Judge | None
    trials: list[Trial] = field(default_factory=list)
    waiting: dict[int, Trial] = field(default_factory=dict)
    """Members that need fits, by number."""
    submitted: set[int] = field(default_factory=set)
    """Folds handed out; the number after the last one is the assessment."""


class Study:
    """The search of one model.

    Parameters
    ----------
    name
        Identifies the study among those that run together.
    model
        Name of the model family.
    objectives
        Names of the validation metrics that are maximised.
    path
        The family's path parameter, if it has one.
    lag
        Batches under way at once, at most.
    max_trials
        No further configuration is asked once there are so many; None: until the tuner has no more.
    stored
        Trials that an earlier run finished, by number: their results are taken, not computed again.
    first_trial
        Number of the first one.
    assessed
        Whether a trial is scored as a whole, by all its out-of-fold probabilities, and not fold by
        fold.
    contained
        Finds the configurations that the fit of another one goes through; they become trials that
        were not asked. None: there are none.
    on_mismatch
        Told of a stored trial whose parameters are not those proposed: its result is not taken.
    """

    def __init__(
        self,
        name: str,
        model: str,
        tuner: Tuner,
        rule: StoppingRule,
        *,
        objectives: Sequence[str],
        path: str | None,
        n_folds: int,
        lag: int,
        max_trials: int | None,
        stored: Mapping[int, TrialRecord] | None = None,
        first_trial: int = 0,
        assessed: bool = False,
        contained: Callable[[Configuration], Sequence[Configuration]] | None = None,
        on_mismatch: Callable[[TrialRecord, Configuration], None] = lambda record, proposed: None,
    ):
        self.name, self.model = name, model
        self.trials: list[Trial] = []
        self.counts: Counter[TrialState] = Counter()
        """Finished trials by state; those that were not asked for are left out."""
        self.best: Trial | None = None
        """The complete trial with the highest first objective; of equals, the earliest."""
        self._tuner, self._rule, self._lag, self._max_trials = tuner, rule, lag, max_trials
        self._objectives, self._path, self._n_folds = list(objectives), path, n_folds
        self.assessed, self._contained, self._on_mismatch = assessed, contained, on_mismatch
        self._stored = dict(stored or {})
        self._first_trial = first_trial
        self._by_params: dict[tuple[object, ...], Trial] = {}
        self._open: dict[int, _Batch] = {}
        self._ended: dict[int, list[Trial]] = {}  # batches that have ended and are not told yet
        self._n_asked = self._n_told = self._n_free = 0  # batches, batches, trials
        self._new: deque[_Batch] = deque()  # batches that have not begun
        self._ready: list[
            tuple[int, int]
        ] = []  # heap of (batch, fold) that must run, of batches that have
        self._spare: list[tuple[int, int]] = []  # heap of those that may turn out not to be needed
        self._n_under_way = 0
        self._duplicates: dict[int, list[Trial]] = {}  # unfinished, by the number of their original
        self._finished: list[Trial] = []
        self._exhausted = False

    @property
    def done(self) -> bool:
        """Whether every configuration has its result."""
        return self._exhausted and not self._open

    @property
    def n_under_way(self) -> int:
        """Batches that have begun and not ended."""
        return self._n_under_way

    @property
    def n_fits_at_once(self) -> int:
        """Fits that may be under way at once, at most."""
        return self._lag * self._n_folds

    def next_task(self, start_new: bool = True) -> Task | None:
        """Return the next task that is needed; None if all depends on tasks that are running, or is
        done.

        Without `start_new` it belongs to a batch that has begun.
        """
        self._ask_while_allowed()
        task = self._next_of(
            self._ready
        )  # those of begun batches come first: batches begin in order
        if task is None and start_new and self._new:
            task = self._begin(self._new.popleft())
        return task

    def speculative_task(self) -> Task | None:
        """Return a fit that is needed unless its trials are given up first: work for an idle
        worker."""
        return self._next_of(self._spare)

    def record(self, task: Task, told: Sequence[Told]) -> None:
        """Take what a task told, one outcome or assessment a trial of the task."""
        batch = self._open.get(task.batch)
        if batch is None:
            return
        finished = []
        for number, one in zip(task.trials, told, strict=True):
            trial = batch.waiting.get(number)
            if trial is None:
                continue
            if isinstance(one, Assessment):
                trial.complete(self._objectives, one)
                finished.append(trial)
            else:
                assert task.fold is not None
                trial.outcomes[task.fold] = one
        finished = finished or [
            trial for trial in batch.waiting.values() if self._judge(trial, batch.judge)
        ]
        self._conclude(batch, finished)

    def record_failure(self, task: Task, error: str) -> None:
        """Take note that a fit failed: its trials have failed."""
        batch = self._open.get(task.batch)
        if batch is None:
            return
        failed = [batch.waiting[number] for number in task.trials if number in batch.waiting]
        for trial in failed:
            trial.state, trial.error = "failed", error
        self._conclude(batch, failed)

    def take_finished(self) -> list[Trial]:
        """Return the trials that got their result since the last call, but those taken from
        `stored`."""
        finished, self._finished = self._finished, []
        return finished

    # asking

    def _ask_while_allowed(self) -> None:
        while not self._exhausted and self._told_up_to_lag():
            left = (
                None
                if self._max_trials is None
                else self._max_trials - (len(self.trials) - self._n_free)
            )
            proposed = None if left == 0 else self._tuner.ask()
            if proposed is None:
                self._exhausted = True
            else:
                self._start(proposed[:left])

    def _told_up_to_lag(self) -> bool:
        """Tell the batch that the next one to be asked must know of; return whether that was
        possible."""
        due = self._n_asked - self._lag
        if due < self._n_told:
            return True
        if due not in self._ended:
            return False
        trials = self._ended.pop(due)
        self._tuner.tell(trials)
        self._rule.tell(trials)
        self._n_told += 1
        return True

    def _start(self, proposed: list[Configuration]) -> None:
        batch = _Batch(self._n_asked, self._rule.judge())
        self._n_asked += 1
        self._open[batch.number] = batch
        for params in proposed:
            self._add(batch, params, free=False)
        for params in [
            free
            for asked in proposed
            for free in (self._contained(asked) if self._contained else ())
        ]:
            if _key(params) not in self._by_params:
                self._add(batch, params, free=True)
        if batch.waiting:
            self._new.append(batch)
        self._close_if_ended(batch)

    def _add(self, batch: _Batch, params: Configuration, free: bool) -> None:
        trial = Trial(self._first_trial + len(self.trials), batch.number, params, free=free)
        self._n_free += free
        self.trials.append(trial)
        batch.trials.append(trial)
        self._take_known_result(trial)
        if trial.state is None and trial.duplicate_of is None:
            batch.waiting[trial.number] = trial

    def _take_known_result(self, trial: Trial) -> None:
        """Take the result from an equal configuration or from an earlier run, if there is one."""
        record = self._stored.pop(trial.number, None)
        if record and record.params != trial.params:
            self._on_mismatch(record, trial.params)
            record = None
        original = self._by_params.setdefault(_key(trial.params), trial)
        if original is not trial:
            trial.duplicate_of = original.number
            if original.state:
                trial.take_result(original)
                self._finished.append(trial)
            else:
                self._duplicates.setdefault(original.number, []).append(trial)
        elif record:
            trial.take_record(record, self._objectives)
        if trial.state:
            self._count(trial)

    # handing out

    def _begin(self, batch: _Batch) -> Task:
        self._n_under_way += 1
        others = self._spare if batch.judge else self._ready
        for fold in range(1, self._n_folds):
            heapq.heappush(others, (batch.number, fold))
        return self._task(batch, 0)

    def _next_of(self, heap: list[tuple[int, int]]) -> Task | None:
        while heap:
            number, fold = heapq.heappop(heap)
            batch = self._open.get(number)
            if batch and batch.waiting and fold not in batch.submitted:
                return self._task(batch, fold)
        return None

    def _task(self, batch: _Batch, fold: int) -> Task:
        batch.submitted.add(fold)
        if fold == self._n_folds:
            return _assessment(batch)
        if self._path is None or self._path not in batch.trials[0].params:
            trial = next(iter(batch.waiting.values()))
            return FoldTask(batch.number, fold, trial.params, (), (0,), (trial.number,))
        path = self._path
        alive = sorted(batch.waiting.values(), key=lambda trial: _order(trial.params[path]))
        # a warm start comes through the smaller values: they are the same whoever of them is still
        # alive
        values = sorted((trial.params[path] for trial in batch.trials), key=_order)
        values = values[: values.index(alive[-1].params[path]) + 1]
        wanted = tuple(values.index(trial.params[path]) for trial in alive)
        numbers = tuple(trial.number for trial in alive)
        return FoldTask(batch.number, fold, alive[-1].params, tuple(values), wanted, numbers)

    # judging and telling

    def _judge(self, trial: Trial, judge: Judge | None) -> bool:
        """Judge fold after fold, as far as there are outcomes; return whether the trial is
        finished."""
        while trial.state is None and (fold := len(trial.fold_scores)) in trial.outcomes:
            trial.fold_scores.append(judged(trial.outcomes[fold], self._objectives, self.assessed))
            if fold + 1 == self._n_folds:
                if not self.assessed:
                    trial.complete(self._objectives)
            elif judge and judge.condemns(trial.fold_scores):
                trial.state = "pruned"
        return trial.state is not None

    def _conclude(self, batch: _Batch, finished: list[Trial]) -> None:
        for trial in finished:
            del batch.waiting[trial.number]
        if batch.waiting:
            fold = min(len(trial.fold_scores) for trial in batch.waiting.values())
            heapq.heappush(self._ready, (batch.number, fold))
        settled = finished + self._duplicates_of(finished)
        for trial in settled:
            self._count(trial)
            self._finished.append(trial)
        for trial in settled:
            if trial.batch in self._open:
                self._close_if_ended(self._open[trial.batch])

    def _duplicates_of(self, finished: list[Trial]) -> list[Trial]:
        """Give waiting duplicates their result."""
        settled = []
        for original in finished:
            for trial in self._duplicates.pop(original.number, ()):
                trial.take_result(original)
                settled.append(trial)
        return sorted(settled, key=lambda trial: trial.number)

    def _count(self, trial: Trial) -> None:
        assert trial.state is not None
        self.counts[trial.state] += not trial.free
        if trial.state == "complete" and (self.best is None or _rank(trial) > _rank(self.best)):
            self.best = trial

    def _close_if_ended(self, batch: _Batch) -> None:
        if all(trial.state for trial in batch.trials):
            self._ended[batch.number] = self._open.pop(batch.number).trials
            self._n_under_way -= bool(batch.submitted)


def _assessment(batch: _Batch) -> AssessmentTask:
    trials = list(batch.waiting.values())
    handles = tuple(
        tuple(t.outcomes[fold].probabilities for fold in sorted(t.outcomes)) for t in trials
    )
    return AssessmentTask(batch.number, tuple(trial.number for trial in trials), handles)


def _rank(trial: Trial) -> tuple[float, int]:
    return trial.scores[0], -trial.number


def _key(params: Configuration) -> tuple[object, ...]:
    return tuple((name, type(value), value) for name, value in sorted(params.items()))


def _order(value: Scalar) -> float:
    """Path parameters are numbers."""
    assert isinstance(value, int | float)
    return float(value)
