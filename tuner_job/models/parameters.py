"""Parameters of a family read from a plain mapping, with one message for all that is wrong."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tuner_job.errors import ConfigError
from tuner_job.models.base import Params
from tuner_job.wording import plain, shown

P = TypeVar("P", bound=BaseModel)


def read_params(family: str, model: type[P], params: Params) -> P:
    """Validate `params` against the parameters of a family.

    Raises
    ------
    ConfigError
        Lists every problem: the parameter, what must hold and what was found.
    """
    try:
        return model.model_validate(dict(params))
    except ValidationError as error:
        raise ConfigError(_describe(family, model, error)) from None


def read_path(
    family: str, model: type[P], params: Params, name: str, values: Sequence[Any]
) -> list[P]:
    """Validate `params` once for each value of the path parameter `name`.

    Raises
    ------
    ConfigError
        As `read_params`; also if `values` is empty.
    """
    if not values:
        raise ConfigError(
            f"{family}: the path over {name} must have at least one value, found none"
        )
    return [read_params(family, model, {**params, name: value}) for value in values]


def _describe(family: str, model: type[BaseModel], error: ValidationError) -> str:
    problems: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        # A union reports each branch under the same first key: one parameter, one line.
        name = plain(detail["loc"][0], 80) if detail["loc"] else ""
        if detail["type"] == "extra_forbidden":
            problems[name] = (
                f"{name} is not a parameter; must be one of {', '.join(model.model_fields)}"
            )
        elif not name:
            problems[name] = detail["msg"].removeprefix("Value error, ")
        else:
            rule = detail["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
            rules = (
                f"{problems[name].rsplit('; found ', 1)[0]} or {rule}" if name in problems else rule
            )
            must = rules if name in problems else f"{name} must be {rules}"
            problems[name] = f"{must}; found {shown(detail['input'])}"
    return f"{family}: " + "\n  ".join(problems.values())
