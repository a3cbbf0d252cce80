"""Configurations that the fit of another one goes through: scoring them takes no fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner_job.config import HyperparameterSearchConfig
from tuner_job.search_space import Choices, Configuration, DeadEndError, Range, Scalar, SearchSpace

MOST = 8
"""Smaller values scored beside the one asked for: each takes a moment of scoring."""

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
    if nested_path is None or not config.free_knowledge or config.search_method not in ("bayesian", "optuna"):
        return None
    return lambda asked: passed_through(space, nested_path, asked)


def passed_through(space: SearchSpace, path: str, asked: Configuration) -> list[Configuration]:
    """Configurations of the space that differ from `asked` in a smaller value of `path`, ascending.

    Of more than `MOST` that many, evenly spread.
    """
    own, parameter = asked.get(path), space.parameters.get(path)
    if parameter is None or not isinstance(own, int | float):
        return []
    values: Sequence[Scalar] = _listed(parameter)
    if isinstance(parameter, Range) and parameter.step is None and parameter.integer:
        values = range(int(parameter.low), int(own))
    smaller = sorted(v for v in values if isinstance(v, int | float) and v < own)
    found = [{**asked, path: value} for value in smaller]
    allowed = [configuration for configuration in found if allows(space, configuration)]
    n = len(allowed)
    return [allowed[i * n // MOST] for i in range(MOST)] if n > MOST else allowed


@dataclass(frozen=True)
class Sizes:
    """The configurations of a space that a fit goes through as its size, the path parameter, grows."""

    space: SearchSpace
    path: str

    def configuration(self, asked: Configuration, size: int) -> Configuration | None:
        """Return what the fit of `asked` is at a size; None if the space does not hold it."""
        parameter = self.space.parameters.get(self.path)
        if parameter is None or self.path not in asked:
            return None
        if isinstance(parameter, Range) and not parameter.low <= size <= parameter.high:
            return None
        if parameter.values is not None and size not in parameter.values:
            return None
        passed: Configuration = {**asked, self.path: size}
        return passed if allows(self.space, passed) else None

    def listed_after(self, size: int) -> int | None:
        """Return the next larger size that the space lists; None if it lists none."""
        parameter = self.space.parameters.get(self.path)
        listed = _listed(parameter) if parameter else []
        return min((value for value in listed if isinstance(value, int) and value > size), default=None)


def allows(space: SearchSpace, configuration: Configuration) -> bool:
    """Whether the space's choices, conditions and `forbid` rules leave room for a configuration."""

    def own(name: str, parameter: Choices | Range) -> Scalar:
        if name not in configuration:
            raise DeadEndError(name)
        value = configuration[name]
        if isinstance(parameter, Choices) and value not in parameter.choices:
            raise DeadEndError(name)
        return value

    if any(rule and rule.items() <= configuration.items() for rule in space.forbid):
        return False
    try:
        return space.walk(own) == configuration
    except DeadEndError:
        return False


def _listed(parameter: Choices | Range) -> list[Scalar]:
    """Values that the file lists; a range without a step lists none."""
    if isinstance(parameter, Range) and parameter.step is None:
        return []
    return parameter.values or []
