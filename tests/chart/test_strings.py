"""Strings that look like numbers, truth values or YAML come out of the chart as they went in."""

import functools
import json
import re
from typing import Any

import chart_tools
import pytest
import yaml
from conftest import VARIANTS, helm_template
from pods import walk

Node = Any
SCHEMA = json.loads((chart_tools.CHART / "values.schema.json").read_text())

HOSTILE = [
    *(
        "1e3",
        "true",
        "null",
        "yes",
        "on",
        "y",
        "0x10",
        "0123",
        "0o17",
        "1_000",
        "12:30",
        ".5",
        "1.0",
        "~",
        "NaN",
        ".inf",
    ),
    *(
        "a: b",
        "{x}",
        "*a",
        "&a",
        "# c",
        "a #b",
        "[1]",
        "- a",
        "!!int 3",
        "%d",
        "`x`",
        "@x",
        "|",
        ">",
        "'",
        '"',
        "a\nb",
        "\t",
        " x ",
    ),
    *("2024-01-01", "=", "<<", "{{ .Values }}", "x:", "?"),
]
# What a plain scalar may be to any of YAML 1.1, YAML 1.2 and the reader in Kubernetes.
AMBIGUOUS = re.compile(
    r"[-+]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)([eE][-+]?\d+)?|[-+]?0[xob][\da-fA-F_]+|[-+]?\d+(:[0-5]?\d)+(\.\d*)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    r"|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|y|Y|n|N|\d{4}-\d\d?-\d\d?.*|"
)


class Strict(yaml.SafeLoader):
    """Reads a plain scalar as a string only where no reader of YAML would take it for anything
    else."""


