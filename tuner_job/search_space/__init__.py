"""Search spaces: which values a parameter may take, and which combinations are valid."""

from tuner_job.search_space.binding import ModelSearchSpace
from tuner_job.search_space.carry import carried
from tuner_job.search_space.parameters import (
    Choices,
    Configuration,
    DeadEndError,
    Range,
    Scalar,
    configuration_key,
)
from tuner_job.search_space.space import SearchSpace

__all__ = [
    "Choices",
    "Configuration",
    "DeadEndError",
    "ModelSearchSpace",
    "Range",
    "Scalar",
    "SearchSpace",
    "carried",
    "configuration_key",
]
