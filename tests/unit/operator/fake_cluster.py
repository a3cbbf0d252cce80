"""An API server in this process: versions and conflicts, status subresources, owners, finalizers,
watches; and a client of it that may be killed at any call."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

import yaml

from tuner_job.cluster.kube import Kube, RefusedError
from tuner_job.cluster.objects import Object

NAMESPACE = "va"
PLACEHOLDER = "experiment-name"
_WITH_STATUS = {"tuningexperiments", "rayjobs"}
_STREAM_ENDS = object()


class Killed(BaseException):
    """The controller was killed at this call."""


class FakeCluster:
    """One namespace of a cluster.

    Attributes
    ----------
    clock
        Added to the time that objects get.
    writes
        What was asked for that changes something: method, plural and name.
    before, after
        Called with each such request, before and after it is done.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.writes: list[tuple[str, str, str]] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.refuse: Callable[[str, str, str], tuple[int, str] | None] = lambda *asked: None
        self.clock = timedelta()
        self.page = 0
        self._version = 0
        self._watches: dict[str, list[Queue[Any]]] = {}
        self.put("configmaps", _template())

    def now(self) -> str:
        """This cluster's time."""
        return (datetime.now(UTC) + self.clock).strftime("%Y-%m-%dT%H:%M:%SZ")

    # what a person or another controller does

    def put(self, plural: str, content: Object) -> Object:
        """Make an object, with what a server adds to it."""
        metadata = {
            **content["metadata"],
            "uid": f"00000000-0000-0000-0000-{self._version:012}",
            "creationTimestamp": self.now(),
            "generation": 1,
        }
        kept = {**copy.deepcopy(content), "metadata": copy.deepcopy(metadata)}
        if plural == "rayjobs":
            kept["metadata"].setdefault("finalizers", ["ray.io/rayjob-finalizer"])
        self._keep(plural, kept)
        return kept

    def get(self, plural: str, name: str) -> Object | None:
        """What there is."""
        return self.objects.get((plural, name))

    def change(self, plural: str, name: str, change: Callable[[Object], None]) -> None:
        """Change an object as somebody else does."""
        before = self.objects[plural, name]
        now = copy.deepcopy(before)
        change(now)
        if now.get("spec") != before.get("spec"):
            now["metadata"]["generation"] += 1
        self._keep(plural, now)

    def remove(self, plural: str, name: str) -> None:
        """Delete an object as somebody else does; KubeRay's finalizer holds a RayJob."""
        found = self.objects[plural, name]
        if found["metadata"].get("finalizers"):
            self.change(plural, name, lambda o: o["metadata"].update(deletionTimestamp=self.now()))
        else:
            self._gone(plural, name)

    def kuberay(self, name: str, deployment: str = "", job: str = "", message: str = "") -> None:
        """Be KubeRay for one RayJob: let it go if it was deleted, else write its status."""
        found = self.objects["rayjobs", name]
        if found["metadata"].get("deletionTimestamp"):
            self._gone("rayjobs", name)
            return
        status: Object = {"jobDeploymentStatus": deployment, "jobStatus": job, "message": message}
        if deployment in ("Complete", "Failed"):
            status["endTime"] = self.now()
        self.change("rayjobs", name, lambda o: o.update(status=status))

    def names(self, plural: str) -> list[str]:
        """Names of all objects of a kind."""
        return sorted(name for kind, name in self.objects if kind == plural)

    # the API

    def answer(
        self, method: str, path: str, query: Mapping[str, str], body: Object | None
    ) -> Object:
        """Answer as an API server does; a refusal is raised."""
        plural, name, part = _taken_apart(path)
        body = body or {}
        if refused := self.refuse(method, plural, name or body.get("metadata", {}).get("name", "")):
            raise RefusedError(refused[1], refused[0])
        if method == "GET":
            return self._read(plural, name, query)
        name = name or body["metadata"]["name"]
        self.writes.append((method, plural, name))
        self.before()
        try:
            return self._write(method, plural, name, part, body)
        finally:
            self.after()

    def _read(self, plural: str, name: str, query: Mapping[str, str]) -> Object:
        if name:
            return copy.deepcopy(self._there(plural, name))
        wanted = dict(p.split("=") for p in query.get("labelSelector", "").split(",") if p)
        found = [
            o
            for (kind, _), o in sorted(self.objects.items())
            if kind == plural and wanted.items() <= o["metadata"].get("labels", {}).items()
        ]
        start, size = int(query.get("continue", 0)), self.page or len(found)
        rest = {"continue": str(start + size)} if start + size < len(found) else {}
        return {"items": copy.deepcopy(found[start : start + size]), "metadata": rest}

    def _write(self, method: str, plural: str, name: str, part: str, body: Object) -> Object:
        if method == "POST":
            if (plural, name) in self.objects:
                raise RefusedError(f"{plural} {name} already exists", 409)
            made = {k: v for k, v in body.items() if k != "status" or plural not in _WITH_STATUS}
            return copy.deepcopy(self.put(plural, made))
        found = self._there(plural, name)
        if method == "DELETE":
            _must_match(found, body.get("preconditions", {}))
            self.remove(plural, name)
            return {"metadata": found["metadata"]}
        _must_match(found, body.get("metadata", {}))
        merged = _merged(found, body)
        merged["metadata"] = {**found["metadata"], **merged["metadata"]}
        if part == "status":
            merged = {**found, "status": merged.get("status", {})}
        elif plural in _WITH_STATUS:
            merged["status"] = found.get("status", {})
        if merged != found:
            if merged.get("spec") != found.get("spec"):
                merged["metadata"]["generation"] += 1
            self._keep(plural, merged)
        return copy.deepcopy(self.objects[plural, name])

    def _there(self, plural: str, name: str) -> Object:
        if (plural, name) not in self.objects:
            raise RefusedError(f"{plural} {name} not found", 404)
        return self.objects[plural, name]

    def _keep(self, plural: str, content: Object) -> None:
        self._version += 1
        content["metadata"]["resourceVersion"] = str(self._version)
        self.objects[plural, content["metadata"]["name"]] = content
        self._say(plural)

    def _gone(self, plural: str, name: str) -> None:
        """Remove an object, and then what it was the last owner of."""
        uid = self.objects.pop((plural, name))["metadata"]["uid"]
        self._say(plural)
        for kind, other in list(self.objects):
            owned = self.objects.get((kind, other), {"metadata": {}})
            owners = {one["uid"] for one in owned["metadata"].get("ownerReferences", [])}
            there = {one["metadata"]["uid"] for one in self.objects.values()}
            if uid in owners and not owners & there:
                self.remove(kind, other)

    def watch(self, plural: str) -> "Queue[Any]":
        """Begin a watch."""
        queue: Queue[Any] = Queue()
        self._watches.setdefault(plural, []).append(queue)
        return queue

    def end_watches(self, plural: str) -> None:
        """End them, as a server does after some minutes."""
        for queue in self._watches.pop(plural, []):
            queue.put(_STREAM_ENDS)

    def _say(self, plural: str) -> None:
        for queue in self._watches.get(plural, []):
            queue.put(b"{}\n")


