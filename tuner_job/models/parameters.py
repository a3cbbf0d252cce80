"""Parameters of a family read from a plain mapping, with one message for all that is wrong."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tuner_job.errors import ConfigError
from tuner_job.models.base import Params
from tuner_job.schema import finding
from tuner_job.wording import plain

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
    problems: dict[str, list[str]] = {}
    for found in error.errors(include_url=False):
        # A union reports each branch under the same first key: one parameter, one line.
        name = plain(found["loc"][0], 80) if found["loc"] else ""
        problems.setdefault(name, []).append(finding(found))
    lines = [f"{name}: {', or '.join(said)}".removeprefix(": ") for name, said in problems.items()]
    if problems.keys() - {"", *model.model_fields}:
        lines.append(f"parameters are {', '.join(model.model_fields)}")
    return f"{family}: " + "\n  ".join(lines)
