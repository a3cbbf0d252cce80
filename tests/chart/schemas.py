"""JSON schemas for kubeconform, made from Kubernetes' OpenAPI and from custom resource definitions.

They are strict: an object takes no field that its schema does not name.
"""

import json
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]
REVISION = 2
"""Of what is made of the same sources."""

INT_OR_STRING: Schema = {"type": ["integer", "string"]}
QUANTITY: Schema = {"type": ["number", "string"]}
PREFIX = "#/definitions/"


def strict(node: Any) -> Any:
    """Close every object and turn Kubernetes' extensions into plain JSON schema."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("x-kubernetes-int-or-string") is True or node.get("format") == "int-or-string":
        return INT_OR_STRING
    result = {
        key: strict(value) for key, value in node.items() if not key.startswith("x-kubernetes-")
    }
    if isinstance(properties := node.get("properties"), dict):  # whatever they are called
        result["properties"] = {name: strict(one) for name, one in properties.items()}
    if isinstance(node.get("format"), str):
        del result["format"]  # int32, byte …: no JSON schema formats
    if isinstance(node.get("nullable"), bool) and result.pop("nullable") and "type" in result:
        result["type"] = [result["type"], "null"]
    closed = isinstance(node.get("properties"), dict) and "additionalProperties" not in node
    if closed and not node.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return result


def references(node: Any) -> set[str]:
    """Return the names of the definitions that a schema refers to."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"].removeprefix(PREFIX)} if isinstance(node.get("$ref"), str) else set()
    return own.union(*(references(value) for value in node.values()))


def closure(name: str, definitions: dict[str, Schema]) -> set[str]:
    """Return `name` and every definition that it needs."""
    found: set[str] = set()
    open_names = {name}
    while open_names:
        current = open_names.pop()
        found.add(current)
        open_names |= references(definitions[current]) - found
    return found


def write(folder: Path, group: str, version: str, kind: str, schema: Schema) -> None:
    """Write a schema under the name by which kubeconform asks for it."""
    name = "-".join(part for part in (kind.lower(), group.partition(".")[0], version) if part)
    (folder / f"{name}.json").write_text(json.dumps(schema))


def convert_openapi(path: Path, folder: Path) -> None:
    """Write one self-contained schema for each kind of Kubernetes' ``swagger.json``."""
    raw = json.loads(path.read_text())["definitions"]
    definitions = {name: strict(schema) for name, schema in raw.items()}
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = QUANTITY
    for name, schema in raw.items():
        kinds = schema.get("x-kubernetes-group-version-kind", [])
        if len(kinds) != 1 or "properties" not in schema:  # several: DeleteOptions and the like
            continue
        needed = {key: definitions[key] for key in closure(name, definitions)}
        kind = kinds[0]
        write(
            folder,
            kind["group"],
            kind["version"],
            kind["kind"],
            {"$ref": PREFIX + name, "definitions": needed},
        )


def convert_crd(path: Path, folder: Path) -> None:
    """Write one schema for each version of a custom resource definition."""
    spec = yaml.safe_load(path.read_text())["spec"]
    for version in spec["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        write(folder, spec["group"], version["name"], spec["names"]["kind"], schema)
