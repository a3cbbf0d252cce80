"""What holds for every pod, every image and every rendering, whatever the chart comes to hold."""

import functools
import re
from typing import Any

import chart_tools
import pytest
from conftest import VARIANTS, Render, helm_template
from pods import walk

Node = Any
TOLERATION = {"key": "va", "operator": "Exists", "effect": "NoSchedule"}
EVERY_POD = {
    "imagePullSecrets": [{"name": "registry"}],
    "pods": {
        "podLabels": {"team": "va", "app.kubernetes.io/component": "stranger"},
        "podAnnotations": {"audit": "yes"},
        "nodeSelector": {"pool": "0123"},
        "tolerations": [TOLERATION],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        "priorityClassName": "1e3",
    },
    "schedules": VARIANTS["everything"]["schedules"],
}


def pods(documents: list[Node]) -> list[tuple[str, Node]]:
    """Find everything that has containers, wherever it stands: a new kind of pod cannot be
    forgotten."""
    found = []
    for document in documents:
        for path, node in walk(document):
            if (
                isinstance(node, dict)
                and isinstance(node.get("spec"), dict)
                and "containers" in node["spec"]
            ):
                found.append((f"{document['kind']} {document['metadata']['name']} {path}", node))
    return found


def test_what_is_asked_for_all_pods_reaches_every_pod(render: Render) -> None:
    asked = EVERY_POD["pods"]
    found = pods(render(EVERY_POD))
    # Job × 2, Deployment, CronJob, 2 test pods, RayCluster × 2, RayJob: a submitter each and one
    # with a cluster
    assert len(found) >= 13
    for place, pod in found:
        metadata, spec = pod["metadata"], pod["spec"]
        assert metadata["labels"]["team"] == "va", place
        assert metadata["labels"]["app.kubernetes.io/component"] != "stranger", place
        assert metadata["annotations"]["audit"] == "yes", place
        for key in (
            "nodeSelector",
            "tolerations",
            "affinity",
            "topologySpreadConstraints",
            "priorityClassName",
        ):
            assert spec[key] == asked[key], (place, key)
        assert spec["imagePullSecrets"] == EVERY_POD["imagePullSecrets"], place


@pytest.mark.parametrize("place", ["head", "workers", "job", "store.embedded", "operator"])
def test_one_kind_of_pods_may_ask_for_more_or_other(render: Render, place: str) -> None:
    own = {
        "podLabels": {"team": "other", "more": "x"},
        "nodeSelector": {"pool": "big"},
        "tolerations": [{"key": "own"}],
        "priorityClassName": "low",
    }
    values: Node = functools.reduce(
        lambda inner, key: {key: inner}, reversed(place.split(".")), own
    )
    seen = {"workers": "worker", "job": "submitter", "store.embedded": "store"}
    others = 0
    for where, pod in pods(render({"pods": EVERY_POD["pods"]} | values)):
        mine = pod["metadata"]["labels"]["app.kubernetes.io/component"] == seen.get(place, place)
        mine = mine or (
            place == "job"
            and pod["metadata"]["labels"]["app.kubernetes.io/component"] in ("client", "keys")
        )
        others += not mine
        assert pod["metadata"]["labels"]["team"] == ("other" if mine else "va"), where
        assert pod["spec"]["nodeSelector"] == {"pool": "big" if mine else "0123"}, where
        assert pod["spec"]["tolerations"] == ([{"key": "own"}] if mine else []) + [TOLERATION], (
            where
        )
        assert pod["spec"]["priorityClassName"] == ("low" if mine else "1e3"), where
    assert others > 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_renderings_are_equal(variant: str) -> None:
    """Tools that render with `helm template` must not find a difference, and never a Secret that
    was made here."""
    first = helm_template(VARIANTS[variant])
    second = helm_template(VARIANTS[variant], again=True)
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert "kind: Secret" not in first.stdout


def test_no_template_makes_a_value_while_it_renders() -> None:
    made = (
        r"\b(rand\w+|gen(CA|SelfSigned|Signed|Private)\w*|now|uuidv4|htpasswd|bcrypt|lookup"
        r"|getHostByName)\b"
    )
    looks = chart_tools.CHART / "templates" / "operator" / "definition.yaml"  # only to refuse
    for path in sorted((chart_tools.CHART / "templates").rglob("*.*")):
        actions = re.sub(
            r"/\*.*?\*/|\"[^\"]*\"",
            "",
            " ".join(re.findall(r"\{\{.*?\}\}", path.read_text(), re.DOTALL)),
            flags=re.DOTALL,
        )
        found = set(re.findall(made, actions))
        assert {groups[0] for groups in found} <= ({"lookup"} if path == looks else set()), path


@pytest.mark.parametrize(
    "values", [{}, {"image": {"repository": "va-tuning/tuner"}}, {"registry": "team"}]
)
def test_an_image_without_a_registry_is_refused(values: Node) -> None:
    result = helm_template({"registry": ""} | values)
    assert result.returncode != 0
    assert re.search(
        r"Set registry to the one that you pushed to|registry must begin with a host", result.stderr
    )


@pytest.mark.parametrize(
    "values",
    [
        {"registry": "localhost"},
        {"registry": "registry.example:5000/some/team"},
        {
            "registry": "",
            "image": {"repository": "ghcr.example/a/tuner"},
            "store": {"embedded": {"image": {"repository": "localhost/s"}}},
        },
        {"registry": "quay.example", "image": {"repository": "ghcr.example/a/tuner"}},
        VARIANTS["everything"],
    ],
)
def test_every_image_names_its_registry(render: Render, values: Node) -> None:
    images = [
        node["image"]
        for document in render(values)
        for _, node in walk(document)
        if isinstance(node, dict) and isinstance(node.get("image"), str)
    ]
    assert len(images) >= 12
    for image in images:
        host = image.split("/")[0]
        assert host == "localhost" or "." in host or ":" in host, image


def test_service_accounts_may_be_named_or_given(render: Render) -> None:
    def accounts(values: Node) -> tuple[set[str], set[str]]:
        documents = render(values)
        made = {
            document["metadata"]["name"]
            for document in documents
            if document["kind"] == "ServiceAccount"
        }
        return made, {pod["spec"]["serviceAccountName"] for _, pod in pods(documents)}

    scaled = {"autoscaling": {"enabled": True}}
    own = {"va-tuning-store-keys", "va-tuning-operator"}  # each with the rights that it needs
    assert accounts(scaled) == ({"va-tuning", "va-tuning-head", *own},) * 2
    assert (
        accounts({"serviceAccount": {"name": "tuner"}} | scaled)
        == ({"tuner", "tuner-head", *own},) * 2
    )
    assert accounts({"serviceAccount": {"create": False}}) == (own, {"default", *own})
    assert accounts({"serviceAccount": {"create": False, "name": "mine"}} | scaled) == (
        own,
        {"mine", *own},
    )
