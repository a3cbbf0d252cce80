"""Who may talk to whom, as cyclonus reads the chart's NetworkPolicies: no CNI is needed for
that."""

import itertools
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from conftest import VARIANTS, Render, run

Peer = dict[str, Any]


class Flow(NamedTuple):
    """A connection that is tried."""

    source: str
    destination: str
    port: int
    protocol: str = "TCP"


def pod(labels: dict[str, str], namespace: str = "va", address: str = "10.0.0.1") -> Peer:
    internal = {
        "PodLabels": labels,
        "NamespaceLabels": {"kubernetes.io/metadata.name": namespace},
        "Namespace": namespace,
    }
    return {"Internal": internal, "IP": address}


def member(component: str, release: str = "va-tuning") -> Peer:
    return pod(
        {
            "app.kubernetes.io/part-of": "va-tuning",
            "app.kubernetes.io/instance": release,
            "app.kubernetes.io/component": component,
        }
    )


COMPONENTS = ["head", "worker", "submitter", "client", "store", "keys"]
OWN = [*COMPONENTS, "controller", "page"]
PEERS: dict[str, Peer] = {component: member(component) for component in COMPONENTS} | {
    "controller": member("operator"),
    "page": member("web"),
    "other head": member("head", "another-release"),
    "other worker": member("worker", "another-release"),
    "other client": member("client", "another-release"),
    "stranger": pod({"app": "web"}),
    "operator": pod({"app.kubernetes.io/component": "kuberay-operator"}, "default"),
    "operator elsewhere": pod({"app.kubernetes.io/component": "kuberay-operator"}, "elsewhere"),
    "false operator": pod({"app.kubernetes.io/component": "kuberay-operator-x"}, "default"),
    "dns": pod({"k8s-app": "kube-dns"}, "kube-system"),
    "false dns": pod({"k8s-app": "kube-dns"}, "elsewhere"),
    "openshift dns": pod({"dns.operator.openshift.io/daemonset-dns": "default"}, "openshift-dns"),
    "internet": {"IP": "93.184.216.34"},
    "private": {"IP": "10.1.2.3"},
    "metadata server": {"IP": "169.254.169.254"},
    "node-local dns": {"IP": "169.254.20.10"},
}
PORTS = [53, 80, 443, 5353, 6379, 6443, 7070, 8053, 8080, 8265, 10002, 30000]

RAY = {"head", "worker"}
API_CLIENTS = {"keys", "controller"}


def expected(flow: Flow) -> bool:
    """The table in the chart's README, by default."""
    source, destination, port, protocol = flow
    if destination in ("dns", "node-local dns"):
        return port in (53, 5353, 8053) or (
            source in API_CLIENTS and protocol == "TCP" and port in (443, 6443)
        )
    if source in RAY and destination in RAY:
        return True
    if protocol != "TCP":
        return False
    if destination == "head":
        return source in ("submitter", "client", "operator") and port == 8265
    if destination == "store":
        return source in (*RAY, "client", "controller") and port == 7070
    # the API server has no labels, so no policy can tell it from others at its ports
    return source in API_CLIENTS and destination not in OWN and port in (443, 6443)


def flows() -> list[Flow]:
    """Every pair of which one is the release's, on every port; UDP where it could matter."""
    pairs = [
        (a, b)
        for a, b in itertools.product(PEERS, PEERS)
        if (a in OWN or b in OWN) and (a != b or a in RAY)
    ]
    return [Flow(a, b, port) for a, b in pairs for port in PORTS] + [
        Flow(a, b, port, "UDP") for a, b in pairs for port in (53, 8265)
    ]


def allowed(documents: list[dict[str, Any]], tried: list[Flow], folder: Path) -> list[bool]:
    """Return cyclonus' verdict on each connection."""
    policies = folder / "policies"
    policies.mkdir()
    for document in documents:
        if document["kind"] == "NetworkPolicy":
            (policies / f"{document['metadata']['name']}.yaml").write_text(yaml.safe_dump(document))
    traffic = [
        {
            "Source": PEERS[flow.source],
            "Destination": PEERS[flow.destination],
            "Protocol": flow.protocol,
            "ResolvedPort": flow.port,
            "ResolvedPortName": "",
        }
        for flow in tried
    ]
    path = folder / "traffic.json"
    path.write_text(json.dumps(traffic))
    result = run(
        "cyclonus",
        "analyze",
        "--mode",
        "query-traffic",
        "--policy-path",
        policies,
        "--traffic-path",
        path,
    )
    assert result.returncode == 0, result.stderr
    verdicts = re.findall(r"\| IS ALLOWED\? \| +(TRUE|FALSE)", result.stdout)
    assert len(verdicts) == len(tried)
    return [verdict == "TRUE" for verdict in verdicts]


def test_only_what_tuning_needs_is_allowed(render: Render, tmp_path: Path) -> None:
    tried = flows()
    verdicts = dict(zip(tried, allowed(render({}), tried, tmp_path), strict=True))
    wrong = {flow: verdict for flow, verdict in verdicts.items() if verdict != expected(flow)}
    assert wrong == {}
    assert {flow.source for flow, verdict in verdicts.items() if verdict} == {
        *RAY,
        "submitter",
        "client",
        "operator",
        "store",
        "keys",
        "controller",
        "page",  # which is not there: whatever has the release's label may ask for names
    }


