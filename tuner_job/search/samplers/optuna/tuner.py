"""Optuna's samplers under ask and tell."""

import itertools
from collections.abc import Sequence
from functools import partial

import optuna
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from tuner_job.records import TrialRecord
from tuner_job.search.samplers.optuna.recall import Recall
from tuner_job.search.samplers.optuna.translation import (
    STATES,
    frozen_trial,
    running_means,
    suggest,
)
from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration, DeadEndError, SearchSpace
from tuner_job.search_space.space import DEAD_ENDS

MODELLED_TRIALS = 3000
"""Finished trials that TPE makes its model of, at most: what a suggestion costs grows with them."""


class OptunaTuner:
    """Any Optuna sampler under ask and tell; TPE with one objective recalls `MODELLED_TRIALS` at
    most."""

    def __init__(self, space: SearchSpace, sampler: BaseSampler, n_objectives: int):
        self._space = space
        bounded = n_objectives == 1 and isinstance(sampler, TPESampler)
        self._storage = Recall(MODELLED_TRIALS) if bounded else InMemoryStorage()
        self._study = optuna.create_study(
            directions=["maximize"] * n_objectives, sampler=sampler, storage=self._storage
        )
        self._asked: dict[int, optuna.trial.Trial] = {}  # and not told, by number
        self._n_asked = 0

    @property
    def trials(self) -> list[FrozenTrial]:
        """What the sampler knows."""
        return self._study.get_trials(deepcopy=False)

    def ask(self) -> list[Configuration]:
        """Propose one configuration; there is always another."""
        for attempt in itertools.count():
            trial = self._study.ask()
            try:
                configuration = self._space.walk(
                    partial(suggest, trial), ahead=attempt >= DEAD_ENDS
                )
            except DeadEndError:  # `forbid` leaves no value for what was chosen so far
                self._study.tell(trial, state=TrialState.FAIL)
                continue
            if self._space.forbid:  # a forbidden value of a range was left for the one beside it
                self._become(trial, Trial(self._n_asked, self._n_asked, configuration))
            self._asked[self._n_asked] = trial  # the study makes a batch of each
            self._n_asked += 1
            return [configuration]
        raise AssertionError

    def remember(self, records: Sequence[TrialRecord], objective: str) -> None:
        """Learn trials that were not asked here: those of an earlier run."""
        held = [
            Trial.of(record, [objective]) for record in records if self._space.holds(record.params)
        ]
        self._study.add_trials([frozen_trial(self._space, trial, 1) for trial in held])

    def tell(self, trials: Sequence[Trial]) -> None:
        """Hand the results of one fit to Optuna, fold scores included where there is one objective.

        With one objective the trial that was asked becomes the best configuration that its fit went
        through: told of all of them, TPE would take a fit's many likenesses for many good places
        and stay with the first fits.
        """
        first, *free = trials
        asked = self._asked.pop(first.batch)
        if len(self._study.directions) == 1:
            complete = [trial for trial in trials if trial.state == "complete"]
            first, free = max(complete, key=lambda trial: trial.scores[0], default=first), []
            self._become(asked, first)
            for fold, mean in enumerate(running_means(first.fold_scores)):
                asked.report(mean, fold)
        scores = first.scores if first.state == "complete" else None
        self._study.tell(asked, scores, state=STATES[first.state or "failed"])
        for trial in free:
            self._study.add_trial(frozen_trial(self._space, trial, len(self._study.directions)))

    def _become(self, asked: optuna.trial.Trial, trial: Trial) -> None:
        """Change the parameters of a trial that Optuna asked for to those of another."""
        own = asked.params
        other = frozen_trial(self._space, trial, 1)
        for name, value in other.params.items():
            if own.get(name) != value:
                distribution = other.distributions[name]
                internal = distribution.to_internal_repr(value)
                self._storage.set_trial_param(asked._trial_id, name, internal, distribution)
