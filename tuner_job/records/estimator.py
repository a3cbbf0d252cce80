"""How a CSMF is made of probabilities, as records name it."""

from typing import Annotated, Literal

from pydantic import Field

from tuner_job.schema import Closed

EstimatorName = Literal["count", "mean", "em", "mixture", "bayes"]
ESTIMATORS: tuple[EstimatorName, ...] = ("count", "mean", "em", "mixture", "bayes")
Shift = Literal["near", "moderate", "any"]
SHIFTS: tuple[Shift, ...] = ("near", "moderate", "any")
"""How far a population's causes are composed otherwise than in training; see
`tuner_job.evaluation.shifts.concentration`."""


class CsmfEstimator(Closed):
    """One way to estimate a CSMF: a method and how far it is held back."""

    method: EstimatorName
    """count: share of deaths whose most probable cause it is; mean: mean probability; em: the
    composition under which the calibrated probabilities are most likely; mixture: the mixture of
    causes' mean probabilities that explains the sample's; bayes: such a composition averaged over
    how far it may differ from training."""
    shrinkage: Annotated[float, Field(ge=0)] = 0.0
    """Pseudo-deaths a cause that are added to the sample (em, mixture)."""
    towards: Literal["uniform", "mean"] = "uniform"
    """How the pseudo-deaths are composed: equally, or like the sample's mean probabilities."""
    limit: Annotated[float, Field(gt=0)] | None = None
    """Deaths from which on more of them count for clearly less each (bayes)."""
    shift: Shift | None = None
    """How far the composition differs from training (bayes); None: it is not known."""

    def __str__(self) -> str:
        if self.method in ("count", "mean"):
            return self.method
        if self.method == "bayes":
            return f"bayes({self.limit or 0:g}{f', {self.shift}' if self.shift else ''})"
        return f"{self.method}({self.shrinkage:g}{', mean' if self.towards == 'mean' else ''})"

    @property
    def needs_calibration(self) -> bool:
        """Whether it needs to know how the model's probabilities behave on held-out deaths.

        Those that do take the composition to differ from training; so must the causes of single
        deaths.
        """
        return self.method in ("em", "mixture", "bayes")
