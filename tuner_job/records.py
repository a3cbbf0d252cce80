"""The records that stand in object storage: one a trial, one a tuned model, one an experiment."""

from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from tuner_job.public import public
from tuner_job.schema import Closed

Scores = dict[str, float]
"""Metric name → value; see `tuner_job.evaluation.metrics`."""

TrialState = Literal["complete", "pruned", "failed"]

StopReason = Literal["finished", "timeout", "max_trials", "cpu_seconds"]
"""Why a search ended."""

DEFAULT_TRIAL = -1
"""Number of the untuned default among the trials of a model."""

GONE = frozenset({"free", "n_free"})
"""Fields that earlier versions wrote, and that nothing asks for any more."""


class Stored(Closed):
    """A record that an earlier version may have written."""

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_gone(cls, content: Any) -> Any:
        if not isinstance(content, dict) or not GONE & content.keys():
            return content
        return {name: value for name, value in content.items() if name not in GONE}


EstimatorName = Literal["count", "mean", "em", "mixture"]
ESTIMATORS: tuple[EstimatorName, ...] = ("count", "mean", "em", "mixture")


class Interval(Closed):
    """An estimate with a 95 % interval; where it stands says over what: rows or compositions."""

    estimate: float
    low: float
    high: float


class CsmfEstimator(Closed):
    """One way to estimate a CSMF: a method and how far it is held back."""

    method: EstimatorName
    """count: share of deaths whose most probable cause it is; mean: mean probability; em: the
    composition under which the calibrated probabilities are most likely; mixture: the mixture of
    causes' mean probabilities that explains the sample's."""
    shrinkage: Annotated[float, Field(ge=0)] = 0.0
    """Pseudo-deaths a cause that are added to the sample (em, mixture)."""
    towards: Literal["uniform", "mean"] = "uniform"
    """How the pseudo-deaths are composed: equally, or like the sample's mean probabilities."""

    def __str__(self) -> str:
        if self.method in ("count", "mean"):
            return self.method
        return f"{self.method}({self.shrinkage:g}{', mean' if self.towards == 'mean' else ''})"

    @property
    def needs_calibration(self) -> bool:
        """Whether it needs to know how the model's probabilities behave on held-out deaths.

        Those that do take the composition to differ from training; so must the causes of single
        deaths.
        """
        return self.method in ("em", "mixture")


class FoldRecord(Closed):
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


class Stage(Closed):
    """A part of the way that a model grew under population-based training."""

    size: int
    """Boosting rounds at its end."""
    params: dict[str, Any]


class TrialRecord(Stored):
    """One evaluated configuration."""

    trial: int
    """0, 1, 2 … in the order of the search; -1 is the untuned default."""
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
    schedule: list[Stage] = []
    """If given, the model is fitted stage by stage; `params` are those of the last one."""

    @property
    def tested(self) -> dict[str, Interval]:
        """Accuracies in the populations tested: over compositions where they are drawn, else
        over rows."""
        return self.over_compositions or self.out_of_fold


class CalibrationRecord(Closed):
    """See `tuner_job.evaluation.calibration.Calibration`."""

    temperature: float
    prior: list[float]
    matrix: list[list[float]]


class StudySummary(Stored):
    """The search of one model: what the commit object ``best.json`` holds."""

    model: str
    search_method: str
    objectives: list[str]
    n_trials: dict[TrialState, int]
    """Trials by state."""
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
    holdout: dict[str, Scores] = {}
    """``default``, ``tuned`` and ``copy_train`` on deaths that the search never saw, in the
    protocol's populations; empty without a hold-out."""
    calibration: CalibrationRecord | None = None
    """Of the best configuration, fitted on its out-of-fold probabilities."""
    selection: str = "best"
    """The rule by which the committed trial was chosen."""
    parameter_importance: dict[str, float]
    """Share of the score's variation that each parameter explains; empty if too few trials
    finished."""
    model_object: str | None = None
    """Path, below the model's folder, of the refitted best model."""
    model_sha256: str | None = None
    deterministic: bool = True
    """Whether the same file and seed give the same trials; false where Ray Tune's timing decides
    what is stopped."""


Kind = Literal["yes_no", "number", "choice"]
Role = Literal["label", "site", "identifier", "feature", "left_out"]


class VariableRecord(Closed):
    """One column of the training file, and how its cells are read: a line of the codebook."""

    name: str
    role: Role
    reason: str = ""
    """Why it is left out."""
    kind: Kind | None = None
    """Of a feature: yes and no (1 and 0), a number, or one of some choices (a 0/1 feature each)."""
    choices: list[str] = []
    """The answers of a choice that enough deaths have to tell nobody, as they are mostly
    spelled."""
    labels: dict[str, str] = {}
    """Codes of a choice and the answer that each stands for."""
    missing: list[str] = []
    """Cells that mean missing here, beside the usual words."""
    yes: list[str] = []
    """Cells that mean yes, beside the usual words."""
    no: list[str] = []
    """Cells that mean no, beside the usual words."""
    blank: Literal["missing", "no"] = "missing"
    """What an empty cell means."""
    unit: str = ""
    decimal_comma: bool = False
    """Whether numbers are written as 36,6."""
    low: FiniteFloat | None = None
    """Smallest number among the training rows."""
    high: FiniteFloat | None = None
    """Largest number among the training rows."""
    n_filled: Annotated[int, Ge(0)] = 0
    """Training rows with an answer."""
    n_unread: Annotated[int, Ge(0)] = 0
    """Training rows with a cell that is read as none of the answers: text among numbers, a choice
    of too few deaths."""
    doubts: list[str] = []
    """What a user should look at, a few words each."""


class ExperimentSummary(Closed):
    """Every study of one experiment: ``summary.json``."""

    name: str
    n_samples: int
    n_features: int
    causes: list[str]
    sites: dict[str, int]
    """Deaths a site."""
    data_notes: list[str]
    codebook: list[VariableRecord] = []
    """How each column of the data was read; empty for generated data, and before version 0.4.0."""
    scheme: str
    shift: dict[str, tuple[float, float]] = {}
    """Cause → least and largest fraction that was stated; empty unless the scheme is shift."""
    n_folds: int
    baselines: dict[str, Scores]
    """What needs no model: ``copy_train`` (the training CSMF), ``uniform``, ``majority``."""
    studies: list[StudySummary]
    wall_seconds: float


class Provenance(Closed):
    """What made a result: ``provenance.json``."""

    experiment_digest: str
    data_digest: str
    data_source: Annotated[str, AfterValidator(public)]
    """Address of the data without user info, query and fragment, which may hold a password or a
    signature."""
    seed: int
    versions: dict[str, str]
    image: str | None
    platform: str
    created_at: str
