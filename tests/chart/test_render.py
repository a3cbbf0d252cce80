"""What the chart renders: valid, restricted, lean, and clear where it cannot be."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import chart_tools
import pytest
import schemas
import yaml
from conftest import Render, Values, helm_template, run
from pods import all_pods, violations

SCHEMAS = "{{.ResourceKind}}{{.KindSuffix}}.json"
Objects = list[dict[str, Any]]
SCHEDULE = {
    "name": "monthly",
    "schedule": "@monthly",
    "experiment": {"data": {}, "models": ["xgboost"]},
}


@functools.cache
def own_schemas() -> Path:
    """A folder with the schema of TuningExperiment, as the chart has it now."""
    folder = Path(tempfile.mkdtemp())
    schemas.convert_crd(chart_tools.CHART / "files" / "tuningexperiments.yaml", folder)
    return folder


def kubeconform(text: str) -> dict[str, Any]:
    locations = [
        option
        for folder in (chart_tools.schema_folder(), own_schemas())
        for option in ("-schema-location", f"{folder}/{SCHEMAS}")
    ]
    result = run("kubeconform", "-strict", "-output", "json", "-summary", *locations, stdin=text)
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_objects_are_valid(variant: Objects) -> None:
    answer = kubeconform(yaml.safe_dump_all(variant))
    assert answer["summary"] == {"valid": len(variant), "invalid": 0, "errors": 0, "skipped": 0}, (
        answer
    )


def test_manifests_are_valid() -> None:
    paths = sorted((chart_tools.ROOT / "manifests").glob("*.yaml"))
    n_objects = sum(len(list(yaml.safe_load_all(path.read_text()))) for path in paths)
    answer = kubeconform("---\n".join(path.read_text() for path in paths))
    assert answer["summary"] == {"valid": n_objects, "invalid": 0, "errors": 0, "skipped": 0}, (
        answer
    )


@pytest.mark.parametrize("path", ["headGroupSpec", "headGroupSpec.template.spec", "authOptions"])
def test_schemas_refuse_unknown_fields(render: Render, path: str) -> None:
    cluster = next(document for document in render({}) if document["kind"] == "RayCluster")
    node = cluster["spec"]
    for key in path.split("."):
        node = node[key]
    node["misspelt"] = 1
    assert kubeconform(yaml.safe_dump(cluster))["summary"]["invalid"] == 1


def test_every_pod_is_restricted(variant: Objects) -> None:
    found = {place: violations(pod["spec"]) for place, pod in all_pods(variant)}
    assert {place: problems for place, problems in found.items() if problems} == {}
    assert {
        "RayCluster head",
        "RayCluster workers",
        "RayJob submitter",
        "RayJob head",
        "Pod",
    } <= set(found)


def test_memory_is_requested_as_limited(variant: Objects) -> None:
    for place, pod in all_pods(variant):
        for container in pod["spec"]["containers"]:
            resources = container["resources"]
            assert resources["requests"]["memory"] == resources["limits"]["memory"], place


def test_only_who_needs_it_gets_an_api_token(variant: Objects) -> None:
    """Not the head's own container: what an experiment brings runs there."""
    found = set()
    for place, pod in all_pods(variant):
        mounted = pod["spec"]["automountServiceAccountToken"]
        for container in pod["spec"]["containers"]:
            mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
            if mounted or "/var/run/secrets/kubernetes.io/serviceaccount" in mounts:
                found.add((place, container["name"]))
    clusters = [document for document in variant if document["kind"] == "RayCluster"]
    scaled = clusters[0]["spec"]["enableInTreeAutoscaling"]
    embedded = any(document["metadata"]["name"] == "va-tuning-store" for document in variant)
    keys, heads = (
        {("Job", "main")},
        {("RayCluster head", "autoscaler"), ("RayJob head", "autoscaler")},
    )
    always = {("Deployment", "operator")}
    assert found == always | (keys if embedded else set()) | (heads if scaled else set())
    accounts = [document for document in variant if document["kind"] == "ServiceAccount"]
    assert [account["automountServiceAccountToken"] for account in accounts] == [False] * (
        2 + embedded + scaled
    )


AUTHORITY = {"env": {"A": "b"}, "caBundle": {"configMap": "authority"}}
EXTERNAL = {"url": "s3://elsewhere", "existingSecret": "keys", "embedded": {"enabled": False}}


@pytest.mark.parametrize("reader", ["", "reader"])
@pytest.mark.parametrize("store", [{}, EXTERNAL], ids=["embedded", "external"])
def test_no_variable_stands_twice(render: Render, store: Values, reader: str) -> None:
    values = {
        "store": AUTHORITY | store,
        "web": {"enabled": True, "storeSecret": reader},
        "notification": {"url": "https://receiver.example", "secret": {"name": "notify"}},
        "schedules": [SCHEDULE],
    }
    for place, pod in all_pods(render(values)):
        for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", []):
            names = [one["name"] for one in container.get("env", [])]
            assert len(names) == len(set(names)), (place, container["name"], names)


