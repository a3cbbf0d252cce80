"""Optuna's samplers under ask and tell."""

import itertools
from collections.abc import Sequence
from functools import partial

import optuna
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner_job.search.samplers.optuna.recall import Recall
from tuner_job.search.samplers.optuna.translation import (
    STATES,
    running_means,
    suggest,
    translated,
)
from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration, DeadEndError, SearchSpace
from tuner_job.search_space.space import DEAD_ENDS

MODELLED_TRIALS = 3000
"""Finished trials that TPE makes its model of, at most: what a suggestion costs grows with them."""


class OptunaSampler:
    """Any Optuna sampler under ask and tell; TPE with one objective recalls `MODELLED_TRIALS` at
    most."""

    learns = True

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

    def learn(self, known: Sequence[Trial]) -> None:
        """Add them to the study, as if it had asked for them."""
        for trial in known:
            named = translated(self._space, trial.params)
            self._study.add_trial(
                create_trial(
                    state=STATES[trial.state or "failed"],
                    values=trial.scores if trial.state == "complete" else None,
                    params={name: value for name, (value, _) in named.items()},
                    distributions={name: one for name, (_, one) in named.items()},
                    intermediate_values=dict(enumerate(self._means(trial))),
                )
            )

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
                self._become(trial, configuration)
            self._asked[self._n_asked] = trial  # the study makes a batch of each
            self._n_asked += 1
            return [configuration]
        raise AssertionError

    def tell(self, trials: Sequence[Trial]) -> None:
        """Hand a trial's result to Optuna, fold scores included where there is one objective."""
        (trial,) = trials
        asked = self._asked.pop(trial.batch)
        for fold, mean in enumerate(self._means(trial)):
            asked.report(mean, fold)
        scores = trial.scores if trial.state == "complete" else None
        self._study.tell(asked, scores, state=STATES[trial.state or "failed"])

    def _means(self, trial: Trial) -> list[float]:
        """What Optuna sees of a trial's folds, where there is one objective."""
        return running_means(trial.fold_scores) if len(self._study.directions) == 1 else []

    def _become(self, asked: optuna.trial.Trial, configuration: Configuration) -> None:
        """Change the parameters of a trial that Optuna asked for to those of a configuration."""
        own = asked.params
        for name, (value, distribution) in translated(self._space, configuration).items():
            if own.get(name) != value:
                internal = distribution.to_internal_repr(value)
                self._storage.set_trial_param(asked._trial_id, name, internal, distribution)
