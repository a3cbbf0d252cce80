"""A configuration of one search space as the same model in another one."""

from collections.abc import Mapping

from tuner_job.search_space.parameters import (
    Choices,
    Configuration,
    DeadEndError,
    Range,
    Scalar,
)
from tuner_job.search_space.space import SearchSpace


def carried(
    space: SearchSpace,
    params: Mapping[str, Scalar],
    untuned_there: Mapping[str, Scalar],
    untuned_here: Mapping[str, Scalar],
) -> Configuration | None:
    """Find the configuration of a space that is the same model as parameters from elsewhere.

    A parameter that only one side names has its untuned value on the other.

    Parameters
    ----------
    untuned_there, untuned_here
        Every parameter of the family, untuned: where the parameters are from, and here.

    Returns
    -------
    None if the space has none.
    """
    whole = {**untuned_there, **params}

    def own(name: str, parameter: Choices | Range) -> Scalar:
        if name not in whole or not parameter.holds(whole[name]):
            raise DeadEndError(name)
        value = whole[name]
        if isinstance(parameter, Range) and isinstance(value, int | float):
            return parameter.nearest(value)
        return value

    try:
        found = space.walk(own)
    except DeadEndError:
        return None
    rest = whole.keys() - found.keys()
    return found if all(whole[name] == untuned_here.get(name) for name in rest) else None
