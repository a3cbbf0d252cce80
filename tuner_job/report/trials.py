"""The trials of one study, sorted out by what became of them."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from math import fsum, isfinite

import numpy as np
from numpy.typing import NDArray

from tuner_job.records import (
    DEFAULT_TRIAL,
    CsmfEstimator,
    FoldRecord,
    Scores,
    TrialRecord,
    TrialState,
)
from tuner_job.report.text import number as score_text
from tuner_job.report.text import settings


class Trials:
    """The trials of one study.

    Parameters
    ----------
    records
        In any order; number -1 is the untuned default.
    objective
        The metric that the search maximised (the first of several).
    """

    def __init__(self, records: Sequence[TrialRecord], objective: str):
        self.objective = objective
        self._by_number = {
            record.trial: record for record in sorted(records, key=lambda r: r.trial)
        }

    def __contains__(self, number: int) -> bool:
        return number in self._by_number

    def __getitem__(self, number: int) -> TrialRecord:
        return self._by_number[number]

    @cached_property
    def searched(self) -> list[TrialRecord]:
        """All trials but the default, in the order of the search."""
        return [record for number, record in self._by_number.items() if number != DEFAULT_TRIAL]

    @cached_property
    def complete(self) -> list[TrialRecord]:
        """Searched trials with a score of their own."""
        return [t for t in self._own("complete") if isfinite(self.score(t))]

    @cached_property
    def assessed(self) -> bool:
        """Whether each complete trial is scored by a CSMF estimator of its own."""
        return any(record.csmf for record in self._by_number.values())

    @cached_property
    def pruned(self) -> list[TrialRecord]:
        """Searched trials that were given up before their last fold."""
        return self._own("pruned")

    @cached_property
    def failed(self) -> list[TrialRecord]:
        """Trials that ended in an error, the default too if it did."""
        default = self._by_number.get(DEFAULT_TRIAL)
        return ([default] if default and default.state == "failed" else []) + self._own("failed")

    @cached_property
    def repeated(self) -> dict[TrialState, int]:
        """State → searched trials of a configuration that was tried before: they have its result,
        and no figure or table shows it twice."""
        states = Counter(t.state for t in self.searched if t.duplicate_of is not None)
        return dict(states)

    def by_source(self) -> dict[tuple[str, int], list[TrialRecord]]:
        """Address and commit of another experiment → the trials that are known from it."""
        found: dict[tuple[str, int], list[TrialRecord]] = {}
        for one in self.searched:
            if one.source:
                found.setdefault((one.source.address, one.source.commit), []).append(one)
        return found

    def folds(self, number: int) -> list[FoldRecord]:
        """Fold records of a trial; those of the trial that it repeats if it has none of its own."""
        record = self._by_number[number]
        if not record.folds and record.duplicate_of in self._by_number:
            record = self._by_number[record.duplicate_of]
        return record.folds

    def estimator(self, trial: TrialRecord) -> CsmfEstimator | None:
        """CSMF estimator of a trial, or of the one that it repeats; None if it was not assessed."""
        original = self._by_number.get(
            trial.trial if trial.duplicate_of is None else trial.duplicate_of, trial
        )
        return original.csmf_estimator

    def score(self, trial: TrialRecord) -> float:
        """Mean objective: over all folds if complete, over those that ran if pruned; NaN if there
        is none.

        Where trials are assessed, a pruned one has it by the plainest CSMF estimator, a complete
        one by its own.
        """
        if trial.state == "complete":
            return trial.scores.get(self.objective, np.nan)
        if trial.state == "failed":
            return np.nan
        return self._mean([fold.validation for fold in self.folds(trial.trial)])

    def train_score(self, trial: TrialRecord) -> float:
        """Mean objective on training rows; NaN if there is none."""
        return self._mean([fold.train for fold in self.folds(trial.trial)])

    def fold_scores(self, number: int) -> dict[int, float]:
        """Fold → validation score of a trial."""
        found = {f.fold: f.validation.get(self.objective, np.nan) for f in self.folds(number)}
        return {fold: score for fold, score in found.items() if isfinite(score)}

    def points(self, trials: Sequence[TrialRecord]) -> NDArray[np.float64]:
        """Number and score of `trials`, (n_trials, 2)."""
        return np.array([(t.trial, self.score(t)) for t in trials], dtype=float).reshape(-1, 2)

    def in_words(self, number: int) -> str:
        """Write a trial in one line: its number, score and parameters."""
        trial = self._by_number[number]
        source = f"; {trial.source}" if trial.source else ""
        return f"trial {number}: {score_text(self.score(trial))}; {settings(trial.params)}{source}"

    def ranked(self) -> list[TrialRecord]:
        """Complete trials, best first; of equals, the earliest."""
        return sorted(self.complete, key=self.score, reverse=True)  # they are in trials' order

    def _own(self, state: TrialState) -> list[TrialRecord]:
        return [t for t in self.searched if t.state == state and t.duplicate_of is None]

    def _mean(self, scores: Sequence[Scores]) -> float:
        found = [s.get(self.objective, np.nan) for s in scores]
        found = [one for one in found if isfinite(one)]
        return fsum(found) / len(found) if found else np.nan
