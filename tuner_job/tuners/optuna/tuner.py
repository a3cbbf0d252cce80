"""Optuna's samplers under ask and tell."""

from collections.abc import Sequence

import optuna
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from tuner_job.results.records import TrialRecord
from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration, DeadEndError, SearchSpace
from tuner_job.tuners.optuna.recall import Recall
from tuner_job.tuners.optuna.translation import STATES, frozen_trial, running_means, suggest

MODELLED_TRIALS = 3000
"""Finished trials that TPE makes its model of, at most: what a suggestion costs grows with them."""


class OptunaTuner:
    """Any Optuna sampler under ask and tell; TPE with one objective recalls `MODELLED_TRIALS` at most."""

    def __init__(self, space: SearchSpace, sampler: BaseSampler, n_objectives: int):
        self._space = space
        bounded = n_objectives == 1 and isinstance(sampler, TPESampler)
        storage = Recall(MODELLED_TRIALS) if bounded else InMemoryStorage()
        self._study = optuna.create_study(directions=["maximize"] * n_objectives, sampler=sampler, storage=storage)
        self._asked: dict[int, optuna.trial.Trial] = {}  # and not told, by number
        self._n_asked = 0

    @property
    def trials(self) -> list[FrozenTrial]:
        """What the sampler knows, trials that were not asked for included."""
        return self._study.get_trials(deepcopy=False)

    def ask(self) -> list[Configuration]:
        """Propose one configuration; there is always another."""
        while True:
            trial = self._study.ask()
            try:
                configuration = self._space.walk(lambda name, p, t=trial: suggest(t, name, p))  # type: ignore[misc]
            except DeadEndError:  # `forbid` leaves no value for what was chosen so far
                self._study.tell(trial, state=TrialState.FAIL)
                continue
            self._asked[self._n_asked] = trial  # the study makes a batch of each
            self._n_asked += 1
            return [configuration]

    def remember(self, records: Sequence[TrialRecord], objective: str) -> None:
        """Learn trials that were not asked here: those of an earlier run."""
        self._study.add_trials([frozen_trial(self._space, Trial.of(record, [objective]), 1) for record in records])

    def tell(self, trials: Sequence[Trial]) -> None:
        """Hand the result to Optuna, fold scores included where there is one objective."""
        for trial in trials:
            if trial.free:
                self._study.add_trial(frozen_trial(self._space, trial, len(self._study.directions)))
                continue
            asked = self._asked.pop(trial.batch)
            if len(self._study.directions) == 1:
                for fold, mean in enumerate(running_means(trial.fold_scores)):
                    asked.report(mean, fold)
            complete = trial.state == "complete"
            self._study.tell(asked, trial.scores if complete else None, state=STATES[trial.state or "failed"])
