"""A study: the search of one model, as a state machine that knows nothing of workers.

It asks its sampler, hands out tasks, takes outcomes, gives up poor trials and tells the sampler.
What it decides depends on outcomes only, never on when or in which order they arrive:

* batch b is opened when exactly the batches up to b - lag have been told, in order, even if later
  ones have ended by then; a sampler that learns is asked for it then, another one earlier;
* whether a trial of batch b goes on after a fold is judged by what was known when b was opened;
* where trials are assessed as a whole, that is one task more, once all folds are there;
* outcomes of folds that ran ahead of such a judgement are dropped if it goes against the trial.

A fit that goes through the configurations of other trials, be they still to come, scores them too.
They keep their numbers, and what they score is what a fit of their own would give, so nothing of
the search depends on it.
"""

import heapq
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from tuner_job.evaluation.assessment import Assessment
from tuner_job.records import TrialRecord, TrialState
from tuner_job.search.batch import AlikeTrials, Batch, Draws
from tuner_job.search.early_stopping import Judge, NeverStop, StoppingRule
from tuner_job.search.effort import Effort, EffortCount
from tuner_job.search.known import KnownResults, OnMismatch
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.base import Sampler
from tuner_job.search.trial import Task, TaskResult, Trial

AHEAD = 100
"""Batches that are drawn before they are opened, at most, so that fits under way can score them."""


