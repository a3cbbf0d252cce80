"""The base of every model that reads user input: closed, frozen, strict about what it takes."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Any, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    GetPydanticSchema,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from tuner_job.wording import plain, shown

_MOST_PROBLEM = 600  # characters of one sentence
_OF_A_UNION = re.compile(
    r"constrained-\w+|list\[.*\]|function-.*"
)  # pydantic's names of alternatives

EXPERIMENT_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"
"""Names of RayJobs, ConfigMaps and folders of results are made of it."""
LONGEST_NAME = 40


def one_of(names: Iterable[str]) -> GetPydanticSchema:
    """Annotation of a ``str`` that must be among `names`, as `Literal` is for names that a table
    does not hold."""
    literal = core_schema.literal_schema(list(names))
    return GetPydanticSchema(lambda _, __: literal)


class Described(BaseModel):
    """A pydantic model whose JSON Schema describes its fields by the strings that stand below them.

    They are looked up when a schema is asked for: pydantic does it at each start, for a tenth of a
    second.
    """

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(core)
        properties = handler.resolve_ref_schema(found).get("properties", {})
        for name, text in descriptions(cls).items():
            field = cls.model_fields.get(name)
            key = field.alias if field and field.alias else name
            if key in properties:
                properties[key].setdefault("description", text)
        return found


@cache
def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Field → the string below it in the source of the class or of one that it extends."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if not one.__module__.startswith("tuner_job.") or one is Described:
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        assert isinstance(tree, ast.ClassDef)
        for field, below in pairwise(tree.body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                match below:
                    case ast.Expr(ast.Constant(str(text))):
                        found[field.target.id] = inspect.cleandoc(text)
    return found


class Closed(Described):
    """A pydantic model that refuses unknown keys and cannot be changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, content: Any) -> Any:
        """Refuse true and false where a number is meant: Python would take them for 1 and 0."""
        for name in _numbers(cls) if isinstance(content, dict) else ():
            if isinstance(value := content.get(name), bool):
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
def _numbers(model: type[BaseModel]) -> tuple[str, ...]:
    """Names of the fields that take numbers and no truth values."""
    return tuple(
        name
        for name, field in model.model_fields.items()
        if _has(field.annotation, {int, float}) and not _has(field.annotation, {bool, Any, object})
    )


def _has(annotation: Any, types: set[Any]) -> bool:
    return annotation in types or any(
        _has(part, types) for part in get_args(annotation) if not isinstance(part, str)
    )


def sentences(error: ValidationError, values: bool = True) -> list[str]:
    """Write pydantic's findings as ``key: what must hold, what was found``, everything of the
    user's bounded.

    Parameters
    ----------
    values
        Whether what was found is shown: not where it may be a secret.
    """
    found = error.errors(include_url=False, include_input=values)
    return [
        f"{key}: {finding(problem)}" if (key := _key(problem)) else finding(problem)
        for problem in found
    ]


def finding(problem: ErrorDetails) -> str:
    """Write one of pydantic's findings without its key: what must hold, and what was found."""
    message = plain(problem["msg"].removeprefix("Value error, "), _MOST_PROBLEM)
    got = f", got {shown(problem['input'])}" if "input" in problem else ""
    match problem["type"]:
        case "extra_forbidden":
            return "is not a known key"
        case "missing":
            return "is required"
        case "value_error":
            return message
        case "model_type" | "dict_type":
            return f"must hold keys and values{got}"
        case _:
            return f"{message[0].lower()}{message[1:]}{got}"


def _key(problem: ErrorDetails) -> str:
    return ".".join(
        plain(part, 80) for part in problem["loc"] if not _OF_A_UNION.fullmatch(str(part)[:80])
    )
