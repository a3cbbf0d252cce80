"""The base of every model that reads user input: closed, frozen, strict about what it takes."""

import re
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tuner_job.wording import plain, shown

_MOST_PROBLEM = 600  # characters of one sentence
_OF_A_UNION = re.compile(
    r"constrained-\w+|list\[.*\]|function-.*"
)  # pydantic's names of alternatives

EXPERIMENT_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"
"""Names of RayJobs, ConfigMaps and folders of results are made of it."""
LONGEST_NAME = 40


class Closed(BaseModel):
    """A pydantic model that refuses unknown keys and cannot be changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, content: Any) -> Any:
        """Refuse true and false where a number is meant: Python would take them for 1 and 0."""
        for name, value in content.items() if isinstance(content, dict) else ():
            if isinstance(value, bool) and name in cls.model_fields and _is_number(cls, name):
                raise ValueError(f"{name}: must not be true or false, got {str(value).lower()}")
        return content


class OrPath:
    """Says in the JSON Schema that the path of a file may stand for what is in it, which is read
    before validation."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [handler(core), {"type": "string"}]}


@cache
def _is_number(model: type[BaseModel], name: str) -> bool:
    """Whether a field takes numbers and no truth values."""
    annotation = model.model_fields[name].annotation
    return _has(annotation, {int, float}) and not _has(annotation, {bool, Any, object})


def _has(annotation: Any, types: set[Any]) -> bool:
    return annotation in types or any(
        _has(part, types) for part in get_args(annotation) if not isinstance(part, str)
    )


def sentences(error: ValidationError) -> list[str]:
    """Write pydantic's findings as ``key: what must hold, what was found``, everything of the
    user's bounded."""
    return [_sentence(problem) for problem in error.errors(include_url=False)]


def _sentence(problem: Any) -> str:
    key = ".".join(
        plain(part, 80) for part in problem["loc"] if not _OF_A_UNION.fullmatch(str(part)[:80])
    )
    message = plain(problem["msg"].removeprefix("Value error, "), _MOST_PROBLEM)
    match problem["type"]:
        case "extra_forbidden":
            message = "is not a known key"
        case "missing":
            message = "is required"
        case "value_error":
            pass
        case "model_type" | "dict_type":
            message = f"must hold keys and values, got {shown(problem['input'])}"
        case _:
            message = f"{message[0].lower()}{message[1:]}, got {shown(problem['input'])}"
    return f"{key}: {message}" if key else message
