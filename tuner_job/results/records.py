"""The records that stand in object storage: one a trial, one a tuned model, one an experiment."""

from typing import Any, Literal

from tuner_job.schema import Closed

Scores = dict[str, float]
"""Metric name → value; see `tuner_job.evaluation.metrics`."""

TrialState = Literal["complete", "pruned", "failed"]

StopReason = Literal["finished", "timeout", "max_trials", "cpu_seconds"]
"""Why a search ended."""


class FoldRecord(Closed):
    """One fold of one trial."""

    fold: int
    n_validation: int
    validation: Scores
    """Scores on the rows held out of this fold's training."""
    train: Scores
    """Scores on as many training rows: the difference is the overfitting gap."""
    fit_seconds: float
    diagnostics: dict[str, Any] = {}


class Stage(Closed):
    """A part of the way that a model grew under population-based training."""

    size: int
    """Boosting rounds at its end."""
    params: dict[str, Any]


class TrialRecord(Closed):
    """One evaluated configuration."""

    trial: int
    """0, 1, 2 … in the order of the search; -1 is the untuned default."""
    batch: int
    """Trials of one batch were scored by the same fits."""
    params: dict[str, Any]
    state: TrialState
    folds: list[FoldRecord]
    """All folds if complete; those up to the one that condemned it if pruned."""
    scores: Scores = {}
    """Mean over folds of each validation metric; empty unless complete."""
    duplicate_of: int | None = None
    """The earlier trial with the same parameters, whose result this is."""
    error: str | None = None
    finished_at: str = ""
    """UTC, ISO 8601."""
    curve: list[tuple[int, float]] = []
    """Under Ray Tune: (rounds, trees or folds, mean validation score of the objective) at each look."""
    schedule: list[Stage] = []
    """Under population-based training: how the model grew; `params` are those of the last stage."""

    @property
    def fit_seconds(self) -> float:
        """Seconds spent fitting, all folds together."""
        return sum(fold.fit_seconds for fold in self.folds)


class Interval(Closed):
    """A pooled out-of-fold estimate with its 95 % bootstrap interval over rows."""

    estimate: float
    low: float
    high: float


class CauseRecord(Closed):
    """Out-of-fold result for one cause."""

    cause: str
    n: int
    """Deaths of this cause in the data."""
    true_fraction: float
    predicted_fraction: float
    sensitivity: float | None
    """Share of its deaths assigned to it; None where `n` is 0."""
    ccc: float | None
    """Chance-corrected concordance."""


class ModelSummary(Closed):
    """A configuration looked at in full, from its out-of-fold probabilities."""

    trial: int
    params: dict[str, Any]
    scores: Scores
    """Mean over folds, as the search saw it."""
    train_scores: Scores
    out_of_fold: dict[str, Interval]
    """``csmf_accuracy`` and ``cod_accuracy`` over all out-of-fold rows pooled."""
    causes: list[CauseRecord]
    fit_seconds: float
    schedule: list[Stage] = []
    """If given, the model is fitted stage by stage; `params` are those of the last one."""


class StudySummary(Closed):
    """The search of one model: what the commit object ``best.json`` holds."""

    model: str
    search_method: str
    objectives: list[str]
    n_trials: dict[TrialState, int]
    default: ModelSummary
    best: ModelSummary
    pareto_front: list[int]
    """Trials that no other beats in every objective; just the best one where there is one objective."""
    stopped_by: StopReason
    fit_seconds: float
    """Seconds of fitting in this study, failed and pruned trials included."""
    parameter_importance: dict[str, float]
    """Share of the score's variation that each parameter explains; empty if too few trials finished."""
    model_object: str | None = None
    """Path, below the model's folder, of the refitted best model."""
    model_sha256: str | None = None
    deterministic: bool = True
    """Whether the same file and seed give the same trials; false where Ray Tune's timing decides what is stopped."""


class ExperimentSummary(Closed):
    """Every study of one experiment: ``summary.json``."""

    name: str
    n_samples: int
    n_features: int
    causes: list[str]
    sites: dict[str, int]
    """Deaths a site."""
    data_notes: list[str]
    scheme: str
    n_folds: int
    baselines: dict[str, Scores]
    """What needs no model: ``copy_train`` (the training CSMF), ``uniform``, ``majority``."""
    studies: list[StudySummary]
    wall_seconds: float


class Provenance(Closed):
    """What made a result: ``provenance.json``."""

    experiment_digest: str
    data_digest: str
    data_source: str
    seed: int
    versions: dict[str, str]
    image: str | None
    platform: str
    created_at: str
