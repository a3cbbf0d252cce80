"""One tuned model: what its search has found."""

from typing import Any

from pydantic import field_validator

from tuner_job.records.assessment import (
    CalibrationRecord,
    CauseRecord,
    CoverageRecord,
    PopulationScore,
    ResidualRecord,
    Step,
    StepGain,
)
from tuner_job.records.base import Interval, Scores, StopReason, Stored, TrialState
from tuner_job.records.estimator import CsmfEstimator
from tuner_job.records.trial import Source, Stage
from tuner_job.schema import Closed


class ModelSummary(Closed):
    """A configuration looked at in full, from its out-of-fold probabilities."""

    trial: int
    params: dict[str, Any]
    scores: Scores
    """Mean over folds, as the search saw it."""
    folds: list[Scores] = []
    """Every metric in each fold."""
    train_scores: Scores = {}
    """Mean over folds on training rows, made in the same way; empty where `csmf_estimator` is not
    the one that the search scored the trial by."""
    csmf_estimator: CsmfEstimator = CsmfEstimator(method="count")
    """How its CSMF is made of its probabilities."""
    out_of_fold: dict[str, Interval]
    """``csmf_accuracy`` and ``cod_accuracy`` over all out-of-fold rows pooled, at their own
    composition; bootstrap over rows."""
    over_compositions: dict[str, Interval] = {}
    """``csmf_accuracy`` and ``cod_accuracy`` under the drawn compositions: mean over 500 and the
    range of their middle 95 %; empty where none are drawn."""
    by_estimator: dict[str, float] = {}
    """Every CSMF estimator tried → mean CSMF accuracy over folds."""
    causes: list[CauseRecord]
    fit_seconds: float
    source: Source | None = None
    """Of a trial that another experiment ran."""
    schedule: list[Stage] = []
    """If given, the model is fitted stage by stage; `params` are those of the last one."""

    @property
    def tested(self) -> dict[str, Interval]:
        """Accuracies in the populations tested: over compositions where they are drawn, else
        over rows."""
        return self.over_compositions or self.out_of_fold


class Member(Closed):
    """A model that an ensemble is made of."""

    trial: int
    """The committed trial of its search."""
    model_sha256: str | None
    """Of its fitted model, which stands whole in the ensemble's."""


class FittedRows(Closed):
    """The deaths that a refitted model has seen: counts, and a digest of all of them together.

    Nothing is kept of a single death, so the digest recognises these deaths as a whole, in any
    order, and no part of them.
    """

    n_rows: int
    n_held_out: int
    """Of these, deaths that the search never saw; the refitted model has."""
    digest: str
    """Of all rows; see `tuner_job.data.dataset.digest_of_rows`."""
    held_out_digest: str | None = None
    """Of the held-out rows; None where there are too few to hide one death among."""


class StudySummary(Stored):
    """The search of one model, or the ensemble: what the commit object ``best.json`` holds.

    An ensemble's parameters are its members' exponents: those of the default, all equal, pool the
    members' untuned defaults, the tuned ones their committed trials. It has no trials of its own.
    """

    model: str
    search_method: str
    objectives: list[str]
    n_trials: dict[TrialState, int]
    """Trials by state."""
    known: dict[str, int] = {}
    """Address → trials of that experiment that were known without a fit; none of `n_trials`."""
    repeated: dict[TrialState, int] = {}
    """Of them, those of a configuration that was tried before, whose result they have; 0.3.0 and
    before did not count them."""
    default: ModelSummary
    best: ModelSummary
    pareto_front: list[int]
    """Trials that no other beats in every objective; just the best one where there is one
    objective."""
    stopped_by: StopReason
    fit_seconds: float
    """Seconds of fitting in this study, failed and pruned trials included."""
    optimism: float | None = None
    """How much the best score owes to being the best of many; None with fewer than 2 complete
    trials."""
    steps: list[Step] = []
    """What tuning gives, step by step; empty before version 0.5.0."""
    gains: list[StepGain] = []
    """Of each step over the one before, and of the last over the first."""
    holdout: dict[str, Scores] = {}
    """``copy_train`` and each step (`StepName`) on deaths that the search never saw, in the
    protocol's populations; empty without a hold-out."""
    fitted_on: FittedRows | None = None
    """What the refitted model has seen; None before version 0.5.0."""
    calibration: CalibrationRecord | None = None
    """Of the best configuration, fitted on its out-of-fold probabilities."""
    by_population: list[PopulationScore] = []
    """How well the best configuration does, by size and shift of a population; empty before version
    0.5.0."""
    residual: ResidualRecord | None = None
    """How far fractions by the best configuration lie from true ones; None before version 0.5.0."""
    coverage: list[CoverageRecord] = []
    """How intervals of fractions hold, fold by fold; empty before version 0.5.0."""
    selection: str = "best"
    """The rule by which the committed trial was chosen."""
    parameter_importance: dict[str, float]
    """Share of the score's variation that each parameter explains; empty if too few trials
    finished."""
    model_object: str | None = None
    """Path, below the model's folder, of the refitted best model."""
    model_sha256: str | None = None
    members: dict[str, Member] = {}
    """Of an ensemble: model → what of it is in; empty for every other model."""
    deterministic: bool = True
    """Whether the same file and seed give the same trials; false where Ray Tune's timing decides
    what is stopped."""

    @field_validator("holdout", mode="before")
    @classmethod
    def _with_names_of_today(cls, holdout: Any) -> Any:
        """Up to version 0.3.0 ``default`` was the default with its causes counted."""
        if isinstance(holdout, dict) and "default" in holdout and "default_counted" not in holdout:
            return {"default_counted" if k == "default" else k: v for k, v in holdout.items()}
        return holdout

    def n_evaluated(self, state: TrialState) -> int:
        """Trials of a state that are not repeated: what figures and tables show."""
        return self.n_trials.get(state, 0) - self.repeated.get(state, 0)

    @property
    def n_known(self) -> int:
        """Trials of other experiments that were known."""
        return sum(self.known.values())

    @property
    def n_repeated(self) -> int:
        """Trials of a configuration that was tried before."""
        return sum(self.repeated.values())
