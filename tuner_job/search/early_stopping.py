"""Rules that give up a configuration before its last fold."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tuner_job.search.trial import FoldScores, Trial


class Judge(Protocol):
    """A rule with what it knew at one moment: judges trials by their fold scores alone."""

    def condemns(self, fold_scores: FoldScores) -> bool:
        """Whether a trial with these scores on its first folds need not run the others."""


class StoppingRule(Protocol):
    """Learns from finished trials, in order, and makes judges."""

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn how a batch of trials ended."""

    def judge(self) -> Judge | None:
        """Return a judge that knows what was told so far; None if nobody can be condemned on
        that."""


class NeverStop:
    """Every configuration runs all its folds."""

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing to learn."""

    def judge(self) -> Judge | None:
        """Nobody is condemned."""
        return None


class PairedTest:
    """Give up a trial whose folds so far make it implausible that it ends above the best one.

    Both ran on the same folds, so their scores are compared pair by pair. Let d be the mean
    difference to the best trial over n of N folds. If the trial were to end level with it, d would
    have mean 0 and variance σ²(1/n − 1/N): the folds are drawn without replacement from those N
    that decide. It is given up if d lies below the Student-t quantile of `level`. σ² is pooled over
    all complete trials' differences to the best one, which is what lets one fold be enough; trials
    that share a fit with the best one are left out, as they would make σ² look small.

    Where a fold's score has several values, a trial is given up if it is that far behind in all of
    them: behind the best one where there is one objective (seen in several ways), behind any
    complete trial otherwise.

    Parameters
    ----------
    level
        One-sided level of each single test, 0 to 0.5.
    n_folds
        N.
    n_values
        How many values a fold's score has.
    n_objectives
        How many objectives there are.
    """

    MIN_TRIALS = 3  # that σ² is pooled over

    def __init__(self, level: float, n_folds: int, n_values: int = 1, n_objectives: int = 1):
        self.level, self._single = level, n_objectives == 1
        self._scores = np.empty((64, n_folds, n_values))
        self._final = np.empty(64)
        self._batches = np.empty(64, dtype=np.int64)
        self._variances = np.empty((64, n_values))  # over folds, of the difference to the best one
        self._n = self._best = 0

    def tell(self, trials: Sequence[Trial]) -> None:
        """Keep the fold scores of complete trials, unless an earlier version did not keep them."""
        for trial in trials:
            whole = len(trial.fold_scores) == self._scores.shape[1]
            if trial.state != "complete" or trial.duplicate_of is not None or not whole:
                continue
            if self._n == len(self._scores):
                self._scores, self._final, self._batches, self._variances = (
                    np.concatenate([a, np.empty_like(a)])
                    for a in (self._scores, self._final, self._batches, self._variances)
                )
            self._scores[self._n] = trial.fold_scores
            self._batches[self._n] = trial.batch
            self._final[self._n] = trial.scores[0]
            self._n += 1
            if self._single:
                self._compare_with_best()

    def _compare_with_best(self) -> None:
        """Take in the trial told last; all others anew only if it is the best one now."""
        new, first = self._n - 1, self._n - 1
        if self._final[new] > self._final[self._best]:
            self._best, first = new, 0
        self._variances[first : self._n] = self._variances_to(self._best, first)

    def _variances_to(self, rival: int, first: int = 0) -> NDArray[np.float64]:
        """Variance over folds of the differences to a rival, (n_trials, n_values), of trials
        from `first` on."""
        differences = self._scores[first : self._n] - self._scores[rival]
        return np.asarray(differences.var(axis=1, ddof=1))

    def judge(self) -> Judge | None:
        """Compare with the best trial so far, or with each one where there are several
        objectives."""
        if not self._n:
            return None
        best = [self._best] if self._single else range(self._n)
        rivals = [
            _Rival(self._scores[i].copy(), reach)
            for i in best
            if (reach := self._reach(i)) is not None
        ]
        return _AgainstRivals(rivals) if rivals else None

    def _reach(self, rival: int) -> NDArray[np.float64] | None:
        """How far behind a trial may be after 1 … N folds, (N, n_values)."""
        batches, n_folds = self._batches[: self._n], self._scores.shape[1]
        others = batches != batches[rival]
        n_others = int(others.sum())
        if n_others < self.MIN_TRIALS:
            return None
        from scipy.special import stdtrit  # takes a quarter of a second to import

        variances = self._variances[: self._n] if self._single else self._variances_to(rival)
        variance = variances[others].mean(axis=0)
        n = np.arange(1, n_folds + 1)
        quantile = stdtrit(n_others * (n_folds - 1), 1 - self.level)
        return np.asarray(quantile * np.sqrt(variance * (1 / n - 1 / n_folds)[:, None]))


class _Rival:
    def __init__(self, scores: NDArray[np.float64], reach: NDArray[np.float64]):
        self.scores, self.reach = scores, reach

    def out_of_reach(self, fold_scores: NDArray[np.float64]) -> bool:
        n = len(fold_scores)
        behind = self.scores[:n].mean(axis=0) - fold_scores.mean(axis=0)
        return bool(((behind > 0) & (behind > self.reach[n - 1])).all())


class _AgainstRivals:
    def __init__(self, rivals: list[_Rival]):
        self._rivals = rivals

    def condemns(self, fold_scores: FoldScores) -> bool:
        scores = np.array(fold_scores)
        return any(rival.out_of_reach(scores) for rival in self._rivals)
