"""The values' schema: closed, as complete as values.yaml, and refusing what is wrong with the
place named."""

import functools
import json
import re
from collections import Counter
from typing import Any

import chart_tools
import pytest
import yaml
from conftest import VARIANTS, helm_template

from tuner_job.address import parse_results
from tuner_job.public import BUCKETS

Node = dict[str, Any]
SCHEMA: Node = json.loads((chart_tools.CHART / "values.schema.json").read_text())
VALUES: Node = yaml.safe_load((chart_tools.CHART / "values.yaml").read_text())


def resolve(node: Node) -> Node:
    reference = node.get("$ref")
    return resolve(SCHEMA["$defs"][reference.removeprefix("#/$defs/")]) if reference else node


def compare(values: Node, schema: Node, path: str = "") -> list[str]:
    """Return where values.yaml and the schema name different keys."""
    properties = schema.get("properties", {})
    problems = [f"{path}.{key}: not in the schema" for key in values if key not in properties]
    problems += [f"{path}.{key}: not in values.yaml" for key in properties if key not in values]
    for key in set(values) & set(properties):
        child = resolve(properties[key])
        if (
            child.get("additionalProperties") is False
            and isinstance(values[key], dict)
            and values[key]
        ):
            problems += compare(values[key], child, f"{path}.{key}")
    return problems


def open_objects(node: Any, path: str = "") -> list[str]:
    """Return the objects with named properties that also take unnamed ones."""
    if isinstance(node, list):
        return [
            place
            for index, item in enumerate(node)
            for place in open_objects(item, f"{path}[{index}]")
        ]
    if not isinstance(node, dict):
        return []
    here = [path] if "properties" in node and node.get("additionalProperties") is not False else []
    return here + [
        place for key, value in node.items() for place in open_objects(value, f"{path}/{key}")
    ]


def test_schema_and_values_name_the_same_keys() -> None:
    own = dict(SCHEMA, properties={k: v for k, v in SCHEMA["properties"].items() if k != "global"})
    assert compare(VALUES, own) == []


def test_schema_is_closed() -> None:
    # Ray's parameters are Ray's to name and a volume's kinds Kubernetes'; a search space holds a
    # model's parameters; an experiment file is checked by the tuner.
    assert open_objects(SCHEMA) == [
        "/$defs/rayStartParams",
        "/$defs/volume",
        "/$defs/searchSpace",
        "/$defs/schedule/properties/experiment",
    ]


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_good_values_are_taken(values: Node) -> None:
    result = helm_template(values)
    assert result.returncode == 0, result.stderr


def schedule(**changes: Any) -> Node:
    good = {"name": "a", "schedule": "@daily", "experiment": {"data": {}, "models": ["xgboost"]}}
    return {"schedules": [good | changes]}


