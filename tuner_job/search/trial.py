"""Trials while they run, and the tasks that their folds are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner_job.evaluation.assessment import Assessment
from tuner_job.results.records import FoldRecord, Scores, TrialState
from tuner_job.search_space import Configuration, Scalar

FoldScores = Sequence[tuple[float, ...]]
"""One entry a fold, from fold 0 on: what early stopping compares."""


@dataclass(frozen=True)
class FoldTask:
    """One fit: configurations of one batch, alike but for the path parameter, on one fold."""

    batch: int
    fold: int
    params: Configuration
    """A configuration of the batch."""
    values: tuple[Scalar, ...]
    """Values of the path parameter to go through, ascending; empty for a family without a path."""
    wanted: tuple[int, ...]
    """Positions in `values` whose configurations are to be scored; ``(0,)`` without a path."""
    trials: tuple[int, ...]
    """The trial of each wanted position."""


@dataclass(frozen=True)
class AssessmentTask:
    """Judging trials of one batch, alike but for the path parameter, by all their out-of-fold probabilities."""

    batch: int
    trials: tuple[int, ...]
    probabilities: tuple[tuple[Any, ...], ...]
    """Handles of each trial's probabilities, in the order of the folds."""

    fold = None


Task = FoldTask | AssessmentTask


@dataclass(frozen=True)
class FoldOutcome:
    """What a fold told of one trial."""

    record: FoldRecord
    probabilities: Any = None
    """Handle of the validation rows' probabilities, (n_validation, n_classes), kept where they were made."""
    screened: dict[str, Scores] = field(default_factory=dict)
    train: dict[str, Scores] = field(default_factory=dict)
    """Kind of CSMF estimator → metrics on the held-out rows and on training rows."""


Told = FoldOutcome | Assessment
"""What a task tells of each of its trials."""


@dataclass(slots=True, eq=False)
class Trial:
    """One configuration on its way through the folds."""

    number: int
    batch: int
    params: Configuration
    state: TrialState | None = None
    """None while it runs."""
    fold_scores: list[tuple[float, ...]] = field(default_factory=list)
    """The folds judged so far."""
    duplicate_of: int | None = None
    error: str | None = None
    assessment: Assessment | None = None
    """How it was judged as a whole, where that is asked for."""
    outcomes: dict[int, FoldOutcome] = field(default_factory=dict)
    """Fold → what it told; emptied once the trial is stored."""
    scores: tuple[float, ...] = ()
    """One an objective; empty unless it is complete."""
    free: bool = False
    """Whether nobody asked for it: the fit of the trial that was asked goes through it."""

    def release(self) -> None:
        """Forget what the results store holds now."""
        self.outcomes = {}
