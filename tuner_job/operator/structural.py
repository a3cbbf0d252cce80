"""A JSON Schema of pydantic's as a structural schema, which is all that a custom resource may have.

What structural schemas cannot say (references, alternatives of different types, names of keys) is
left open there: the controller checks it, and says so in the object's conditions.
"""

from typing import Any

Node = dict[str, Any]
_OPEN: Node = {"x-kubernetes-preserve-unknown-fields": True}
_KEPT = (
    "description", "enum", "maximum", "minimum", "maxItems", "minItems", "maxLength", "minLength",
    "pattern", "required", "type",
)  # fmt: skip


def structural(schema: Node) -> Node:
    """Return the structural schema of a whole JSON Schema, with the definitions that it holds."""
    return _node(schema, schema.get("$defs", {}))


def _node(schema: Node, known: dict[str, Node]) -> Node:
    if "$ref" in schema:
        named = known[schema["$ref"].rpartition("/")[2]]
        schema = {**named, **{key: schema[key] for key in schema if key != "$ref"}}
    about = {key: " ".join(schema[key].split()) for key in ("description",) if key in schema}
    if "anyOf" in schema:
        return _alternatives(schema["anyOf"], known) | about
    if "type" not in schema:
        return _OPEN | about
    node = {key: schema[key] for key in _KEPT if key in schema} | about
    for bound in ("Maximum", "Minimum"):
        if f"exclusive{bound}" in schema:  # OpenAPI's is a mark on the bound
            node |= {bound.lower(): schema[f"exclusive{bound}"], f"exclusive{bound}": True}
    if "items" in schema:
        node["items"] = _node(schema["items"], known)
    if schema["type"] == "object":
        node |= _keys(schema, known)
    return node


def _keys(schema: Node, known: dict[str, Node]) -> Node:
    """What an object holds; a key that nobody knows is kept, to be told."""
    if "properties" in schema:
        properties = {name: _node(one, known) for name, one in schema["properties"].items()}
        return {"properties": properties} | _OPEN
    if isinstance(schema.get("additionalProperties"), dict):
        return {"additionalProperties": _node(schema["additionalProperties"], known)}
    return _OPEN


def _alternatives(options: list[Node], known: dict[str, Node]) -> Node:
    """One type, or nothing; a whole number or a text; all else is left open."""
    given = [one for one in options if one.get("type") != "null"]
    nothing = {"nullable": True} if len(given) < len(options) else {}
    if len(given) == 1:
        node = _node(given[0], known)
        return {key: node[key] for key in node if key != "enum" or not nothing} | nothing
    return dict(_OPEN)