WRONG: list[tuple[str, Node]] = [
    ("/fullnameOverride", {"fullnameOverride": "Capital"}),
    ("/fullnameOverride", {"fullnameOverride": "x" * 41}),
    ("/nameOverride", {"nameOverride": "1st"}),
    ("/registry", {"registry": "https://registry.example"}),
    ("/image/tag", {"image": {"tag": "a b"}}),
    ("/image/tag", {"image": {"tag": 1.0}}),
    ("/image/digest", {"image": {"digest": "sha256:abc"}}),
    ("/image/pullPolicy", {"image": {"pullPolicy": "Sometimes"}}),
    ("/image", {"image": {"name": "x"}}),
    ("/imagePullSecrets/0", {"imagePullSecrets": ["name"]}),
    ("/rayVersion", {"rayVersion": "2.51.0"}),
    ("/security/runAsUser", {"security": {"runAsUser": 0}}),
    ("/security/fsGroup", {"security": {"fsGroup": "users"}}),
    ("/serviceAccount/annotations/a", {"serviceAccount": {"annotations": {"a": 1}}}),
    ("/serviceAccount/create", {"serviceAccount": {"create": "no"}}),
    ("/pods/podLabels/a", {"pods": {"podLabels": {"a": 1}}}),
    ("/pods/podLabels/a", {"pods": {"podLabels": {"a": "b c"}}}),
    ("/pods/priorityClassName", {"pods": {"priorityClassName": 1000.0}}),
    ("/cluster/enabled", {"cluster": {"enabled": "yes"}}),
    ("/cluster/upgradeStrategy", {"cluster": {"upgradeStrategy": "Rolling"}}),
    ("/cluster/authSecret", {"cluster": {"authSecret": "My Secret"}}),
    ("/autoscaling/upscalingMode", {"autoscaling": {"upscalingMode": "Fast"}}),
    ("/autoscaling/idleTimeoutSeconds", {"autoscaling": {"idleTimeoutSeconds": 0}}),
    ("/head/resources", {"head": {"resources": {"requests": {"cpu": "1"}}}}),
    ("/head/resources/memory", {"head": {"resources": {"memory": "2 GB"}}}),
    ("/head/rayStartParams/num-cpus", {"head": {"rayStartParams": {"num-cpus": "2"}}}),
    ("/head/tolerations/0", {"head": {"tolerations": [{"keys": "a"}]}}),
    ("/head/affinity", {"head": {"affinity": {"nodeAfinity": {}}}}),
    ("/workers/cpus", {"workers": {"cpus": 0}}),
    ("/workers/replicas", {"workers": {"replicas": -1}}),
    ("/workers/maxReplicas", {"workers": {"maxReplicas": 1.5}}),
    ("/workers/nodeSelector/gpu", {"workers": {"nodeSelector": {"gpu": True}}}),
    ("/extraEnv/0", {"extraEnv": [{"A": "b"}]}),
    ("/extraEnv/0/value", {"extraEnv": [{"name": "A", "value": 1}]}),
    ("/extraVolumes/0/name", {"extraVolumes": [{"name": "tmp", "emptyDir": {}}]}),
    ("/extraVolumeMounts/0/mountPath", {"extraVolumeMounts": [{"name": "a", "mountPath": "data"}]}),
    ("/job/backoffLimit", {"job": {"backoffLimit": -1}}),
    ("/job/activeDeadlineSeconds", {"job": {"activeDeadlineSeconds": 0}}),
    ("/kueue/queueName", {"kueue": {"queueName": "x" * 64}}),
    ("/store/url", {"store": {"url": "http://somewhere"}}),
    ("/store/url", {"store": {"url": ""}}),
    ("/store/url", {"store": {"url": "s3://va_results"}}),
    ("/store/url", {"store": {"url": "s3://va-results/a//b"}}),
    ("/store/keyGeneration", {"store": {"keyGeneration": 0}}),
    ("/store/env", {"store": {"env": {"A-B": "c"}}}),
    ("/store/env/A", {"store": {"env": {"A": True}}}),
    ("/store/embedded/persistence/size", {"store": {"embedded": {"persistence": {"size": "big"}}}}),
    (
        "/store/embedded/persistence/accessMode",
        {"store": {"embedded": {"persistence": {"accessMode": "RWO"}}}},
    ),
    ("/searchSpaces", {"searchSpaces": {"svm": {"C": [1]}}}),
    ("/searchSpaces/xgboost/max_depth", {"searchSpaces": {"xgboost": {"max_depth": []}}}),
    ("/searchSpaces/xgboost/max_depth", {"searchSpaces": {"xgboost": {"max_depth": 3}}}),
    ("/searchSpaces/xgboost/eta", {"searchSpaces": {"xgboost": {"eta": {"low": 0.1}}}}),
    (
        "/searchSpaces/xgboost/eta",
        {"searchSpaces": {"xgboost": {"eta": {"low": 0.1, "high": 1, "step": 0.1, "log": True}}}},
    ),
    ("/schedules/0/name", schedule(name="x" * 27)),
    ("/schedules/0/schedule", schedule(schedule="daily")),
    (
        "/schedules/0/experiment",
        schedule(experiment={"name": "b", "data": {}, "models": ["xgboost"]}),
    ),
    ("/schedules/0/experiment", schedule(experiment={"models": ["xgboost"]})),
    ("/rbac/submitters/0/kind", {"rbac": {"submitters": [{"kind": "Role", "name": "a"}]}}),
    ("/networkPolicy/externalStore/ports/0", {"networkPolicy": {"externalStore": {"ports": [0]}}}),
    ("/networkPolicy/apiServer/cidrs/0", {"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1"]}}}),
    ("/networkPolicy/apiServer/cidrs", {"networkPolicy": {"apiServer": {"cidrs": []}}}),
    ("/networkPolicy/apiServer/ports", {"networkPolicy": {"apiServer": {"ports": []}}}),
    ("/networkPolicy/externalStore/ports", {"networkPolicy": {"externalStore": {"ports": []}}}),
    ("/networkPolicy/storeClients/0", {"networkPolicy": {"storeClients": [{"matchLabels": {}}]}}),
    (
        "/networkPolicy/storeClients/0/podSelector/matchLabels/a",
        {"networkPolicy": {"storeClients": [{"podSelector": {"matchLabels": {"a": 1}}}]}},
    ),
    ("/networkPolicy", {"networkPolicy": {"enabled": None}}),
    ("/tests/timeoutSeconds", {"tests": {"timeoutSeconds": 0}}),
    ("", {"worker": {}}),
]


@pytest.mark.parametrize("scheme", BUCKETS)
def test_an_address_that_the_schema_takes_the_programs_take(scheme: str) -> None:
    pattern = SCHEMA["properties"]["store"]["properties"]["url"]["pattern"]
    buckets = ("ab", "abc", "va-results", "va-results-", "-va", "va_results", "va.results", "Va")
    paths = ("", "/", "/a", "/a/", "/a/b", "/a//b", "//", "/.", "/a/../b", "/a?x=1", "/a#b", "/a?",
             "/a@b", "/.a", "/..a", "/a.b", "/a b")  # fmt: skip
    addresses = [f"{scheme}://{bucket}{path}" for bucket in buckets for path in paths]
    taken = [one for one in addresses if re.search(pattern, one)]
    assert {f"{scheme}://va-results{path}" for path in ("", "/a/b", "/.a", "/..a")} <= set(taken)
    assert [one for one in taken if "@" in one] == []
    for one in taken:
        parse_results(one)


def in_rounds() -> list[tuple[int, str, Node]]:
    """Put values under different top-level keys into the same round: Helm tells all problems at
    once."""
    seen: Counter[str] = Counter()
    rounds = []
    for place, values in WRONG:
        (key,) = values
        rounds.append((seen[key], place, values))
        seen[key] += 1
    return rounds


@functools.cache
def refusals(number: int) -> list[str]:
    """Return what Helm says to all wrong values of a round together."""
    merged = {
        key: value for n, _, values in in_rounds() if n == number for key, value in values.items()
    }
    result = helm_template(merged)
    assert result.returncode != 0
    return [line.strip() for line in result.stderr.splitlines()]


@pytest.mark.parametrize(
    ("number", "place", "values"), in_rounds(), ids=[place for place, _ in WRONG]
)
def test_wrong_values_are_refused(number: int, place: str, values: Node) -> None:
    assert any(line.startswith(f"- at '{place}':") for line in refusals(number)), refusals(number)