class FakeKube(Kube):
    """The client as it is, but for the wire."""

    def __init__(self, cluster: FakeCluster):
        self.cluster, self.namespace = cluster, NAMESPACE

    @contextmanager
    def _sent(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, str],
        body: Object | None = None,
        timeout: Any = 30,
    ) -> Iterator[Any]:
        if query.get("watch"):
            yield _Stream(self.cluster.watch(_taken_apart(path)[0]))
            return
        content = json.loads(json.dumps(body)) if body is not None else None
        yield _Answer(self.cluster.answer(method, path, query, content))


class _Answer:
    def __init__(self, content: Object):
        self._content = json.dumps(content).encode()

    def stream(self, size: int) -> Iterator[bytes]:
        yield self._content


class _Stream:
    def __init__(self, queue: "Queue[Any]"):
        self._queue = queue

    def stream(self, size: int) -> Iterator[bytes]:
        while (line := self._queue.get()) is not _STREAM_ENDS:
            yield line


def _taken_apart(path: str) -> tuple[str, str, str]:
    """Plural, name and subresource."""
    parts = path.split("/")
    plural, name, part, *_ = [*parts[parts.index("namespaces") + 2 :], "", "", ""]
    return plural, name, part


def _must_match(found: Object, wanted: Object) -> None:
    for key in ("uid", "resourceVersion"):
        if wanted.get(key) and found["metadata"][key] != wanted[key]:
            raise RefusedError("the object has been modified", 409)


def _merged(found: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(found) if isinstance(found, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def _template() -> Object:
    """The release's templates, as short as can be."""
    metadata = {"name": PLACEHOLDER, "labels": labels(PLACEHOLDER)}
    submitter = {"spec": {"containers": [{"name": "submitter"}]}}
    installed = {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": metadata,
        "spec": {
            "entrypoint": "va-tuning tune experiment.yaml",
            "clusterSelector": {"ray.io/cluster": "va-tuning"},
            "submitterPodTemplate": submitter,
        },
    }
    pods = {"template": {"spec": {"containers": [{"name": "ray"}]}}}
    own = {
        **installed,
        "spec": {
            "entrypoint": "va-tuning tune /etc/va-tuning/experiment/experiment.yaml",
            "ttlSecondsAfterFinished": 300,
            "submitterPodTemplate": submitter,
            "rayClusterSpec": {"headGroupSpec": pods, "workerGroupSpecs": [pods]},
        },
    }
    data = {
        "results": "s3://va-results",
        "rayjob.yaml": yaml.safe_dump(own),
        "rayjob-installed.yaml": yaml.safe_dump(installed),
    }
    annotations = {"va-tuning/placeholder": PLACEHOLDER}
    return {"metadata": {"name": "va-tuning-rayjob", "annotations": annotations}, "data": data}


def labels(name: str) -> dict[str, str]:
    """Labels of an experiment's objects."""
    return {
        "app.kubernetes.io/part-of": "va-tuning",
        "app.kubernetes.io/instance": "va-tuning",
        "app.kubernetes.io/component": "experiment",
        "va-tuning/experiment": name,
    }
