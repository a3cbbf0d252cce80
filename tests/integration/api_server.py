"""A small API server on loopback: a real wire, with objects that a test puts there and answers
that it spoils."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Object = dict[str, Any]
ROOT = Path(__file__).parents[2]
NAMESPACE = "va"
PLACEHOLDER = "experiment-name"


@dataclass(frozen=True)
class Answer:
    """What is sent in place of an honest answer; `cut` bytes of the body are announced and never
    sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    raw: bool = False
    """The body is all that is sent: no HTTP."""


@dataclass
class ApiServer:
    """Where it listens, what it holds, what it was asked, and which answers it spoils."""

    url: str = ""
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    contents: list[tuple[str, str, Object]] = field(default_factory=list)
    """Method, type and content of what was sent."""
    logs: dict[str, str] = field(default_factory=dict)
    spoil: Callable[[str, str], Answer | None] = lambda method, path: None
    garble: Callable[[str, str], Answer | None] = lambda method, path: None
    """As `spoil`, but what was asked is done."""
    after: Callable[[str, str], None] = lambda method, path: None
    """Called when an honest answer is decided on, before it is sent."""
    _version: int = 0

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Requests that were to change something."""
        return [(method, path) for method, path in self.requests if method != "GET"]

    def put(self, plural: str, content: Object) -> Object:
        """Hold an object, with what a server adds to it."""
        self._version += 1
        metadata = {
            "uid": f"uid-{self._version}",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            **content["metadata"],
        }
        metadata["resourceVersion"] = str(self._version)
        kept = {**content, "metadata": metadata}
        self.objects[plural, metadata["name"]] = kept
        return kept

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: Object
    ) -> tuple[int, Any]:
        """Answer as an API server does."""
        parts = path.split("/")
        if parts[-1] == "log":
            text = self.logs.get(parts[-2])
            return _no("NotFound", 404) if text is None else (200, text)
        if parts[:4] == ["", "api", "v1", "namespaces"] and len(parts) == 5:
            return 200, {"kind": "Namespace", "metadata": {"name": parts[4]}}
        start = parts.index("namespaces") + 2
        plural, name = parts[start], (parts[start + 1 :] or [""])[0]
        if method == "POST":
            return self._create(plural, body)
        if not name:
            labels = dict(
                pair.split("=") for pair in query.get("labelSelector", [""])[0].split(",") if pair
            )
            items = [o for (p, _), o in self.objects.items() if p == plural]
            mine = [o for o in items if labels.items() <= o["metadata"].get("labels", {}).items()]
            return 200, {"kind": "List", "items": mine}
        found = self.objects.get((plural, name))
        if found is None:
            return _no("NotFound", 404)
        if method == "DELETE":
            wanted = body.get("preconditions", {})
            if any(found["metadata"][key] != value for key, value in wanted.items()):
                return _no("Conflict", 409)
            del self.objects[plural, name]
            self._collect(found["metadata"].get("uid"))
        return 200, found

    def _collect(self, uid: str) -> None:
        """Let go what was owned by an object that is gone."""
        for key, one in list(self.objects.items()):
            if any(o["uid"] == uid for o in one["metadata"].get("ownerReferences", [])):
                del self.objects[key]

    def _create(self, plural: str, body: Object) -> tuple[int, Object]:
        if (plural, body["metadata"]["name"]) in self.objects:
            return _no("AlreadyExists", 409)
        return 201, self.put(plural, body)


def _no(reason: str, code: int) -> tuple[int, Object]:
    return code, {
        "kind": "Status",
        "status": "Failure",
        "reason": reason,
        "message": reason,
        "code": code,
    }


@contextmanager
def serve_api() -> Iterator[ApiServer]:
    """Run an empty server until the block ends."""
    state = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            url = urlsplit(self.path)
            state.requests.append((self.command, url.path))
            body = json.loads(
                self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"
            )
            kind = str(self.headers.get("Content-Type"))
            state.contents.append((self.command, kind, body))
            self.close_connection = True
            if spoiled := state.spoil(self.command, url.path):
                self._send(spoiled)
                return
            status, content = state.answer(self.command, url.path, parse_qs(url.query), body)
            state.after(self.command, url.path)
            if garbled := state.garble(self.command, url.path):
                self._send(garbled)
                return
            text = content if isinstance(content, str) else json.dumps(content)
            self._send(Answer(status, text.encode()))

        do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _answer  # noqa: N815

        def _send(self, answer: Answer) -> None:
            if not answer.raw:
                self.send_response(answer.status)
                headers = {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(answer.body) + answer.cut),
                }
                for key, value in {**headers, **answer.headers}.items():
                    self.send_header(key, value)
                self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def kubeconfig(server: str, **user: Any) -> Object:
    """A kubeconfig file's content that leads to a server."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "abc", **user}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "here", "user": "me", "namespace": NAMESPACE}}
        ],
    }


def release(env: dict[str, str] | None = None) -> Object:
    """The template's ConfigMap as the chart makes it, with other variables for the store if
    given."""
    data = {"results": "s3://va-results"}
    for key, name in (
        ("rayjob.yaml", "on-own-cluster"),
        ("rayjob-installed.yaml", "on-installed-cluster"),
    ):
        _, job = yaml.safe_load_all(
            (ROOT / "manifests" / f"{name}.yaml").read_text(encoding="utf-8")
        )
        job = _renamed(job, name)
        if env is not None and "rayClusterSpec" in job["spec"]:
            head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][
                0
            ]
            head.pop("envFrom", None)
            head["env"] = [{"name": key, "value": value} for key, value in env.items()]
        data[key] = yaml.safe_dump(job)
    annotations = {"va-tuning/placeholder": PLACEHOLDER}
    return {
        "kind": "ConfigMap",
        "metadata": {"name": "va-tuning-rayjob", "annotations": annotations},
        "data": data,
    }


def _renamed(node: Any, name: str) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(value, name) for key, value in node.items()}
    if isinstance(node, list):
        return [_renamed(value, name) for value in node]
    return PLACEHOLDER if node == name else node


def labels(name: str) -> dict[str, str]:
    """Labels of an experiment's own objects."""
    return {
        "app.kubernetes.io/part-of": "va-tuning",
        "app.kubernetes.io/component": "experiment",
        "va-tuning/experiment": name,
    }


def rayjob(name: str, deployment: str = "Running", job: str = "RUNNING", **metadata: Any) -> Object:
    """A RayJob of an experiment."""
    return {
        "kind": "RayJob",
        "metadata": {"name": name, "labels": labels(name), **metadata},
        "spec": {"clusterSelector": {"ray.io/cluster": "va-tuning"}},
        "status": {"jobDeploymentStatus": deployment, "jobStatus": job},
    }


def experiment_map(name: str, content: str = "", **metadata: Any) -> Object:
    """A ConfigMap of an experiment."""
    data = {"experiment.yaml": content or f"name: {name}\n"}
    return {
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels(name), **metadata},
        "data": data,
    }


def submitter(name: str) -> Object:
    """The pod with an experiment's log."""
    of = {"va-tuning/experiment": name, "app.kubernetes.io/component": "submitter"}
    metadata = {"name": f"{name}-submitter", "labels": of}
    return {
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": []},
        "status": {"phase": "Running"},
    }
