"""One evaluated configuration."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

from tuner_job.records.base import Scores, TrialState, Written
from tuner_job.records.estimator import CsmfEstimator


class FoldRecord(Written):
    """One fold of one trial."""

    fold: int
    n_validation: int
    validation: Scores
    """Scores on the rows held out of this fold's training. A trial that was assessed as a whole has
    them by its `csmf_estimator`, one that was pruned by the plainest that was to be tried."""
    train: Scores
    """Scores on as many training rows, by the same CSMF estimator with the same calibration: the
    difference is the overfitting gap. (Up to version 0.2.0 an assessed trial has them with a
    calibration from these very rows, which is too good.)"""
    fit_seconds: float
    diagnostics: dict[str, Any] = {}
    judged: list[float] = []
    """What early stopping looked at: each objective; of CSMF accuracy, one value for each kind
    of estimator."""


class Stage(Written):
    """A part of the way that a model grew under population-based training."""

    size: int
    """Boosting rounds at its end."""
    params: dict[str, Any]


class Source(Written):
    """Where a trial is from that another experiment gave."""

    address: str
    """Of that experiment, as `start_from` names it."""
    commit: int
    """Number of the commit there that has it; 0: the search had not been committed."""
    trial: int
    """Its number there."""

    def __str__(self) -> str:
        return f"{'the default' if self.trial < 0 else f'trial {self.trial}'} of {self.address}"


class TrialRecord(Written):
    """One evaluated configuration."""

    trial: int
    """0, 1, 2 … in the order of the search, trials of other experiments first; -1 is the untuned
    default."""
    batch: int
    """Trials of one batch were proposed together: they share fits."""
    params: dict[str, Any]
    state: TrialState
    folds: list[FoldRecord]
    """All folds if complete; those up to the one that condemned it if pruned."""
    scores: Scores = {}
    """Mean over folds of each validation metric; empty unless complete."""
    csmf_estimator: CsmfEstimator | None = None
    """The CSMF estimator by which it is scored; None: the trial was not assessed as a whole."""
    csmf: dict[str, list[float]] = {}
    """Every estimator tried → CSMF accuracy in each fold."""
    fell_back: bool = False
    """Whether `mean` was taken although another estimator scored higher: the gain may be noise."""
    duplicate_of: int | None = None
    """The earlier trial with the same parameters, whose result this is."""
    source: Source | None = None
    """Of a trial that another experiment ran, and that is known here without a fit."""
    error: str | None = None
    finished_at: str = ""
    """UTC, ISO 8601."""
    curve: list[tuple[int, float]] = []
    """Under Ray Tune: (rounds, trees or folds, mean over folds of what they are judged by) at
    each look."""
    schedule: list[Stage] = []
    """Under population-based training: how the model grew; `params` are those of the last stage."""

    @property
    def fit_seconds(self) -> float:
        """Seconds spent fitting, all folds together."""
        return sum(fold.fit_seconds for fold in self.folds)

    @property
    def fold_sizes(self) -> list[int]:
        """Rows held out in each of its folds."""
        return [fold.n_validation for fold in self.folds]

    def may_have_run_on(self, sizes: Sequence[int]) -> bool:
        """Whether its folds are those of these sizes: all of them if it has scores of its own, else
        the first ones."""
        is_whole = self.state == "complete" and self.duplicate_of is None
        return self.fold_sizes == list(sizes if is_whole else sizes[: len(self.folds)])


def share_names(record: TrialRecord) -> TrialRecord:
    """Let a record have its set of given fields in common with all others: of a hundred thousand
    trials these sets would take as much room as the values, and nothing asks for them."""
    for one in (record, *record.folds):
        object.__setattr__(one, "__pydantic_fields_set__", _names(type(one)))
    return record


@cache
def _names(kind: type[BaseModel]) -> set[str]:
    return set(kind.model_fields)
