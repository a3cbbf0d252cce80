"""What is said of a configuration that is looked at in full."""

from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import FiniteFloat, model_validator

from tuner_job.records.base import Interval, Scores
from tuner_job.records.estimator import CsmfEstimator, Shift
from tuner_job.schema import Closed


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


class CalibrationRecord(Closed):
    """See `tuner_job.evaluation.calibration.Calibration`."""

    temperature: float
    prior: list[float]
    matrix: list[list[float]]
    training: list[float] = []
    """Empty before version 0.5.0."""


StepName = Literal["default_counted", "default", "tuned"]
"""The way from how models are used untuned to what a search chose: the untuned default, its most
probable causes counted; the same fits with the CSMF estimator that suits them; tuned parameters
with theirs."""


class Step(Closed):
    """One step of the way, scored on the folds that all steps share."""

    name: StepName
    csmf_estimator: CsmfEstimator
    scores: Scores
    """Mean over folds."""
    folds: list[Scores]
    """Every metric in each fold."""
    calibration: CalibrationRecord | None = None
    """Of the default's probabilities; None at the other steps."""


class StepGain(Closed):
    """What a step adds to an earlier one in one metric, paired by fold."""

    before: StepName
    after: StepName
    metric: str
    gain: float
    """Mean over folds of the difference."""
    error: float | None
    """Standard error of `gain` over folds; None with one fold. Folds share training rows, so it is
    somewhat too small."""
    relative: float | None
    """`gain` as a share of the mean before; None where that is not above 0."""


class PopulationScore(Closed):
    """CSMF accuracy in populations of one size and one strength of shift; see
    `tuner_job.evaluation.curve`."""

    n_deaths: int
    shift: Shift
    csmf_accuracy: Interval
    """By the model's own estimator: mean over populations, and their middle 95 %."""
    default_counted: float
    """Of the untuned default, its most probable causes counted."""
    counted: float
    """Of the model, its most probable causes counted."""
    mean: float
    """Of the model, by mean probabilities."""
    copy_train: float
    """Of the training CSMF."""


_Quantiles = Annotated[list[Annotated[FiniteFloat, Ge(-1e5), Le(1e5)]], MinLen(1), MaxLen(100)]


class ResidualRecord(Closed):
    """How far estimated fractions lie from true ones; see `tuner_job.evaluation.fractions`."""

    variance: Annotated[list[Annotated[FiniteFloat, Ge(0), Le(1e12)]], MinLen(7), MaxLen(7)]
    """Weights of what the variance of an error is made of."""
    ratios: _Quantiles
    """Fractions in units of their standard error at which the quantiles stand, from small to
    large."""
    tails: Annotated[list[Annotated[FiniteFloat, Gt(0), Le(0.5)]], MinLen(1), MaxLen(100)]
    """Share of errors beyond a quantile, from small to large."""
    low: Annotated[list[_Quantiles], MaxLen(100)]
    """Quantiles of true less estimated fraction, in standard errors, not above 0: ratios in rows,
    tails in columns."""
    high: Annotated[list[_Quantiles], MaxLen(100)]
    """The same at the other end, not below 0."""

    @model_validator(mode="after")
    def _gives_intervals(self) -> Self:
        for key, rows in (("low", self.low), ("high", self.high)):
            if [len(row) for row in rows] != [len(self.tails)] * len(self.ratios):
                raise ValueError(
                    f"{key} must have {len(self.ratios)} rows of {len(self.tails)} quantiles"
                )
        inwards = [*self.low, *([-value for value in row] for row in self.high)]
        if any(list(row) != sorted(row) or row[-1] > 0 for row in inwards):
            raise ValueError(
                "quantiles must rise to at most 0 in low, and fall to at least 0 in high"
            )
        if self.ratios != sorted(self.ratios) or self.tails != sorted(set(self.tails)):
            raise ValueError("ratios and tails must rise")
        return self


class CoverageRecord(Closed):
    """How intervals of fractions did on populations of deaths that they were not fitted on; see
    `tuner_job.evaluation.coverage`."""

    method: Literal["interval", "resampling", "constant"]
    """interval: those that the model gives; resampling: from resampling the deaths alone;
    constant: all of one width, which is chosen to cover as many fractions as the first."""
    level: float
    """Nominal coverage."""
    size: Literal["50", "200", "1000", "all", "every"]
    """Deaths of the populations, up to those of a fold; all: as many as the fold has; every: all
    sizes together."""
    fraction: Literal["small", "middle", "large", "every"]
    """True fractions below 2 %, up to 10 %, above 10 %; or all together."""
    n: int
    """Fractions tested."""
    coverage: float
    """Share of true fractions within their interval."""
    width: float
    score: float
    """Mean interval score, lower is better: width, and 2 / (1 - level) of how far outside the true
    fraction is (Gneiting and Raftery 2007, JASA 102(477))."""
