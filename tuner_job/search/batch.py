"""Trials that share their fits, and the tasks that they need."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tuner_job.search.early_stopping import Judge
from tuner_job.search.samplers.base import Sampler
from tuner_job.search.samplers.batches import same_fit
from tuner_job.search.trial import AssessmentTask, FoldTask, Trial
from tuner_job.search_space import Scalar


@dataclass(slots=True)
class Batch:
    """One proposal of a sampler: a configuration, or several that differ in the path parameter."""

    number: int
    trials: list[Trial]
    values: list[Scalar]
    """Values of the path parameter that were proposed, ascending."""
    begun: bool = False
    """Whether tasks of its own were handed out."""
    judge: Judge | None = None
    waiting: dict[int, Trial] = field(default_factory=dict)
    """Members that need fits, by number."""
    submitted: set[int] = field(default_factory=set)
    """Folds handed out; the number after the last one is the assessment."""
    alone: dict[int, list[int]] = field(default_factory=dict)
    """Fold whose task failed → members that have to try it without the others, by number."""

    @property
    def next_fold(self) -> int:
        """The first fold that a waiting member was not judged on."""
        return min(len(trial.fold_scores) for trial in self.waiting.values())

    def has_several(self, numbers: Collection[int]) -> bool:
        """Whether several of these trials are members."""
        return sum(trial.number in numbers for trial in self.trials) > 1

    def take_alone(self, fold: int) -> list[Trial]:
        """The next member that has to try a fold alone, if there is one."""
        while numbers := self.alone.get(fold):
            if trial := self.waiting.get(numbers.pop(0)):
                return [trial]
        return []

    def fit(
        self, own: Sequence[Trial], fold: int, path: str | None, passengers: Sequence[Trial]
    ) -> FoldTask:
        """Make the task of one fold for some members, which scores `passengers` of other batches
        too."""
        first = own[0]
        if path is None or path not in first.params:
            return FoldTask(self.number, fold, first.params, (), (0,), (first.number,))
        trials = sorted([*own, *passengers], key=lambda trial: size_of(trial.params[path]))
        largest = trials[-1].params
        passed = [value for value in self.values if size_of(value) <= size_of(largest[path])]
        values = sorted({*passed, *(trial.params[path] for trial in trials)}, key=size_of)
        wanted = tuple(values.index(trial.params[path]) for trial in trials)
        numbers = tuple(trial.number for trial in trials)
        return FoldTask(self.number, fold, largest, tuple(values), wanted, numbers)

    def assessment(self, own: Sequence[Trial]) -> AssessmentTask:
        """Make the task that judges some members as wholes."""
        handles = tuple(
            tuple(trial.outcomes[fold].point for fold in sorted(trial.outcomes)) for trial in own
        )
        return AssessmentTask(self.number, tuple(trial.number for trial in own), handles)


class AlikeTrials:
    """Unfinished trials of batches of one, by the fit that could score them."""

    def __init__(self, path: str):
        self._path = path
        self._by_fit: dict[object, list[Trial]] = {}

    def add(self, trial: Trial) -> None:
        """Take in a trial."""
        if self._path in trial.params:
            self._by_fit.setdefault(same_fit(self._path, trial.params), []).append(trial)

    def remove(self, trial: Trial) -> None:
        """Leave a trial out, if it is there."""
        fit = same_fit(self._path, trial.params)
        alike = [other for other in self._by_fit.pop(fit, ()) if other is not trial]
        if alike:
            self._by_fit[fit] = alike

    def smaller(self, trial: Trial) -> list[Trial]:
        """Find the trials whose configurations the fit of a trial goes through.

        Only smaller values: what a fit costs, and whether it fails, is for its own trial to say.
        """
        alike = self._by_fit.get(same_fit(self._path, trial.params), ())
        own = size_of(trial.params[self._path]) if alike else 0.0
        return [other for other in alike if size_of(other.params[self._path]) < own]


def size_of(value: Scalar) -> float:
    """Return a value of a path parameter, which is a number."""
    assert isinstance(value, int | float)
    return float(value)


class Draws:
    """A sampler's proposals as batches of trials, numbered in the order drawn.

    Parameters
    ----------
    max_trials, first_trial
        As in `Study`.
    """

    def __init__(
        self, sampler: Sampler, path: str | None, max_trials: int | None, first_trial: int
    ):
        self.exhausted = False
        """Whether nothing is left to draw."""
        self._sampler, self._path, self._max_trials = sampler, path, max_trials
        self._first_trial = first_trial
        self._n_batches = self._n_trials = 0

    def next(self) -> Batch | None:
        """Draw another batch; None if nothing is left."""
        limit = self._max_trials
        left = None if limit is None else limit - self._n_trials
        proposed = None if self.exhausted or left == 0 else self._sampler.ask()
        if proposed is None:
            self.exhausted = True
            return None
        first, number = self._first_trial + self._n_trials, self._n_batches
        trials = [Trial(first + i, number, params) for i, params in enumerate(proposed[:left])]
        # a warm start comes through the smaller values: they are the same whoever is left out
        values = sorted((p[self._path] for p in proposed if self._path in p), key=size_of)
        self._n_batches += 1
        self._n_trials += len(trials)
        return Batch(number, trials, values)
