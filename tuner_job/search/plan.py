"""What a study is to do."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """What a study is to do.

    Attributes
    ----------
    name
        Identifies the study among those that run together.
    model
        Name of the model family.
    objectives
        Names of the validation metrics that are maximised.
    path
        The family's path parameter, if it has one.
    lag
        Batches under way at once, at most.
    max_trials
        No further configuration is asked once there are so many; None: until the sampler has no
        more.
    first_trial
        Number of the first one.
    assessed
        Whether a trial is scored as a whole, by all its out-of-fold probabilities, and not fold by
        fold.
    nested
        Whether a fit of one value of the path gives exactly what fits of the smaller ones would.
    """

    name: str
    model: str
    objectives: Sequence[str]
    path: str | None
    n_folds: int
    lag: int
    max_trials: int | None
    first_trial: int = 0
    assessed: bool = False
    nested: bool = False
