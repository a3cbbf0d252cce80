"""Trials while they run, and the tasks that their folds are."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tuner_job.evaluation.assessment import Assessment
from tuner_job.records import FoldRecord, Stage, TrialRecord, TrialState
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
    """Judging trials of one batch, alike but for the path parameter, by all their
    probabilities."""

    batch: int
    trials: tuple[int, ...]
    points: tuple[tuple[Any, ...], ...]
    """Of each trial what its fits gave, as in `FoldOutcome`, in the order of the folds."""

    fold = None


Task = FoldTask | AssessmentTask


@dataclass(frozen=True)
class FoldOutcome:
    """What a fold told of one trial."""

    record: FoldRecord
    point: Any = None
    """The `PathPoint` behind it, with the probabilities; or its handle, where that was left in the
    object store."""

    def assessed(self, assessment: Assessment) -> "FoldOutcome":
        """Take the scores that the fold has now that the trial was judged as a whole."""
        fold = self.record.fold
        scores = {"validation": assessment.folds[fold], "train": assessment.train[fold]}
        return replace(self, record=self.record.model_copy(update=scores))


TaskResult = FoldOutcome | Assessment
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
    failures: dict[int, str] = field(default_factory=dict)
    """Fold → why its fit failed, before its turn came."""
    scores: tuple[float, ...] = ()
    """One an objective; empty unless it is complete."""
    curve: Sequence[tuple[int, float]] = ()
    schedule: Sequence[Stage] = ()
    """Both as in `TrialRecord`."""

    @classmethod
    def of(cls, record: TrialRecord, objectives: Sequence[str]) -> "Trial":
        """Take a finished trial from its record; what its folds told is in the results store."""
        trial = cls(record.trial, record.batch, record.params, duplicate_of=record.duplicate_of)
        trial.take_record(record, objectives)
        return trial

    def take_record(self, record: TrialRecord, objectives: Sequence[str]) -> None:
        """Take the result that an earlier run wrote."""
        self.state, self.error = record.state, record.error
        judged = all(fold.judged for fold in record.folds)  # an earlier version did not keep it
        self.fold_scores = [tuple(fold.judged) for fold in record.folds if judged]
        self.scores = tuple(record.scores[metric] for metric in objectives) if record.scores else ()

    def take_result(self, original: "Trial") -> None:
        """Take the result of the trial whose parameters this one repeats."""
        self.state, self.error, self.assessment = (
            original.state,
            original.error,
            original.assessment,
        )
        self.fold_scores, self.scores = original.fold_scores, original.scores
        self.outcomes = dict(original.outcomes)

    def judge(self, fold: int) -> None:
        """Have the next fold's outcome count, in comparisons and in the record."""
        assert fold == len(self.fold_scores)
        self.fold_scores.append(tuple(self.outcomes[fold].record.judged))

    def fail(self, error: str) -> None:
        """End without a result."""
        self.state, self.error = "failed", error

    def failure_at(self, fold: int, in_turn: bool) -> str | None:
        """Why it has failed when a fold's turn comes; where no fold can end it before, any failure
        tells."""
        first = min(self.failures, default=fold + 1)
        return self.failures[first] if first == fold or (self.failures and not in_turn) else None

    def prune(self) -> None:
        """End before it is complete, with the folds that were judged."""
        self.state = "pruned"

    def complete(self, objectives: Sequence[str], assessment: Assessment | None = None) -> None:
        """End with scores, each the mean over folds; where it was assessed as a whole, folds take
        theirs from that."""
        self.state, self.assessment = "complete", assessment
        if assessment:
            self.outcomes = {fold: one.assessed(assessment) for fold, one in self.outcomes.items()}
        folds = [self.outcomes[fold].record.validation for fold in sorted(self.outcomes)]
        self.scores = tuple(sum(one[metric] for one in folds) / len(folds) for metric in objectives)

    def release(self) -> None:
        """Forget what the results store holds now."""
        self.outcomes = {}
