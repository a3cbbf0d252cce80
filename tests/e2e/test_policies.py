"""Network policies, enforced: who reaches the pods of a release, and what these reach."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.cluster import CHART, RELEASE, Namespace, wait_until
from tests.e2e.pods import labels_of, start_pod

CLOSED = {"head": (8265, 6379, 10001, 8080), "store": (7070,)}
"""Component → ports that a stranger must not reach: the job API, Ray's control service and client,
its metrics, and the store."""
_TRY = """
import json, socket, sys, time
def reached():
    found = []
    for host, port in asked:
        try:
            socket.create_connection((host, port), timeout=4).close()
            found.append([host, port])
        except OSError:
            pass
    return found
asked, expected = map(json.loads, sys.argv[1:])
time.sleep(10)  # what enforces policies learns of a new pod a moment after it runs
limit = time.monotonic() + 120  # and that moment is a long one where the machine is busy
while (found := reached()) != expected and time.monotonic() < limit:
    time.sleep(2)
print(json.dumps(found))
"""
_LIST = """
import json, sys, time
import obstore
time.sleep(10)
def names(keys):
    store = obstore.store.S3Store(
        "va-results", endpoint=sys.argv[1], region="us-east-1",
        access_key_id=keys[0], secret_access_key=keys[1], client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    try:
        return len(obstore.list(store).collect())
    except Exception as error:
        return "refused" if "403" in str(error) or "Denied" in str(error) else str(error)[:300]
own, others = json.loads(sys.argv[2])
limit = time.monotonic() + 120  # until policies let it through
while not isinstance(found := names(own), int) and time.monotonic() < limit:
    time.sleep(2)
print(json.dumps([found, names(others)]))
"""


@pytest.fixture
def foreign(release: Namespace) -> Iterator[Namespace]:
    """A namespace of somebody else."""
    here = Namespace("va-tuning-e2e-foreign")
    here.make()
    yield here
    here.delete()


def test_strangers_reach_nothing_of_a_release(release: Namespace, foreign: Namespace) -> None:
    everything = _addresses(release, CLOSED)
    _must_reach(release, release, "stranger", {}, everything, [])
    claims_to_be_ours = labels_of("client")
    _must_reach(foreign, release, "stranger", claims_to_be_ours, everything, [])
    operator = {"app.kubernetes.io/component": "kuberay-operator"}
    _must_reach(foreign, release, "impostor", operator, everything, [])


def test_pods_of_a_release_reach_what_they_need_and_nothing_more(
    release: Namespace, foreign: Namespace
) -> None:
    head = _addresses(release, {"head": (8265,)})
    store = _addresses(release, {"store": (7070,)})
    rest = _addresses(release, {"head": (6379, 10001)})
    asked = [*head, *store, *rest]
    _must_reach(release, release, "client", labels_of("client"), asked, [*head, *store])
    _must_reach(release, release, "submitter", labels_of("submitter"), asked, head)
    ray = [*head, *store, *_addresses(release, {"head": (6379,)})]
    _must_reach(release, release, "worker", labels_of("worker"), ray, ray)
    _serve(foreign, release)
    outside = [[_ip(foreign, "server"), 8000]]
    _must_reach(foreign, release, "neighbour", {}, outside, outside)
    _must_reach(release, release, "client", labels_of("client"), outside, [])


def test_neither_of_two_releases_reads_the_other_s_bucket(
    release: Namespace, foreign: Namespace
) -> None:
    only_a_store = "cluster.enabled=false,operator.enabled=false,crds.install=false"
    values = ["--values", CHART / "values-kind.yaml", "--set", only_a_store]
    foreign.helm("install", RELEASE, CHART, *values, "--wait", "--timeout", "5m")
    endpoint = f"http://{RELEASE}-store:7070"
    both = {where: _keys(where) for where in (release, foreign)}
    for where, other in ((release, foreign), (foreign, release)):
        keys = json.dumps([both[where], both[other]])
        command = ["python", "-c", _LIST, endpoint, keys]
        own, others = json.loads(_said(where, release, "reader", labels_of("client"), command))
        assert isinstance(own, int)
        assert others == "refused"


def _keys(where: Namespace) -> list[str]:
    """The key of the release's bucket, which its pods hold."""
    found = where.get("secret", f"{RELEASE}-store")["data"]
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return [base64.b64decode(found[name]).decode() for name in names]


def _addresses(release: Namespace, ports: dict[str, tuple[int, ...]]) -> list[list[Any]]:
    found = []
    for component, numbers in ports.items():
        selector = ",".join(f"{key}={value}" for key, value in labels_of(component).items())
        pods = [
            pod
            for pod in release.list("pods", selector)
            if "deletionTimestamp" not in pod["metadata"]
        ]
        assert pods, f"{component} must have a pod"
        found += [[pods[0]["status"]["podIP"], port] for port in numbers]
    return found


def _must_reach(
    where: Namespace,
    release: Namespace,
    name: str,
    labels: dict[str, str],
    addresses: list[list[Any]],
    expected: list[list[Any]],
) -> None:
    """Run a pod with these labels: of these addresses it must be able to connect to the expected
    ones, and to no other."""
    command = ["python", "-c", _TRY, json.dumps(addresses), json.dumps(expected)]
    assert json.loads(_said(where, release, name, labels, command)) == expected


def _said(
    where: Namespace, release: Namespace, name: str, labels: dict[str, str], command: list[str]
) -> str:
    """Run a command in a pod with these labels; return what it prints."""
    start_pod(where, release, name, labels, command)
    wait_until(
        f"the end of pod {name}",
        lambda: where.get("pod", name)["status"].get("phase") in ("Succeeded", "Failed"),
        480,
    )
    said = where.kubectl("logs", name)
    where.kubectl("delete", "pod", name, "--wait", "--grace-period", "0")
    return said


def _serve(where: Namespace, release: Namespace) -> None:
    command = ["python", "-m", "http.server", "--directory", "/tmp", "8000"]
    start_pod(where, release, "server", {}, command)
    where.kubectl("wait", "pod/server", "--for", "condition=Ready", "--timeout", "240s")


def _ip(where: Namespace, name: str) -> str:
    return str(where.get("pod", name)["status"]["podIP"])
