"""The only place that talks to Kubernetes: a few verbs in one namespace, with errors in one sentence."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from kubernetes.stream import portforward

from tuner_job.errors import ClusterError

GROUP, VERSION, RAYJOBS = "ray.io", "v1", "rayjobs"
_UNREACHABLE = (urllib3.exceptions.HTTPError, OSError)
_SECONDS = 30  # for one answer
_SILENCE = 60  # of a log, before it is asked for again

Object = dict[str, Any]
"""A Kubernetes object as its YAML would say it."""


class Kube:
    """One namespace of one cluster.

    Every method raises `ClusterError` where the cluster cannot be reached or refuses.

    Parameters
    ----------
    context
        Of the kubeconfig file; None: its current one, or, inside a pod, that pod's cluster.
    namespace
        None: the context's own.
    """

    def __init__(self, context: str | None = None, namespace: str | None = None):
        self._configuration, own_namespace = _load(context)
        self._configuration.retries = urllib3.Retry(connect=1, read=0, redirect=2, status=0)
        self.namespace = namespace or own_namespace
        self._api = client.ApiClient(self._configuration)
        self._core = client.CoreV1Api(self._api)
        self._custom = client.CustomObjectsApi(self._api)

    def get(self, kind: str, name: str) -> Object | None:
        """Read one ConfigMap, Secret, Service, ServiceAccount or RayJob; None if there is none."""
        with self._translated(f"read {kind} {name}"):
            try:
                if kind == "RayJob":
                    return self._plain(self._custom.get_namespaced_custom_object(*self._rayjobs, name))
                read = getattr(self._core, f"read_namespaced_{_SNAKE[kind]}")
                return self._plain(read(name, self.namespace, _request_timeout=_SECONDS))
            except ApiException as error:
                if error.status == 404:
                    return None
                raise

    def may_read(self, kind: str, name: str) -> bool:
        """Whether `get` would be allowed."""
        try:
            self.get(kind, name)
        except ClusterError:
            return False
        return True

    def has_namespace(self) -> bool:
        """Whether the namespace exists; True also where one may not ask."""
        with self._translated(f"read namespace {self.namespace}"):
            try:
                self._core.read_namespace(self.namespace, _request_timeout=_SECONDS)
            except ApiException as error:
                if error.status not in (403, 404):
                    raise
                return bool(error.status == 403)
            return True

    def list(self, kind: str, selector: str = "") -> list[Object]:
        """Read all Pods, Events, ConfigMaps or RayJobs with these labels."""
        with self._translated(f"list {kind}s"):
            if kind == "RayJob":
                found = self._custom.list_namespaced_custom_object(*self._rayjobs, label_selector=selector)
            else:
                ask = getattr(self._core, f"list_namespaced_{_SNAKE[kind]}")
                found = self._plain(ask(self.namespace, label_selector=selector, _request_timeout=_SECONDS))
            items: list[Object] = found["items"]
            return items

    def apply_config_map(self, body: Object) -> None:
        """Create a ConfigMap, or put another content in its place."""
        name = body["metadata"]["name"]
        with self._translated(f"write ConfigMap {name}"):
            try:
                self._core.create_namespaced_config_map(self.namespace, body, _request_timeout=_SECONDS)
            except ApiException as error:
                if error.status != 409:
                    raise
                self._core.replace_namespaced_config_map(name, self.namespace, body, _request_timeout=_SECONDS)

    def create_rayjob(self, body: Object) -> None:
        """Create a RayJob."""
        with self._translated(f"create RayJob {body['metadata']['name']}"):
            self._custom.create_namespaced_custom_object(*self._rayjobs, body)

    def delete_rayjob(self, name: str) -> None:
        """Delete a RayJob; KubeRay then stops what it runs."""
        with self._translated(f"delete RayJob {name}"):
            self._custom.delete_namespaced_custom_object(*self._rayjobs, name)

    def log(self, pod: str, follow: bool) -> Iterator[str]:
        """Read a pod's log line by line; with `follow`, until the pod ends."""
        with self._translated(f"read the log of pod {pod}"):
            response = self._core.read_namespaced_pod_log(
                pod, self.namespace, follow=follow, _preload_content=False, _request_timeout=(_SECONDS, _SILENCE)
            )
            rest = b""
            for chunk in response.stream():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line.decode(errors="replace")
            if rest:
                yield rest.decode(errors="replace")

    def open_port(self, pod: str, port: int) -> Any:
        """Open a connection to a pod's port; return it as a socket."""
        with self._translated(f"reach port {port} of pod {pod}"):
            # a client of its own: the library turns its client into a websocket's while it connects
            core = client.CoreV1Api(client.ApiClient(self._configuration))
            forward = portforward(core.connect_get_namespaced_pod_portforward, pod, self.namespace, ports=str(port))
            return forward.socket(port)

    @property
    def _rayjobs(self) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self.namespace, RAYJOBS

    def _plain(self, answer: Any) -> Object:
        plain: Object = self._api.sanitize_for_serialization(answer)
        return plain

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        where = f"namespace {self.namespace}"
        try:
            yield
        except ApiException as error:
            raise ClusterError(f"{where}: cannot {what}: {_reason(error)}") from None
        except _UNREACHABLE as error:
            raise ClusterError(
                f"the cluster at {self._configuration.host} cannot be reached: {_last_cause(error)}; "
                "check the context (kubectl config current-context) and that the cluster runs"
            ) from None


_SNAKE = {
    "ConfigMap": "config_map",
    "Event": "event",
    "Pod": "pod",
    "Secret": "secret",
    "Service": "service",
    "ServiceAccount": "service_account",
}
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def _load(context: str | None) -> tuple[client.Configuration, str]:
    """Find the cluster as kubectl does, and the context's namespace."""
    configuration = client.Configuration()
    try:
        config.load_kube_config(context=context, client_configuration=configuration)
        contexts, current = config.list_kube_config_contexts()
        chosen = next((c for c in contexts if c["name"] == context), current)
        return configuration, chosen["context"].get("namespace", "default")
    except ConfigException as error:
        if context is None:
            try:
                config.load_incluster_config(client_configuration=configuration)
                return configuration, _POD_NAMESPACE.read_text(encoding="utf-8")
            except (ConfigException, OSError):
                pass
        raise ClusterError(f"no Kubernetes cluster is configured: {error}; see kubectl config get-contexts") from None


def _reason(error: ApiException) -> str:
    """What the API server said."""
    if error.body:
        try:
            said: Mapping[str, Any] = json.loads(error.body)
            return str(said["message"])
        except (ValueError, KeyError, TypeError):
            pass
    return f"{error.status} {error.reason}"


def _last_cause(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _last_cause(reason)
    return str(error).split(": ", 1)[-1]