def test_mounts_have_volumes(variant: Objects) -> None:
    for place, pod in all_pods(variant):
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        for container in pod["spec"]["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes, place


def test_root_file_systems_are_read_only(variant: Objects) -> None:
    for place, pod in all_pods(variant):
        for container in pod["spec"]["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, place
            assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}, place


def test_objects_share_the_namespace(variant: Objects) -> None:
    found = [one for one in variant if one["kind"] != "CustomResourceDefinition"]
    assert {document["metadata"]["namespace"] for document in found} == {"va"}


@pytest.mark.parametrize("release", ["va-tuning", "x", "r" * 53])
def test_names_fit(render: Render, release: str) -> None:
    limits = {
        "RayCluster": 53,
        "RayJob": 47,
        "CronJob": 52,
        "Job": 63,
        "Service": 63 - len("-head-svc"),
    }
    for document in render({"schedules": [SCHEDULE]}, release=release):
        assert len(document["metadata"]["name"]) <= limits.get(document["kind"], 253), document[
            "kind"
        ]


def test_a_schedule_with_too_long_a_name_is_refused() -> None:
    result = helm_template({"schedules": [SCHEDULE | {"name": "s" * 26}]}, release="r" * 53)
    assert "a CronJob's name may have 52 characters" in result.stderr


def test_a_schedule_does_not_take_the_name_of_an_object_of_the_release(render: Render) -> None:
    own = [one["metadata"]["name"] for one in render({}) if one["kind"] == "ConfigMap"]
    names = [name.removeprefix("va-tuning-") for name in own]
    assert len(names) > 4
    said = helm_template({"schedules": [SCHEDULE | {"name": name} for name in names]}).stderr
    for name in names:
        assert f'the name "{name}" is taken' in said


def test_search_spaces_are_the_default_ones_and_can_be_changed(render: Render) -> None:
    def space(values: dict[str, Any], model: str) -> Any:
        name = f"va-tuning-space-{model.replace('_', '-')}"
        found = [document for document in render(values) if document["metadata"]["name"] == name]
        return yaml.safe_load(found[0]["data"][f"{model}.yaml"])

    assert space({}, "xgboost")["learning_rate"] == [0.01, 0.05, 0.1, 0.3]
    assert space({}, "random_forest")["max_depth"] == [None, 10, 20, 30]
    assert space({}, "logistic_regression")["l1_ratio"]["when"] == {"penalty": "elasticnet"}
    changed = {
        "searchSpaces": {"xgboost": {"learning_rate": {"low": 0.01, "high": 0.3, "log": True}}}
    }
    assert space(changed, "xgboost")["learning_rate"] == {"low": 0.01, "high": 0.3, "log": True}
    removed = space({"searchSpaces": {"xgboost": {"learning_rate": None}}}, "xgboost")
    assert "learning_rate" not in removed
    assert "max_depth" in removed


def test_without_kuberay_it_says_what_to_do() -> None:
    result = helm_template({}, apis="")
    assert result.returncode != 0
    assert "the KubeRay operator is not installed" in result.stderr
    assert "Install KubeRay v1.6 or newer first" in result.stderr


def test_all_problems_are_told_together() -> None:
    values = {
        "workers": {"minReplicas": 5, "replicas": 1},
        "store": {"url": "gs://bucket", "secretKeys": {"A": "a"}},
        "cluster": {"enabled": False},
        "schedules": [SCHEDULE, SCHEDULE],
    }
    result = helm_template(values, release="1st")
    assert result.returncode != 0
    for sentence in (
        "must begin with a lower-case letter",
        "minReplicas ≤ replicas ≤ maxReplicas; they are 5, 1, 4",
        'store.url must begin with s3:// while store.embedded.enabled is true; it is "gs://bucket"',
        "store.existingSecret is empty",
        "set cluster.enabled=true",
        'the name "monthly" stands twice',
    ):
        assert sentence in result.stderr


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ALLOW_HTTP"])
@pytest.mark.parametrize("key", ["env", "secretKeys"])
def test_where_the_embedded_store_is_is_not_said_twice(key: str, name: str) -> None:
    store = {"existingSecret": "keys", key: {name: "elsewhere"}}
    refused = helm_template({"store": store})
    assert f"store.env and store.secretKeys must not have {name}" in refused.stderr
    assert helm_template({"store": store | EXTERNAL}).returncode == 0


@pytest.mark.parametrize("values", ["values.yaml", "values-kind.yaml"])
def test_lint(values: str) -> None:
    path: Path = chart_tools.CHART / values
    result = run(
        "helm", "lint", "--strict", "--kube-version", "1.34.0", "--values", path, chart_tools.CHART
    )
    assert result.returncode == 0, result.stdout


def test_unittest_suites() -> None:
    result = run("helm-unittest", "--strict", "--file", "tests/*_test.yaml", chart_tools.CHART)
    assert result.returncode == 0, result.stdout
    assert "Test Suites:" in result.stdout
