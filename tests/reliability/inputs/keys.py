"""Every key of an experiment file with values that its JSON Schema excludes: the schema is the
judge."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jsonschema

from tests.reliability.case import ONLY_REFUSED, REFUSED_OR_ACCEPTED, Case
from tests.reliability.samples import BASE, experiment, put

GROUP = "keys of an experiment"
_VALUES: dict[str, Any] = {
    "text": "zzz",
    "empty text": "",
    "a long text": "z" * 5000,
    "escapes": "\x1b[31m\u202e\nva-tuning: fine",
    "true": True,
    "0": 0,
    "-1": -1,
    "0.5": 0.5,
    "10²⁰": 10**20,
    "10⁴⁰⁰": 10**400,
    "infinity": float("inf"),
    "nan": float("nan"),
    "null": None,
    "an empty list": [],
    "a list": [[1, "x", None]],
    "an empty map": {},
    "a map": {"a": {"b": [1]}},
}


def cases() -> Iterator[Case]:
    """Yield a case for every key and value."""
    from tuner_job.config.experiment import ExperimentConfig

    schema = ExperimentConfig.model_json_schema()
    for path in _paths(schema, schema):
        for name, value in _VALUES.items():
            content = _with(path, value)
            excluded = not _valid(content, schema) and not (
                value == 0 and _valid(_with(path, False), schema)
            )
            key = path[-1]
            yield Case(
                GROUP,
                ".".join(path),
                name,
                ("validate", "experiment.yaml"),
                partial(put, content=content),
                ONLY_REFUSED if excluded else REFUSED_OR_ACCEPTED,
                (f"{key}|line ",) if excluded else (),
                seconds=15,
            )


def _valid(content: dict[str, Any], schema: dict[str, Any]) -> bool:
    finite = not any(isinstance(v, float) and v != v for v in _leaves(content))  # JSON has no nan
    return finite and jsonschema.Draft202012Validator(schema).is_valid(content)


def _leaves(node: Any) -> Iterator[Any]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _leaves(child)
    yield node


def _paths(
    node: dict[str, Any], schema: dict[str, Any], before: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Walk the keys that the schema names, sections before what stands in them."""
    for section in (node, *node.get("anyOf", ())):  # of a section that a word may stand for, too
        if "$ref" in section:
            section = schema["$defs"][section["$ref"].rsplit("/", 1)[-1]]
        for key, below in section.get("properties", {}).items():
            yield (*before, key)
            yield from _paths(below, schema, (*before, key))


def _with(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A good experiment with one key changed."""
    content: dict[str, Any] = experiment(data=dict(BASE["data"]))
    if path[1:2] == ("synthetic",):
        content["data"] = {"format": "synthetic"}
    section = content
    for key in path[:-1]:
        section[key] = dict(section.get(key, {}))
        section = section[key]
    section[path[-1]] = value
    return content
