"""The only place that talks to Kubernetes: a few verbs in one namespace, with errors in one
sentence."""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward

from tuner_job.cluster.answers import from_json
from tuner_job.cluster.kubeconfig import find_cluster
from tuner_job.cluster.names import check_namespace, check_object, selector
from tuner_job.cluster.objects import Items, Listed, Named, Object, checked
from tuner_job.errors import ClusterError
from tuner_job.wording import plain

_log = logging.getLogger(__name__)

_SECONDS = 30  # between two pieces of an answer
_WHOLE_ANSWER = 120  # seconds
_MOST_BYTES = 2**28  # of an answer
_LONGEST_LINE = 2**16  # of a log
_SILENCE = 60  # of a log, before it is asked for again
_WATCHED = 240  # seconds of one watch
_PAGE = 100  # objects of one answer
_LISTED = 500  # pages of one list
_CONTENT = {"PATCH": "application/merge-patch+json"}
_UNKNOWN = {
    "RayJob": "is the KubeRay operator installed?",
    "TuningExperiment": "is its definition installed (the chart's crds.install)?",
}
_RETRIES = urllib3.Retry(
    connect=1, read=0, redirect=False, status=0, other=0, respect_retry_after_header=False
)
_N = TypeVar("_N", bound=Named)
_L = TypeVar("_L", bound=Listed)


class UnreachableError(ClusterError):
    """No whole answer came."""


