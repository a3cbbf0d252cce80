"""Reaching the cluster's results from outside: with its keys, and through a tunnel if the server is inside."""

import base64
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from tuner_job.cluster.kube import Kube, Object
from tuner_job.cluster.template import Template
from tuner_job.cluster.tunnel import tunnel
from tuner_job.errors import ClusterError
from tuner_job.results.store import FIRST_CONTACT, Store

_ENDPOINT = "AWS_ENDPOINT_URL"
_INSIDE = re.compile(r"^[a-z0-9-]+(\.[a-z0-9-]+(\.svc(\..*)?)?)?$")
"""A Service's name, as its namespace or the whole cluster says it."""


@contextmanager
def open_results(kube: Kube, template: Template, url: str) -> Iterator[Store]:
    """Open a results location as the cluster's pods would.

    Raises
    ------
    ClusterError
        The server cannot be reached from here.
    """
    environment = _environment(kube, template.head)
    with ExitStack() as open_things:
        endpoint = urlsplit(environment.get(_ENDPOINT, ""))
        if url.startswith("s3://") and endpoint.hostname and _INSIDE.match(endpoint.hostname):
            port = open_things.enter_context(_service_tunnel(kube, endpoint.hostname, endpoint.port or 80))
            environment[_ENDPOINT] = f"http://127.0.0.1:{port}"
        open_things.enter_context(_in_environment(environment))
        yield Store(url, FIRST_CONTACT)


def _environment(kube: Kube, container: Object) -> dict[str, str]:
    """Read the variables by which a container reaches the store, but those of Secrets that one may not read."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        if "secretRef" in source:
            found |= _secret(kube, source["secretRef"]["name"])
    for variable in container.get("env", ()):
        if "value" in variable:
            found[variable["name"]] = variable["value"]
        elif "secretKeyRef" in variable.get("valueFrom", {}):
            reference = variable["valueFrom"]["secretKeyRef"]
            if (value := _secret(kube, reference["name"]).get(reference["key"])) is not None:
                found[variable["name"]] = value
    return {name: value for name, value in found.items() if name not in ("HOME", "VA_TUNING_IMAGE")}


def _secret(kube: Kube, name: str) -> dict[str, str]:
    try:
        data = (kube.get("Secret", name) or {}).get("data") or {}
    except ClusterError:  # one's own keys, from the environment, may do
        return {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


@contextmanager
def _service_tunnel(kube: Kube, host: str, port: int) -> Iterator[int]:
    name = host.split(".")[0]
    service = kube.get("Service", name)
    if service is None:
        raise ClusterError(f"namespace {kube.namespace}: Service {name}, the results' server, is missing")
    labels = ",".join(f"{key}={value}" for key, value in service["spec"]["selector"].items())
    ready = [pod for pod in kube.list("Pod", labels) if pod["status"].get("phase") == "Running"]
    if not ready:
        raise ClusterError(f"namespace {kube.namespace}: no pod of Service {name}, the results' server, runs")
    with tunnel(kube, ready[0]["metadata"]["name"], port) as local:
        yield local


@contextmanager
def _in_environment(variables: dict[str, str]) -> Iterator[None]:
    """Object storage reads its settings from the environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