EXTERNAL = VARIANTS["external store"]
EVERYTHING = VARIANTS["everything"]
WEB = VARIANTS["web"]
AUTOSCALING = VARIANTS["autoscaling"]
ELSEWHERE = {"networkPolicy": {"operator": {"namespace": "elsewhere"}}}


def receiver(**place: Any) -> dict[str, Any]:
    """Values with somebody who is told of ends."""
    notification = {"url": "https://receiver.example/hook", "secret": {"name": "notify"}}
    return {"notification": notification, "networkPolicy": {"notification": place}}


SWITCHES: list[tuple[str, dict[str, Any], Flow, bool]] = [
    ("external store", EXTERNAL, Flow("worker", "internet", 443), True),
    ("external store", EXTERNAL, Flow("worker", "private", 443), False),
    ("external store", EXTERNAL, Flow("worker", "metadata server", 443), False),
    (
        "private external store",
        EXTERNAL
        | {"networkPolicy": {"externalStore": {"cidrs": ["10.1.0.0/16"], "ports": [9000]}}},
        Flow("worker", "private", 9000),
        True,
    ),
    ("external store", EXTERNAL, Flow("head", "internet", 80), False),
    ("external store", EXTERNAL, Flow("submitter", "internet", 443), False),
    ("external store", EXTERNAL, Flow("worker", "store", 7070), False),
    ("autoscaling", AUTOSCALING, Flow("head", "internet", 6443), True),
    ("autoscaling", AUTOSCALING, Flow("worker", "internet", 6443), False),
    ("operator's namespace", ELSEWHERE, Flow("operator elsewhere", "head", 8265), True),
    ("operator's namespace", ELSEWHERE, Flow("operator", "head", 8265), False),
    (
        "operator anywhere",
        {"networkPolicy": {"operator": {"namespace": ""}}},
        Flow("operator elsewhere", "head", 8265),
        True,
    ),
    (
        "OpenShift's DNS",
        {
            "networkPolicy": {
                "dns": {
                    "namespace": "openshift-dns",
                    "podLabels": {
                        "k8s-app": None,
                        "dns.operator.openshift.io/daemonset-dns": "default",
                    },
                }
            }
        },
        Flow("worker", "openshift dns", 5353, "UDP"),
        True,
    ),
    (
        "operator elsewhere",
        {"networkPolicy": {"operator": {"namespace": "other"}}},
        Flow("operator", "head", 8265),
        False,
    ),
    ("dashboard clients", EVERYTHING, Flow("private", "head", 8265), True),
    ("dashboard clients", EVERYTHING, Flow("private", "head", 6379), False),
    ("metrics clients", EVERYTHING, Flow("private", "worker", 8080), True),
    ("metrics clients", EVERYTHING, Flow("private", "worker", 6379), False),
    ("metrics clients", EVERYTHING, Flow("private", "store", 8080), False),
    ("extra egress", EVERYTHING, Flow("worker", "private", 443), True),
    ("extra egress", EVERYTHING, Flow("submitter", "private", 443), False),
    (
        "store clients",
        {"networkPolicy": {"storeClients": [{"podSelector": {"matchLabels": {"app": "web"}}}]}},
        Flow("stranger", "store", 7070),
        True,
    ),
    ("external store", EXTERNAL, Flow("controller", "internet", 443), True),
    ("external store", EXTERNAL, Flow("controller", "private", 9000), False),
    ("no receiver", {}, Flow("controller", "internet", 8443), False),
    ("a receiver", receiver(ports=[8443]), Flow("controller", "internet", 8443), True),
    ("a receiver", receiver(ports=[8443]), Flow("controller", "private", 8443), False),
    ("a receiver", receiver(ports=[8443]), Flow("worker", "internet", 8443), False),
    (
        "a private receiver",
        receiver(ports=[9000], cidrs=["10.1.0.0/16"]),
        Flow("controller", "private", 9000),
        True,
    ),
    (
        "a receiver in the cluster",
        receiver(ports=[80], peers=[{"podSelector": {"matchLabels": {"app": "web"}}}]),
        Flow("controller", "stranger", 80),
        True,
    ),
    (
        "no controller",
        {"operator": {"enabled": False}},
        Flow("controller", "store", 7070),
        False,
    ),
    ("no page", {}, Flow("page", "store", 7070), False),
    ("the page", WEB, Flow("page", "store", 7070), True),
    ("the page", WEB, Flow("page", "head", 8265), False),
    ("the page", WEB, Flow("page", "internet", 443), False),
    ("the page", WEB, Flow("stranger", "page", 8765), True),
    ("the page", WEB, Flow("stranger", "page", 8080), False),
    ("the page", WEB, Flow("private", "page", 8765), True),
    ("the page", WEB, Flow("worker", "page", 8765), False),
    (
        "the page of an external store",
        EXTERNAL | {"web": {"enabled": True}},
        Flow("page", "internet", 443),
        True,
    ),
    (
        "the page of an external store",
        EXTERNAL | {"web": {"enabled": True}},
        Flow("page", "private", 443),
        False,
    ),
    ("no policies", {"networkPolicy": {"enabled": False}}, Flow("stranger", "head", 6379), True),
]


@pytest.mark.parametrize(
    ("name", "values", "flow", "verdict"), SWITCHES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_switches(
    render: Render, tmp_path: Path, name: str, values: dict[str, Any], flow: Flow, verdict: bool
) -> None:
    assert allowed(render(values), [flow], tmp_path) == [verdict]
