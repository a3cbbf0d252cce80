"""Writes docs/api.md from the docstrings of the public face: python docs/api_reference.py"""

from collections.abc import Iterator
from pathlib import Path

import griffe

import tuner_job

PAGE = Path(__file__).parent / "api.md"
HEAD = """# Reference of the Python interface

What [python.md](python.md) names, from its docstrings; written by `docs/api_reference.py`. Shapes
stand in parentheses, `(n_rows, n_features)`. Records and sections of an experiment file are
pydantic models: `model_dump()` gives a dict.
"""
_FIRST = (
    "Experiment",
    "Run",
    "open_results",
    "Best",
    "Prediction",
    "Comparison",
    "Report",
    "ProgressRecord",
    "Model",
    "TunedClassifier",
)
_SECTIONS = griffe.DocstringSectionKind


def page() -> str:
    """Return the page."""
    package = griffe.load("tuner_job", docstring_parser="numpy", resolve_aliases=True)
    homes = {name: module for module, names in tuner_job._HOMES.items() for name in names}
    rest = [name for name in tuner_job.__all__ if name not in _FIRST and name in homes]
    parts = [HEAD]
    for name in (*_FIRST, *rest):
        found = package[f"{homes[name]}.{name}"]
        parts.append("\n".join(_documented(found.final_target if found.is_alias else found, name)))
    return "\n".join(parts)


def _documented(found: griffe.Object, name: str) -> Iterator[str]:
    yield f"## `{name}`\n"
    if isinstance(found, griffe.Function):
        yield f"```python\n{found.signature()}\n```\n"
    elif isinstance(found, griffe.Class) and "__init__" in found.members:
        yield f"```python\n{_constructor(found, name)}\n```\n"
    yield from _docstring(found)
    if isinstance(found, griffe.Class):
        yield from _fields(found)
        for member in _methods(found):
            yield from _method(member)


def _constructor(found: griffe.Class, name: str) -> str:
    made = found.members["__init__"]
    assert isinstance(made, griffe.Function)
    given = [_parameter(one) for one in made.parameters if one.name != "self"]
    if any(one.kind is griffe.ParameterKind.keyword_only for one in made.parameters):
        first = [one.kind for one in made.parameters if one.name != "self"].index(
            griffe.ParameterKind.keyword_only
        )
        given.insert(first, "*")
    one_line = f"{name}({', '.join(given)})"
    if len(one_line) <= 100:
        return one_line
    return f"{name}(\n" + "".join(f"    {one},\n" for one in given) + ")"


def _parameter(one: griffe.Parameter) -> str:
    kind = f": {one.annotation}" if one.annotation else ""
    return f"{one.name}{kind}" + (f" = {one.default}" if one.default is not None else "")


def _fields(found: griffe.Class) -> Iterator[str]:
    """Attributes that have a docstring of their own."""
    fields = [
        (name, one)
        for name, one in found.members.items()
        if isinstance(one, griffe.Attribute)
        and one.docstring
        and not name.startswith("_")
        and "property" not in one.labels
    ]
    for name, one in fields:
        kind = f" ({one.annotation})" if one.annotation else ""
        yield f"* `{name}`{_code(kind)}: {_joined(one.docstring.value)}"
    if fields:
        yield ""


def _code(kind: str) -> str:
    return f" `{kind.strip()[1:-1]}`" if kind else ""


def _methods(found: griffe.Class) -> Iterator[griffe.Object]:
    for name, one in found.members.items():
        if name.startswith("_") or one.is_alias or not one.docstring:
            continue
        if isinstance(one, griffe.Function) or "property" in one.labels:
            yield one


def _method(one: griffe.Object) -> Iterator[str]:
    if isinstance(one, griffe.Function):
        kept = [p for p in one.parameters if p.name not in ("self", "cls")]
        star = [p for p in kept if p.kind is griffe.ParameterKind.keyword_only][:1]
        given = [f"{'*, ' if p in star else ''}{_named(p)}" for p in kept]
        yield f"**`{one.name}({', '.join(given)})`**\n"
    else:
        yield f"**`{one.name}`**\n"
    yield from _docstring(one)


def _named(one: griffe.Parameter) -> str:
    return one.name if one.default is None else f"{one.name}={one.default}"


def _docstring(found: griffe.Object) -> Iterator[str]:
    for section in found.docstring.parsed if found.docstring else ():
        if section.kind is _SECTIONS.text:
            yield f"{_rewrapped(section.value)}\n"
        elif section.kind in (_SECTIONS.parameters, _SECTIONS.attributes):
            if section.kind is _SECTIONS.attributes:
                yield "Attributes:\n"
            for item in section.value:
                shape = str(item.annotation or "")
                kind = f" `{shape}`" if shape.startswith("(") else ""
                for name in item.name.split(", "):
                    yield f"* `{name}`{kind}: {_joined(item.description)}"
            yield ""
        elif section.kind is _SECTIONS.raises:
            for item in section.value:
                names = str(item.annotation).strip("()").split(", ")
                raised = " or ".join(f"`{name}`" for name in names)
                yield f"Raises {raised}: {_joined(item.description)}".removesuffix(": ") + "\n"
        elif section.kind is _SECTIONS.returns:
            said = " ".join(_joined(f"{i.annotation or ''} {i.description}") for i in section.value)
            yield f"Returns {said}\n"


def _joined(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _rewrapped(text: str) -> str:
    """Paragraphs of a docstring, a line each."""
    return "\n\n".join(_joined(part) for part in text.split("\n\n"))


if __name__ == "__main__":
    PAGE.write_text(page() + "\n", encoding="utf-8")