class RefusedError(ClusterError):
    """The API server says no; `status` is HTTP's."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class Kube:
    """One namespace of one cluster.

    Every method raises `ClusterError` where the cluster cannot be reached or refuses, or where its
    answer is not what Kubernetes answers: nothing else goes on from such an answer.

    Parameters
    ----------
    context
        Of the kubeconfig file; None: its current one, or, inside a pod, that pod's cluster.
    namespace
        None: the context's own.
    """

    def __init__(self, context: str | None = None, namespace: str | None = None):
        self.context = context
        self._configuration, own_namespace = find_cluster(context)
        self.namespace = own_namespace if namespace is None else check_namespace(namespace)
        try:
            self._api = client.ApiClient(self._configuration)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ClusterError(f"the kubeconfig file: cannot be used: {plain(error)}") from None
        self._host = self._configuration.host.rstrip("/")

    def get(self, kind: type[_N], name: str) -> _N | None:
        """Read one object; None if there is none."""
        what = f"read {kind.KIND} {name}"
        try:
            return self._one(kind, name, self._ask("GET", self._path(kind, name), what), what)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: type[_L], labels: Mapping[str, str] | None = None) -> list[_L]:
        """Read all objects of a kind with these labels, page by page; None asks for all."""
        what = f"list {kind.KIND}s"
        query = _query(labels, limit=str(_PAGE))
        found: list[_L] = []
        for _ in range(_LISTED):
            answer = self._ask("GET", self._path(kind), what, query)
            page = checked(Items, answer, self._answer(what))
            found += [checked(kind, item, self._answer(what)) for item in page.items]
            if not page.metadata.next_page:
                return found
            query["continue"] = page.metadata.next_page
        raise ClusterError(f"{self._answer(what)} must end after {_LISTED} pages; it goes on")

    def changes(
        self, kind: type[Listed], labels: Mapping[str, str] | None = None
    ) -> Iterator[None]:
        """Yield each time that objects of a kind may have changed, at the beginning too, until the
        server ends it, after some minutes.

        What has changed is not said: whoever wants to know lists them.
        """
        query = _query(labels, watch="true", timeoutSeconds=str(_WATCHED))
        timeout = urllib3.Timeout(connect=_SECONDS, read=_WATCHED + _SECONDS)
        what = f"watch {kind.KIND}s"
        with self._sent("GET", self._path(kind), what, query, timeout=timeout) as response:
            yield
            for _ in response.stream(_LONGEST_LINE):
                yield

    def has_namespace(self) -> bool:
        """Whether the namespace exists; True also where one may not ask."""
        try:
            self._ask("GET", f"/api/v1/namespaces/{self.namespace}", "read the namespace")
        except RefusedError as error:
            if error.status not in (403, 404):
                raise
            return error.status == 403
        return True

    def create(self, kind: type[_N], body: Object) -> _N:
        """Create an object; refused with status 409 if there is one of that name."""
        name = body["metadata"]["name"]
        what = f"create {kind.KIND} {name}"
        return self._one(kind, name, self._ask("POST", self._path(kind), what, body=body), what)

    def patch(self, found: _N, changes: Object, part: str = "") -> _N:
        """Change fields of what was read, and only of that, whoever else writes to it.

        Parameters
        ----------
        changes
            As a JSON merge patch; a `resourceVersion` in its metadata has it refused with status
            409 if the object has changed since.
        part
            The subresource that is meant: ``status``; empty: the object itself.
        """
        kind, name = type(found), found.metadata.name
        what = f"change {kind.KIND} {name}"
        metadata = {"uid": found.metadata.uid} | changes.get("metadata", {})
        path = self._path(kind, name) + (f"/{part}" if part else "")
        body = changes | {"metadata": metadata}
        return self._one(kind, name, self._ask("PATCH", path, what, body=body), what)

    def delete(self, found: Named) -> None:
        """Delete what was read, and only that: refused with status 409 if it has changed since."""
        what = f"delete {found.KIND} {found.metadata.name}"
        preconditions = {
            "uid": found.metadata.uid,
            "resourceVersion": found.metadata.resource_version,
        }
        if not all(preconditions.values()):
            raise ClusterError(
                f"{self._answer(what)} cannot be used: metadata must hold uid and resourceVersion"
            )
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        self._ask("DELETE", self._path(type(found), found.metadata.name), what, body=body)

    def log(self, pod: str, follow: bool) -> Iterator[str]:
        """Read a pod's log line by line; with `follow`, until the pod ends."""
        what = f"read the log of pod {pod}"
        name = quote(check_object("Pod", pod), safe="")
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}/log"
        timeout = urllib3.Timeout(connect=_SECONDS, read=_SILENCE if follow else _SECONDS)
        with self._sent(
            "GET", path, what, {"follow": str(follow).lower()}, timeout=timeout
        ) as response:
            rest = b""
            for chunk in response.stream(_LONGEST_LINE):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from map(_readable, lines)
                if len(rest) > _LONGEST_LINE:
                    yield _readable(rest)
                    rest = b""
            if rest:
                yield _readable(rest)

    def open_port(self, pod: str, port: int) -> Any:
        """Open a connection to a pod's port; return it as a socket."""
        check_object("Pod", pod)
        # a client of its own: the library turns its client into a websocket's while it connects
        core = client.CoreV1Api(client.ApiClient(self._configuration))
        try:
            forward = portforward(
                core.connect_get_namespaced_pod_portforward, pod, self.namespace, ports=str(port)
            )
            return forward.socket(port)
        except (ApiException, OSError, ValueError) as error:
            said = getattr(error, "reason", None) or error
            raise ClusterError(
                f"namespace {self.namespace}: cannot reach port {port} of pod {pod}: {plain(said)}"
            ) from None

    def _path(self, kind: type[Listed], name: str | None = None) -> str:
        path = f"/{kind.API}/namespaces/{self.namespace}/{kind.PLURAL}"
        return path if name is None else f"{path}/{quote(check_object(kind.KIND, name), safe='')}"

    def _one(self, kind: type[_N], name: str, answer: Any, what: str) -> _N:
        found = checked(kind, answer, self._answer(what))
        if found.metadata.name != name:
            raise ClusterError(
                f"{self._answer(what)} is about another object, {plain(found.metadata.name)}"
            )
        return found

    def _answer(self, what: str) -> str:
        return f"namespace {self.namespace}: cannot {what}: the answer of the API server"

    def _ask(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
    ) -> Any:
        """Send a request and return its answer, an object of JSON."""
        with self._sent(method, path, what, query or {}, body) as response:
            content = _read(response, self._answer(what))
        try:
            answer = from_json(content)
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            return answer
        raise ClusterError(
            f"{self._answer(what)} must be an object in JSON; got {_excerpt(content)}"
        )

    @contextmanager
    def _sent(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, str],
        body: Object | None = None,
        timeout: urllib3.Timeout | float = _SECONDS,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Send a request; give the answer, whose body is still to be read, if it is a success."""
        headers = {
            "Accept": "application/json",
            "Content-Type": _CONTENT.get(method, "application/json"),
            "User-Agent": "va-tuning",
        }
        self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = f"{self._host}{path}" + (f"?{urlencode(query)}" if query else "")
        content = None if body is None else json.dumps(body).encode()
        send = self._api.rest_client.pool_manager.request
        response = None
        try:
            response = send(
                method, url, body=content, headers=headers, timeout=timeout,
                retries=_RETRIES, redirect=False, preload_content=False,
            )  # fmt: skip
            _log.debug("%s %s: %d", method, path, response.status)
            if not 200 <= response.status < 300:
                raise self._refusal(what, response)
            yield response
        except (urllib3.exceptions.HTTPError, OSError) as error:
            _log.debug("%s %s: no whole answer", method, path, exc_info=True)
            raise UnreachableError(
                f"the cluster at {plain(self._host)} cannot be reached: {_last_cause(error)}; "
                "check the context (kubectl config current-context) and that the cluster runs"
            ) from None
        finally:
            if response is not None:
                response.close()

    def _refusal(self, what: str, response: urllib3.BaseHTTPResponse) -> RefusedError:
        """What the API server said; only its own 404 says that an object is absent, not a
        proxy's."""
        where = f"namespace {self.namespace}: cannot {what}"
        said, status = _status(response, where), response.status
        if status == 404 and said.get("reason") != "NotFound":
            status = 400
        if isinstance(message := said.get("message"), str) and message.strip():
            return RefusedError(f"{where}: {plain(message)}", status)
        if 300 <= status < 400:
            target = plain(response.headers.get("Location", "nowhere").partition("?")[0])
            return RefusedError(
                f"{where}: the API server sends elsewhere, to {target}; it is not followed", status
            )
        answer = f"{response.status} {plain(response.reason or '', 60)}".strip()
        hints = [hint for kind, hint in _UNKNOWN.items() if response.status == 404 and kind in what]
        hint = "".join(f"; {one}" for one in hints)
        return RefusedError(f"{where}: the API server answers {answer}{hint}", status)


