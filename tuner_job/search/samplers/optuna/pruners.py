"""Optuna's pruners as stopping rules."""

import warnings
from collections.abc import Sequence
from typing import cast

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner_job.search.early_stopping import Judge
from tuner_job.search.samplers.optuna.translation import running_means
from tuner_job.search.trial import FoldScores, Trial


class PrunerRule:
    """One of Optuna's pruners as a stopping rule: it sees the trials told so far and nothing
    else."""

    def __init__(self, name: str, level: float):
        self._wilcoxon = name == "wilcoxon"
        self.pruner: optuna.pruners.BasePruner
        if self._wilcoxon:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self.pruner = optuna.pruners.WilcoxonPruner(p_threshold=level)
        else:
            self.pruner = optuna.pruners.MedianPruner(n_startup_trials=5)
        self.told: list[FrozenTrial] = []

    def tell(self, trials: Sequence[Trial]) -> None:
        """Keep complete trials: both pruners compare with those only."""
        for trial in trials:
            if trial.state == "complete":
                self.told.append(
                    self.frozen(trial.fold_scores, TrialState.COMPLETE, trial.scores[0])
                )

    def judge(self) -> Judge | None:
        """Return a judge over the trials told so far."""
        return _PrunerJudge(self, len(self.told)) if self.told else None

    def frozen(
        self, fold_scores: FoldScores, state: TrialState, value: float | None = None
    ) -> FrozenTrial:
        """Put a trial in Optuna's form."""
        # Wilcoxon pairs the folds themselves; the median rule compares means so far
        steps = (
            [score for score, *_ in fold_scores] if self._wilcoxon else running_means(fold_scores)
        )
        return create_trial(state=state, value=value, intermediate_values=dict(enumerate(steps)))


class _PrunerJudge:
    """A pruner with the first `n_told` trials: to the pruner it looks like a study of those."""

    direction = optuna.study.StudyDirection.MAXIMIZE

    def __init__(self, rule: PrunerRule, n_told: int):
        self._rule, self._n_told = rule, n_told

    def condemns(self, fold_scores: FoldScores) -> bool:
        """Ask the pruner."""
        trial = self._rule.frozen(fold_scores, TrialState.RUNNING)
        return self._rule.pruner.prune(cast(optuna.Study, self), trial)

    def get_trials(
        self, deepcopy: bool = True, states: Sequence[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Trials known to this judge, all of them complete."""
        return self._rule.told[: self._n_told]

    @property
    def best_trial(self) -> FrozenTrial:
        """The best of them, the earliest of equals."""
        return max(self.get_trials(), key=lambda trial: trial.value or 0.0)
