"""Configurations that the fit of another one goes through: scoring them takes no fit."""

from collections.abc import Callable

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

    Only values that the space lists count, and of more than `MOST` that many, evenly spread.
    """
    own, parameter = asked.get(path), space.parameters.get(path)
    if parameter is None or not isinstance(own, int | float):
        return []
    smaller = sorted(v for v in _listed(parameter) if isinstance(v, int | float) and v < own)
    found = [{**asked, path: value} for value in smaller]
    allowed = [configuration for configuration in found if allows(space, configuration)]
    n = len(allowed)
    return [allowed[i * n // MOST] for i in range(MOST)] if n > MOST else allowed


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