def _strict_scalar(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    if node.style is None and AMBIGUOUS.fullmatch(node.value):
        return ("not a string", node.value)
    return node.value


for _tag in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge"):
    Strict.add_constructor(f"tag:yaml.org,2002:{_tag}", _strict_scalar)


def full_values() -> Node:
    """Values in which every string that the schema names is there once."""
    text = "x"
    placement = {
        "podLabels": {"label": text},
        "podAnnotations": {"annotation": text},
        "nodeSelector": {"node": text},
        "tolerations": [{"key": text, "value": text}],
        "topologySpreadConstraints": [],
        "affinity": {},
        "priorityClassName": text,
    }
    selector = {
        "matchLabels": {"peer": text},
        "matchExpressions": [{"key": text, "operator": "In", "values": [text]}],
    }
    quantities = {
        "cpu": "1",
        "memory": "1Gi",
        "ephemeralStorage": "1Gi",
        "cpuLimit": "1",
        "extra": {"example.org/gpu": text},
    }
    schedule = {
        "name": "nightly",
        "schedule": "@daily",
        "timeZone": text,
        "experiment": {"data": {"source": text}, "models": [text]},
    }
    return {
        "image": {"tag": text},
        "imagePullSecrets": [{"name": text}],
        "pods": placement,
        "serviceAccount": {"name": text, "annotations": {"account": text}},
        "cluster": {"authSecret": text},
        "autoscaling": {"enabled": True, "resources": quantities},
        "head": placement | {"resources": quantities, "rayStartParams": {"param": text}},
        "workers": placement | {"resources": quantities, "rayStartParams": {"param": text}},
        "extraEnv": [{"name": "X", "value": text}],
        "extraEnvFrom": [{"prefix": text}],
        "extraVolumes": [{"name": "volume", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": text, "mountPath": "/x", "subPath": text}],
        "job": placement | {"submitterResources": quantities},
        "kueue": {"queueName": text},
        "store": {
            "existingSecret": text,
            "secretKeys": {"AWS_ACCESS_KEY_ID": text, "y": text},
            "env": {"X": text, "y": text},
            "embedded": placement | {
                "image": {"tag": text},
                "resources": quantities,
                "persistence": {"storageClass": text, "existingClaim": text},
            },
        },
        "schedules": [schedule],
        "rbac": {"submitters": [
            {"kind": "User", "name": text, "namespace": text, "apiGroup": text},
        ]},
        "networkPolicy": {
            "operator": {"namespace": text, "podLabels": {"operator": text}},
            "dns": {"namespace": text, "podLabels": {"dns": text}, "cidrs": ["10.0.0.0/8"]},
            "apiServer": {"cidrs": ["10.0.0.0/8"]},
            "storeClients": [{"podSelector": selector}],
            "dashboardClients": [{"namespaceSelector": selector}],
            "metricsClients": [{"namespaceSelector": selector}],
        },
    }  # fmt: skip


def resolve(node: Node) -> Node:
    return (
        resolve(SCHEMA["$defs"][node["$ref"].removeprefix("#/$defs/")])
        if node and "$ref" in node
        else node
    )


def schema_of(parent: Node, key: str | int) -> Node:
    """Return the schema of an element or a property, None where the schema leaves it open."""
    if parent is None or isinstance(key, int):
        return resolve((parent or {}).get("items"))
    others = parent.get("additionalProperties")
    by_pattern = [
        child
        for pattern, child in parent.get("patternProperties", {}).items()
        if re.search(pattern, key)
    ]
    candidates = [
        parent.get("properties", {}).get(key),
        *by_pattern,
        others if isinstance(others, dict) else None,
    ]
    return resolve(next((child for child in candidates if child is not None), None))


def schema_at(path: tuple[Any, ...]) -> Node:
    return functools.reduce(schema_of, path, SCHEMA)


def takes(schema: Node, text: str) -> bool:
    """Whether the schema takes a string, by the keywords that this schema uses of strings."""
    if schema is None:
        return True
    if "anyOf" in schema:
        return any(takes(resolve(option), text) for option in schema["anyOf"])
    kinds = schema.get("type", "string")
    checks = (
        "string" in ([kinds] if isinstance(kinds, str) else kinds),
        "enum" not in schema or text in schema["enum"],
        "const" not in schema or text == schema["const"],
        len(text) <= schema.get("maxLength", 10**6),
        len(text) >= schema.get("minLength", 0),
        bool(re.search(schema.get("pattern", ""), text)),
    )
    return all(checks)


def replaced(values: Node, text: str) -> tuple[Node, int]:
    """Put a string wherever the schema takes it; return the values and in how many places it
    stands."""
    values = json.loads(json.dumps(values))
    count = 0
    for path, node in list(walk(values)):
        if isinstance(node, str) and takes(schema_at(path), text):
            parent = functools.reduce(lambda inner, key: inner[key], path[:-1], values)
            parent[path[-1]] = text
            count += 1
    return values, count


def scalars(text: str) -> dict[tuple[Any, ...], Any]:
    """Read a rendering strictly, the YAML in ConfigMaps too: place → scalar."""
    found = {}
    for path, node in walk(list(yaml.load_all(text, Strict))):
        if not isinstance(node, (dict, list)):
            found[path] = node
        if isinstance(node, str) and str(path[-1]).endswith(".yaml"):
            found |= {(*path, *inner): leaf for inner, leaf in scalars(node).items()}
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_strings_stay_strings(text: str) -> None:
    values, places = replaced(full_values(), text)
    assert places > 15  # annotations, environment and the like take anything
    result = helm_template(values)
    assert result.returncode == 0, result.stderr
    plain = scalars(helm_template(full_values()).stdout)
    found = scalars(result.stdout)
    wrong = {
        path: found.get(path)
        for path, value in plain.items()
        if isinstance(value, str) and not isinstance(found.get(path), str)
    }
    assert wrong == {}
    assert sum(value == text for value in found.values()) >= places


def misread(values: Node, **where: str) -> list[Any]:
    result = helm_template(values | {"schedules": VARIANTS["everything"]["schedules"]}, **where)
    assert result.returncode == 0, result.stderr
    return [value for value in scalars(result.stdout).values() if isinstance(value, tuple)]


@pytest.mark.parametrize("name", ["null", "true", "yes", "on", "y"])
def test_names_stay_strings(name: str) -> None:
    names = {"fullnameOverride": name, "nameOverride": name}
    assert misread(names, release="1", namespace="0123") == misread({}, release="x", namespace="x")
