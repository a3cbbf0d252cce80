"""How many tasks a study has had, and how many it will still need."""

from collections.abc import Collection
from typing import NamedTuple

from tuner_job.search.trial import Trial

USUAL = 0.8
"""Share of its tasks that a trial has which may be given up, before any such trial has ended."""
_WEIGHT = 3
"""For how many trials that counts."""


class Effort(NamedTuple):
    """Tasks of a study; a trial that runs to its end has one a fold, and one if it is assessed."""

    done: float
    left: float
    """As far as can be told; 0 once all trials have ended."""


class EffortCount:
    """Counts the tasks of trials that have ended.

    Parameters
    ----------
    n_tasks
        Tasks of a trial that runs to its end.
    stops
        Whether trials are given up.
    """

    def __init__(self, n_tasks: int, stops: bool):
        self.n_tasks, self._stops = n_tasks, stops
        self._n_ended = self._n_judged = self._n_of_judged = self._n_done = 0

    def add(self, trial: Trial, assessed: bool, judged: bool) -> None:
        """Count a trial that has ended: one that repeats another has had none.

        Parameters
        ----------
        judged
            Whether it could have been given up.
        """
        own = trial.duplicate_of is None
        n = (len(trial.fold_scores) + (assessed and trial.state == "complete")) if own else 0
        self._n_ended += 1
        self._n_done += n
        if judged:
            self._n_judged += 1
            self._n_of_judged += n

    def effort(self, planned: int, free: Collection[Trial], others: Collection[Trial]) -> Effort:
        """Estimate from the trials that have ended.

        Parameters
        ----------
        planned
            Trials of the whole search.
        free, others
            Trials under way: those that cannot be given up, and all others.
        """
        ahead = sum(len(trial.outcomes) for trial in (*free, *others))
        to_come = max(0, planned - self._n_ended - len(free))
        expected = self._of_judged() if self._stops else float(self.n_tasks)
        full = sum(self.n_tasks - len(trial.outcomes) for trial in free)
        rest = sum(max(0.0, expected - len(trial.outcomes)) for trial in others)
        left = full + rest + expected * max(0, to_come - len(others))
        return Effort(self._n_done + ahead, left if planned > self._n_ended else 0.0)

    def _of_judged(self) -> float:
        """Tasks that a trial has which may be given up."""
        known = USUAL * self.n_tasks * _WEIGHT + self._n_of_judged
        return known / (_WEIGHT + self._n_judged)
