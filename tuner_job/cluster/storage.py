"""Reaching the cluster's results from outside: with its keys, and through a tunnel if the server
is inside."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from tuner_job.cluster.environment import check_endpoints, in_place_of_ours, store_environment
from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import ConfigMap, Pod, Service, parsed_yaml
from tuner_job.cluster.template import Template
from tuner_job.cluster.tunnel import tunnel
from tuner_job.errors import ClusterError
from tuner_job.results.store import FIRST_CONTACT, Store
from tuner_job.wording import plain, shown

_ENDPOINT = "AWS_ENDPOINT_URL"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_REMOTE = ("s3", "gs", "az")


def results_of(kube: Kube, name: str, otherwise: str) -> str:
    """Where an experiment's own file says that its results go, or `otherwise` if it does not.

    Raises
    ------
    ClusterError
        The ConfigMap of that name is somebody else's, or cannot be used.
    """
    found = kube.get(ConfigMap, name)
    if found is None:
        return otherwise
    return results_in(found.must_be_of(name, kube.namespace), kube.namespace, otherwise)


def results_in(experiment: ConfigMap, namespace: str, otherwise: str) -> str:
    """Where the experiment file in a ConfigMap says that its results go.

    Raises
    ------
    ClusterError
        It cannot be used.
    """
    where = f"namespace {namespace}: ConfigMap {experiment.metadata.name}: experiment.yaml"
    content = parsed_yaml(experiment.data.get("experiment.yaml", ""), where)
    return check_remote(content.get("results", otherwise), f"{where}: results")


def check_remote(url: object, where: str) -> str:
    """Return a results location that can be reached from outside of its pods.

    Raises
    ------
    ClusterError
        It is a folder of the pods, or no such address at all.
    """
    if isinstance(url, str):
        try:
            parts = urlsplit(url)
            if (
                "@" not in url
                and parts.scheme in _REMOTE
                and parts.netloc
                and not (parts.query or parts.fragment)
            ):
                return url.rstrip("/")
        except ValueError:
            pass
    said = (
        shown(url)
        if isinstance(url, str) and not set(url) & {"@", "?"}
        else "one with keys or of another type"
    )
    raise ClusterError(
        f"{where}: must be an s3://, gs:// or az:// address, to be reached from here; got {said}"
    )


@contextmanager
def open_results(
    kube: Kube,
    template: Template,
    url: str,
    endpoint: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[Store]:
    """Open a results location as the cluster's pods would.

    Parameters
    ----------
    endpoint
        An address outside of the cluster to which keys may be sent.
    say
        Called with a line that says where that is, and whose keys are used.

    Raises
    ------
    ClusterError
        The server cannot be reached from here.
    """
    check_remote(url, "the release's results")
    environment = store_environment(kube, template.head)
    whose = "the release's keys" if _KEYS[0] in environment else "the keys of this environment"
    with ExitStack() as opened:
        address = environment.get(_ENDPOINT, "") if url.startswith("s3://") else ""
        service = _service_in(kube, address) if address else None
        check_endpoints(
            {n: v for n, v in environment.items() if not (service and n == _ENDPOINT)}, endpoint
        )
        where = address or "its cloud's own address"
        if service:
            where = f"{address}, a Service of namespace {kube.namespace}"
            environment |= _through(opened.enter_context(_service_tunnel(kube, service, address)))
        opened.enter_context(in_place_of_ours(environment))
        _check_keys(url, address)
        say(f"results: {url}, at {plain(where)}, with {whose}")
        yield Store(url, FIRST_CONTACT)


def _through(port: int) -> dict[str, str]:
    """The variables by which requests go through a tunnel, and not to a proxy."""
    passed = ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1")))
    return {
        _ENDPOINT: f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "NO_PROXY": passed,
        "no_proxy": passed,
    }


def _check_keys(url: str, address: str) -> None:
    lacking = [name for name in _KEYS if not os.environ.get(name)]
    if url.startswith("s3://") and address and lacking:
        raise ClusterError(
            f"{url}: its keys must be in the release's Secret or in the environment; "
            f"{' and '.join(lacking)} are in "
            "neither, or you may not read the Secret (rbac.storeKeys)"
        )


def _service_in(kube: Kube, address: str) -> str | None:
    """Name of the Service that an address means in this namespace; None if it is outside of the
    cluster."""
    try:
        url = urlsplit(address)
        host, _ = url.hostname or "", url.port
    except ValueError:
        host = ""
    if not host or url.scheme not in ("http", "https"):
        raise ClusterError(
            f"the release's {_ENDPOINT}: must be an http(s) address; got {shown(address)}"
        )
    name, *where = host.split(".")
    if where[1:2] == ["svc"] and where[0] != kube.namespace:
        raise ClusterError(
            f"the release's {_ENDPOINT}: must be a Service of namespace {kube.namespace}, or "
            f"outside of the cluster; got {shown(address)}"
        )
    if where and where[0] != kube.namespace:
        return None
    if url.scheme == "https":
        raise ClusterError(
            f"the release's {_ENDPOINT}: a Service is reached from here by http:// only; got "
            f"{shown(address)}"
        )
    return name


@contextmanager
def _service_tunnel(kube: Kube, name: str, address: str) -> Iterator[int]:
    service = kube.get(Service, name)
    where = f"namespace {kube.namespace}: Service {name}, the results' server,"
    if service is None:
        raise ClusterError(f"{where} is missing")
    if not service.spec.selector:
        raise ClusterError(f"{where} must select pods; it has no selector")
    pods = kube.list(Pod, service.spec.selector)
    ready = [
        pod for pod in pods if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp
    ]
    if not ready:
        raise ClusterError(f"{where} must have a running pod; it has none")
    port = urlsplit(address).port or 80
    with tunnel(kube, ready[0].metadata.name, _pod_port(service, ready[0], port, where)) as local:
        yield local


def _pod_port(service: Service, pod: Pod, port: int, where: str) -> int:
    """Number of the pod's port to which a Service's port leads."""
    target = next((p.target_port or p.port for p in service.spec.ports if p.port == port), None)
    if target is None:
        raise ClusterError(
            f"{where} must have port {port}, which the release's {_ENDPOINT} names; it does not"
        )
    named = {p.name: p.container_port for container in pod.spec.containers for p in container.ports}
    number = target if isinstance(target, int) else named.get(target)
    if number is None or not 0 < number < 2**16:
        raise ClusterError(
            f"{where} leads to port {shown(target)}, which pod {plain(pod.metadata.name)} does not "
            "have"
        )
    return number