def _query(labels: Mapping[str, str] | None, **others: str) -> dict[str, str]:
    return others if labels is None else {"labelSelector": selector(labels)} | others


def _status(response: urllib3.BaseHTTPResponse, where: str) -> dict[str, Any]:
    """The Status object that comes with a refusal; empty if something else comes."""
    try:
        said = from_json(_read(response, where))
    except (ValueError, ClusterError, urllib3.exceptions.HTTPError):
        return {}
    return said if isinstance(said, dict) and said.get("kind") == "Status" else {}


def _read(response: urllib3.BaseHTTPResponse, where: str) -> bytes:
    """Read an answer that must come to an end."""
    limit = time.monotonic() + _WHOLE_ANSWER
    content = bytearray()
    for chunk in response.stream(_LONGEST_LINE):
        content += chunk
        if len(content) > _MOST_BYTES:
            raise ClusterError(
                f"{where} must be at most {_MOST_BYTES // 2**20} MiB long; it goes on"
            )
        if time.monotonic() > limit:
            raise UnreachableError(f"{where} must come within {_WHOLE_ANSWER} s; it goes on")
    return bytes(content)


def _excerpt(content: bytes) -> str:
    return plain(content[:400].decode(errors="replace"), 80) or "nothing"


def _readable(line: bytes) -> str:
    """A line of a log; nothing in it acts on the terminal."""
    text = line.decode(errors="replace").rstrip("\r")
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in text)
    )


def _last_cause(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _last_cause(reason)
    said = next((part for part in error.args if isinstance(part, str)), str(error))
    return plain(said.split(": ", 1)[-1] or type(error).__name__)
