"""Configurations that the fit of another one goes through: scoring them takes no fit."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner_job.config.experiment import HyperparameterSearchConfig
from tuner_job.search_space import Choices, Configuration, Range, SearchSpace

MOST = 8
"""Smaller values scored beside the one asked for: each takes a moment of scoring."""
_TRIED = 10_000
"""Of more smaller values so many, evenly spread, are looked at."""

FreeConfigurations = Callable[[Configuration], list[Configuration]]


def free_configurations(
    config: HyperparameterSearchConfig, space: SearchSpace, nested_path: str | None
) -> FreeConfigurations | None:
    """Return what finds them; None where they are not wanted or there are none.

    Parameters
    ----------
    nested_path
        The model's path parameter if the fit of a value goes through the smaller ones.
    """
    if (
        nested_path is None
        or not config.free_knowledge
        or config.search_method not in ("bayesian", "optuna")
    ):
        return None
    return lambda asked: passed_through(space, nested_path, asked)


def passed_through(space: SearchSpace, path: str, asked: Configuration) -> list[Configuration]:
    """Configurations of the space that differ from `asked` in a smaller value of `path`, ascending.

    Of more than `MOST` that many, evenly spread.
    """
    own, parameter = asked.get(path), space.parameters.get(path)
    if parameter is None or not isinstance(own, int | float):
        return []
    smaller = _smaller(parameter, own)
    if len(smaller) > _TRIED:
        smaller = [smaller[i * len(smaller) // _TRIED] for i in range(_TRIED)]
    found = [{**asked, path: value} for value in smaller]
    allowed = [configuration for configuration in found if space.holds(configuration)]
    n = len(allowed)
    return [allowed[i * n // MOST] for i in range(MOST)] if n > MOST else allowed


def _smaller(parameter: Choices | Range, own: int | float) -> Sequence[int | float]:
    """Values below one's own, ascending; those of a long range are not listed."""
    if isinstance(parameter, Choices):
        return sorted(v for v in parameter.choices if isinstance(v, int | float) and v < own)
    values = parameter.members or range(0)
    return values[: bisect_left(values, own)]


@dataclass(frozen=True)
class Sizes:
    """The configurations of a space that a fit goes through as its size, the path parameter,
    grows."""

    space: SearchSpace
    path: str

    def configuration(self, asked: Configuration, size: int) -> Configuration | None:
        """Return what the fit of `asked` is at a size; None if the space does not hold it."""
        parameter = self.space.parameters.get(self.path)
        if parameter is None or self.path not in asked:
            return None
        passed: Configuration = {**asked, self.path: size}
        return passed if self.space.holds(passed) else None

    def listed_after(self, size: int) -> int | None:
        """Return the next larger size that the space lists; None if it lists none."""
        parameter = self.space.parameters.get(self.path)
        if isinstance(parameter, Choices):
            return min(
                (value for value in parameter.choices if isinstance(value, int) and value > size),
                default=None,
            )
        if parameter is None or parameter.step is None or not parameter.integer:
            return None
        listed = parameter.members or range(0)
        at = bisect_right(listed, size)
        return int(listed[at]) if at < len(listed) else None
