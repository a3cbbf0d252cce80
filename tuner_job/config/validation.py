"""Which populations a configuration is tested on: the section ``validation``."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from tuner_job.evaluation.folds import Scheme
from tuner_job.records import ESTIMATORS, EstimatorName
from tuner_job.schema import Closed
from tuner_job.wording import plain, shown

Fraction = Annotated[float, Field(ge=0, le=1)]


class ValidationConfig(Closed):
    """Which populations a configuration is tested on, and how a CSMF is made of its
    probabilities."""

    scheme: Scheme = "dirichlet"
    """dirichlet: stratified folds, their held-out deaths resampled to cause fractions drawn from
    Dirichlet(1, …, 1); shift: the same, with fractions as `shift` states them; leave_one_site_out:
    train on all sites but one, validate on that one; stratified: held-out deaths composed as in
    training."""
    n_draws: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Populations drawn for dirichlet and shift, shared by the folds; the same for every
    configuration."""
    shift: dict[str, Fraction | Annotated[list[Fraction], Field(min_length=2, max_length=2)]] = {}
    """Cause → its expected fraction, or [least, largest]; the others keep their proportions
    (scheme shift)."""
    csmf_estimators: Annotated[list[EstimatorName], Field(min_length=1)] = list(ESTIMATORS)
    """Estimators to choose from, with each configuration, at no refit: count (most probable
    causes), mean (mean probability), em and mixture (composition inferred, with shrinkage)."""
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of each cause's deaths that the search never sees: default and tuned model, fitted on
    the others, are tested on them. The model that is kept is then fitted on all."""

    @model_validator(mode="after")
    def _fits_the_scheme(self) -> Self:
        if (self.scheme == "shift") != bool(self.shift):
            raise ValueError("scheme shift and the key shift need each other")
        for cause, stated in self.shift.items():
            if isinstance(stated, list) and stated[0] > stated[1]:
                raise ValueError(
                    f"shift.{plain(cause, 80)}: must be [least, largest], got {stated}"
                )
        least = sum(low for low, _ in self.ranges.values())
        if least > 1 + 1e-9:
            raise ValueError(f"shift: the least fractions must sum to at most 1, got {least:g}")
        if len(set(self.csmf_estimators)) < len(self.csmf_estimators):
            raise ValueError(f"csmf_estimators must be distinct, got {shown(self.csmf_estimators)}")
        if self.holdout and self.scheme == "leave_one_site_out":
            raise ValueError(
                "holdout does not test other sites: with leave_one_site_out use `va-tuning compare`"
            )
        return self

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Cause → least and largest fraction."""
        return {c: (s[0], s[1]) if isinstance(s, list) else (s, s) for c, s in self.shift.items()}
