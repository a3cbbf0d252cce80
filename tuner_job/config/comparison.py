"""The `comparison` section of an experiment file: what `va-tuning compare` compares."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from tuner_job.address import results_address
from tuner_job.evaluation.protocols import Composition
from tuner_job.schema import Closed
from tuner_job.wording import shown

ExperimentType = Literal[
    "in_domain", "out_domain", "training_size", "leave_one_site_out", "cross_validation"
]
EXPERIMENT_TYPES: tuple[ExperimentType, ...] = get_args(ExperimentType)
ACROSS_SITES = EXPERIMENT_TYPES[:4]
"""Those that are run unless others are asked for."""
TABLES = ("full_results.csv", "summary_statistics.csv", "tuned_vs_default.csv",
          *(f"{kind}_results.csv" for kind in EXPERIMENT_TYPES))  # fmt: skip
"""Files that a comparison writes beside its page."""


NOW_A_MODEL = "leave it out, and name ensemble among models to compare it"
"""What to write instead of the key `ensemble`."""


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError(f"must be distinct, got {shown(values)}")
    return values


_Distinct = AfterValidator(_distinct)
_Share = Annotated[float, Field(gt=0, le=1)]


class ComparisonConfig(Closed):
    """What `va-tuning compare` compares; `va-tuning tune` leaves it aside."""

    experiments: Annotated[list[ExperimentType], Field(min_length=1), _Distinct] = list(
        ACROSS_SITES
    )
    """in_domain: trained on 80 % of a site, tested on the rest; out_domain: tested on each other
    site; training_size: trained on parts of the 80 %; leave_one_site_out: trained on all other
    sites; cross_validation: all sites together, each of `outer_folds` parts tested on in turn."""
    training_sizes: Annotated[list[_Share], Field(min_length=1), _Distinct] = [0.25, 0.5, 0.75, 1.0]
    """Shares of a site's training rows (training_size)."""
    outer_folds: Annotated[int, Field(ge=2, le=1_000_000)] = 5
    """Parts that are tested on in turn (cross_validation)."""
    protocols: Annotated[list[Composition], Field(min_length=1), _Distinct] | None = None
    """Compositions of the test rows, and what is tuned for: natural (their own), dirichlet, or
    shift (`validation.shift` states it); none: what `validation.scheme` says."""
    tune: bool = False
    """Also tune each model on each training set, as `tuning`, `validation` and `budget` say."""
    tuned_params: Annotated[str, AfterValidator(results_address)] | None = None
    """Address of a finished experiment on the same data: also compare what it chose."""
    n_bootstrap: Annotated[int, Field(ge=2, le=100_000)] = 100
    """Resamples of the test rows behind each interval."""

    @model_validator(mode="before")
    @classmethod
    def _nothing_removed(cls, content: Any) -> Any:
        if isinstance(content, dict) and "ensemble" in content:
            raise ValueError(f"ensemble: was removed in version 0.5.0; {NOW_A_MODEL}")
        return content

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if self.tune and self.tuned_params:
            raise ValueError("tune and tuned_params both choose parameters: give one of them")
        return self