class Study:
    """The search of one model.

    Parameters
    ----------
    stored
        Trials that an earlier run finished, by number: their results are taken, not computed again.
    on_mismatch
        Called with a stored trial that is not the one proposed, or of another batch, and what is
        proposed: the stored result is not taken.
    known
        Trials that other experiments ran, before any of this one: sampler and stopping rule know of
        them from the beginning, and a proposal that equals one has its result.
    """

    def __init__(
        self,
        plan: StudyPlan,
        sampler: Sampler,
        rule: StoppingRule,
        stored: Mapping[int, TrialRecord] | None = None,
        on_mismatch: OnMismatch = lambda record, proposed: None,
        known: Sequence[Trial] = (),
    ):
        self.name, self.model, self.assessed = plan.name, plan.model, plan.assessed
        self.trials: list[Trial] = []
        """Those of batches that were opened."""
        self.counts: Counter[TrialState] = Counter()
        """Finished trials by state."""
        self.best: Trial | None = None
        """The complete trial with the highest first objective; of equals, the earliest."""
        self._plan, self._sampler, self._rule = plan, sampler, rule
        self._draws = Draws(sampler, plan.path, plan.max_trials, plan.first_trial)
        self._known = KnownResults(stored or {}, plan.objectives, on_mismatch)
        self._finished: list[Trial] = []
        self._batches: dict[int, Batch] = {}  # drawn, and not ended
        self._ended: dict[int, list[Trial]] = {}  # batches that have ended and are not told yet
        self._n_opened = self._n_told = 0  # batches
        self._ahead: deque[Batch] = deque()  # batches that are not opened
        self._new: deque[Batch] = deque()  # batches that are opened and have not begun
        self._n_under_way = 0
        # heaps of (batch, fold) of batches that have begun: must run; may turn out not to be needed
        self._ready: list[tuple[int, int]] = []
        self._spare: list[tuple[int, int]] = []
        self._unfinished: dict[int, Trial] = {}  # by number, those that are drawn only too
        self._ran = EffortCount(self.n_tasks, stops=not isinstance(rule, NeverStop))
        self._alike: AlikeTrials | None = None
        if plan.path and plan.nested and not sampler.learns:
            self._alike = AlikeTrials(plan.path)
        self._learn(known)

    @property
    def done(self) -> bool:
        """Whether every configuration has its result."""
        return self._draws.exhausted and not self._batches

    @property
    def n_tasks(self) -> int:
        """Tasks of a trial that runs to its end."""
        return self._plan.n_folds + self.assessed

    def effort(self, planned: int) -> Effort:
        """Tell how many tasks it has had and will need, if it is to have so many trials."""
        under_way = list(self._unfinished.values())  # at once: another thread may ask
        lag = self._plan.lag
        free = [trial for trial in under_way if trial.batch < lag]
        return self._ran.effort(planned, free, [t for t in under_way if t.batch >= lag])

    @property
    def n_under_way(self) -> int:
        """Batches that have begun and not ended."""
        return self._n_under_way

    @property
    def n_fits_at_once(self) -> int:
        """Fits that may be under way at once, at most."""
        return self._plan.lag * self._plan.n_folds

    def next_task(self, start_new: bool = True) -> Task | None:
        """Return the next task that is needed; None if all depends on tasks that are running, or is
        done.

        Without `start_new` it belongs to a batch that has begun.
        """
        self._open_while_allowed()
        task = self._next_of(self._ready)
        while task is None and start_new and self._new:  # batches begin in order
            self._begin(self._new.popleft())
            task = self._next_of(self._ready)
        return task

    def speculative_task(self) -> Task | None:
        """Return a fit that is needed unless its trials are given up first: work for an idle
        worker."""
        return self._next_of(self._spare)

    def record(self, task: Task, told: Sequence[TaskResult]) -> None:
        """Take what a task told, one outcome or assessment a trial of the task."""
        assessed, served = [], dict[int, Batch]()
        for number, one in zip(task.trials, told, strict=True):
            trial = self._unfinished.get(number)
            if trial is None:
                continue
            if isinstance(one, Assessment):
                trial.complete(self._plan.objectives, one)
                assessed.append(trial)
            else:
                assert task.fold is not None
                trial.outcomes[task.fold] = one
                served[trial.batch] = self._batches[trial.batch]
        if assessed:
            self._conclude(self._batches[task.batch], assessed)
        for batch in served.values():
            self._judge_all(batch)

    def record_failure(self, task: Task, error: str) -> None:
        """Take note that a task failed: its trial has failed, once all folds before have had their
        say, as the trial may be given up by one; several that it served need one each, as any of
        them may be at fault."""
        trials = [self._unfinished[number] for number in task.trials if number in self._unfinished]
        own = [trial for trial in trials if trial.batch == task.batch]
        fold = self._plan.n_folds if task.fold is None else task.fold
        batch = self._batches.get(task.batch)
        if batch and batch.has_several(task.trials):  # whoever of them has ended meanwhile
            batch.alone[fold] = [trial.number for trial in own]
            ahead = batch.judge and batch.waiting and batch.next_fold < fold < self._plan.n_folds
            for _ in own:
                heapq.heappush(self._spare if ahead else self._ready, (batch.number, fold))
        elif batch and own:
            (trial,) = own
            if task.fold is None:
                trial.fail(error)
            else:
                trial.failures[fold] = error
            self._conclude(batch, own if self._judge(trial, batch.judge) else [])
        for trial in trials:
            if trial.batch != task.batch:
                self._hand_back(self._batches[trial.batch], fold)

    def take_finished(self) -> list[Trial]:
        """Return the trials that got their result since the last call, but those taken from
        `stored`."""
        finished, self._finished = self._finished, []
        return finished

    def _learn(self, known: Sequence[Trial]) -> None:
        """Know of the trials of other experiments."""
        self._sampler.learn(known)
        for trial in known:
            self._known.learn(trial)
            if len(trial.fold_scores) == self._plan.n_folds:
                self._rule.tell([trial])
            if trial.state == "complete" and (self.best is None or _rank(trial) > _rank(self.best)):
                self.best = trial

    # drawing and opening

    def _open_while_allowed(self) -> None:
        while self._told_up_to_lag():
            self._draw()
            if not self._ahead:
                return
            self._open(self._ahead.popleft())

    def _told_up_to_lag(self) -> bool:
        """Tell the batch that the next one to be opened must know of; return whether that was
        possible."""
        due = self._n_opened - self._plan.lag
        if due < self._n_told:
            return True
        if due not in self._ended:
            return False
        trials = self._ended.pop(due)
        self._sampler.tell(trials)
        self._rule.tell(trials)
        self._n_told += 1
        return True

    def _draw(self) -> None:
        """Have a batch ahead, or as many as fits under way may score."""
        wanted = 1 + AHEAD if self._alike else 1
        while len(self._ahead) < wanted and (batch := self._draws.next()):
            self._ahead.append(batch)
            self._batches[batch.number] = batch
            self._unfinished |= {trial.number: trial for trial in batch.trials}
            first = batch.trials[0]
            if self._alike and len(batch.values) == 1 and not self._known.knows(first.params):
                self._alike.add(first)

    def _open(self, batch: Batch) -> None:
        batch.judge = self._rule.judge()
        self._n_opened += 1
        for trial in batch.trials:
            self.trials.append(trial)
            self._known.give(trial)
            if trial.state is None and trial.duplicate_of is None:
                batch.waiting[trial.number] = trial
                continue
            self._forget(trial)
            if trial.state:
                self._count(trial)
                self._finished += [trial] if trial.duplicate_of is not None else []
        if batch.waiting:
            self._new.append(batch)
        self._judge_all(batch)
        self._close_if_ended(batch)

    def _forget(self, trial: Trial) -> None:
        """No fit is needed for a trial any more."""
        self._unfinished.pop(trial.number, None)
        if self._alike:
            self._alike.remove(trial)

    # handing out

    def _begin(self, batch: Batch) -> None:
        if not batch.waiting:  # it ended by other trials' fits
            return
        batch.begun = True
        self._n_under_way += 1
        heapq.heappush(self._ready, (batch.number, batch.next_fold))
        others = self._spare if batch.judge else self._ready
        for fold in range(1, self._plan.n_folds):
            heapq.heappush(others, (batch.number, fold))

    def _next_of(self, heap: list[tuple[int, int]]) -> Task | None:
        while heap:
            number, fold = heapq.heappop(heap)
            batch = self._batches.get(number)
            if batch and batch.waiting and (task := self._task(batch, fold)):
                return task
        return None

    def _hand_back(self, batch: Batch, fold: int) -> None:
        """A fold that was handed out with another trial's fit must be handed out again."""
        batch.submitted.discard(fold)
        if batch.begun:
            heapq.heappush(self._ready, (batch.number, fold))

    def _task(self, batch: Batch, fold: int) -> Task | None:
        """Make a task of a fold that was not handed out, or that a member has to try alone."""
        again = fold in batch.submitted
        own = batch.take_alone(fold) if again else [*batch.waiting.values()]
        if not own:
            return None
        batch.submitted.add(fold)
        if fold == self._plan.n_folds:
            return batch.assessment(own)
        passengers = [] if again else self._passengers(batch.trials[0], fold)
        return batch.fit(own, fold, self._plan.path, passengers)

    def _passengers(self, trial: Trial, fold: int) -> list[Trial]:
        """Find the trials of other batches that a fit scores on its way; they need none then."""
        found = [
            other
            for other in (self._alike.smaller(trial) if self._alike else ())
            if fold not in self._batches[other.batch].submitted
            and not self._known.are_stored(other.number)
        ]
        for other in found:
            self._batches[other.batch].submitted.add(fold)
        return found

    # judging and telling

    def _judge(self, trial: Trial, judge: Judge | None) -> bool:
        """Judge fold after fold, as far as there are outcomes; return whether the trial is
        finished."""
        while trial.state is None:
            fold = len(trial.fold_scores)
            if (failed := trial.failure_at(fold, in_turn=judge is not None)) is not None:
                trial.fail(failed)
                break
            if fold not in trial.outcomes:
                break
            trial.judge(fold)
            if fold + 1 == self._plan.n_folds:
                if not self.assessed:
                    trial.complete(self._plan.objectives)
            elif judge and judge.condemns(trial.fold_scores):
                trial.prune()
        return trial.state is not None

    def _judge_all(self, batch: Batch) -> None:
        waiting = list(batch.waiting.values())
        self._conclude(batch, [trial for trial in waiting if self._judge(trial, batch.judge)])

    def _conclude(self, batch: Batch, finished: list[Trial]) -> None:
        for trial in finished:
            del batch.waiting[trial.number]
            self._forget(trial)
        if batch.begun and batch.waiting:
            heapq.heappush(self._ready, (batch.number, batch.next_fold))
        settled = finished + self._known.settle(finished)
        for trial in settled:
            self._count(trial)
            self._finished.append(trial)
        for trial in settled:
            if trial.batch in self._batches:
                self._close_if_ended(self._batches[trial.batch])

    def _count(self, trial: Trial) -> None:
        assert trial.state is not None
        self.counts[trial.state] += 1
        self._ran.add(trial, self.assessed, judged=trial.batch >= self._plan.lag)
        if trial.state == "complete" and (self.best is None or _rank(trial) > _rank(self.best)):
            self.best = trial

    def _close_if_ended(self, batch: Batch) -> None:
        if batch.number in self._batches and all(trial.state for trial in batch.trials):
            self._ended[batch.number] = self._batches.pop(batch.number).trials
            self._n_under_way -= batch.begun


def _rank(trial: Trial) -> tuple[float, int]:
    return trial.scores[0], -trial.number
