"""All of one experiment: its summary, and what made it."""

from typing import Annotated, Literal

from annotated_types import Ge
from pydantic import AfterValidator, FiniteFloat

from tuner_job.public import public
from tuner_job.records.base import Scores
from tuner_job.records.estimator import Shift
from tuner_job.records.study import ModelSummary, StudySummary
from tuner_job.schema import Closed


class Candidate(Closed):
    """A model beside the one that leads."""

    model: str
    score: float
    """Best score in the first objective, its optimism taken off."""
    behind: float
    """The leader's `score` less this one."""
    error: float | None
    """Standard error over folds of the difference of the two, paired by fold; None for the leader
    itself, and where folds cannot be paired."""


class BestModel(Closed):
    """Which of an experiment's models is the best one, and why."""

    model: str
    metric: str
    """The first objective."""
    candidates: list[Candidate]
    """Every model that has a result, the one that leads first."""
    missing: list[str] = []
    """Models that have none."""
    reason: str
    """The same in words."""


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
    shifts: list[Shift] = ["any"]
    """How far the populations of scheme dirichlet differ from training; before version 0.5.0, in
    any way."""
    sizes: tuple[int, int] | None = None
    """Fewest and most deaths of drawn populations, none more than a fold holds out; None: as many
    as that."""
    n_folds: int
    baselines: dict[str, Scores]
    """What needs no model: ``copy_train`` (the training CSMF), ``uniform``, ``majority``."""
    studies: list[StudySummary]
    best_model: BestModel | None = None
    """None before version 0.5.0, and where no model has a score."""
    wall_seconds: float
    unfinished: list[str] = []
    """Models whose search has not ended. What is stored has none; a summary that is made of the
    trials so far lacks what only the data tell: features, causes, sites, baselines, intervals."""
    run_by: str | None = None
    """Who searches them, as far as one look can tell; None: nobody."""

    def is_below_copying(self, configuration: ModelSummary) -> bool:
        """Whether predicting the training fractions has a higher CSMF accuracy over the same folds;
        False where that is not known."""
        own = configuration.scores.get("csmf_accuracy")
        copied = self.baselines.get("copy_train", {}).get("csmf_accuracy")
        return own is not None and copied is not None and own < copied


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
