"""A good cluster: the release's template, an experiment of ours, its pods and events."""

import copy
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import yaml

LABELS = {
    "app.kubernetes.io/part-of": "va-tuning",
    "app.kubernetes.io/component": "experiment",
    "va-tuning/experiment": "exp",
}
_PLACEHOLDER = "va-tuning-placeholder"


def kubeconfig(address: str) -> dict[str, Any]:
    """A kubeconfig file of one context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "lab"}}],
        "clusters": [{"name": "k", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }


def rayjob(name: str = "exp", **status: str) -> dict[str, Any]:
    """A RayJob of an experiment."""
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {
            "name": name, "namespace": "lab", "uid": "u-1", "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {**LABELS, "va-tuning/experiment": name},
        },
        "spec": {
            "entrypoint": "va-tuning tune /experiment/experiment.yaml",
            "rayClusterSpec": {"headGroupSpec": {"template": {"spec": {"containers": [{
                "name": "ray-head", "image": "va-tuning/tuner:1",
                "resources": {"requests": {"cpu": "1", "memory": "2Gi"}},
                "env": [{"name": "AWS_REGION", "value": "us-east-1"}],
                "envFrom": [{"secretRef": {"name": "store"}}],
            }]}}}},
        },
        "status": {"jobDeploymentStatus": "Running", "jobStatus": "RUNNING",
            "startTime": "2026-01-01T00:00:10Z", **status},
    }  # fmt: skip


def pod() -> dict[str, Any]:
    """The submitter's pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "exp-submitter", "namespace": "lab", "creationTimestamp": "2026-01-01T00:00:20Z",
            "labels": {"va-tuning/experiment": "exp", "app.kubernetes.io/component": "submitter"},
        },
        "spec": {"containers": [{"name": "main", "image": "x",
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}],
            "containerStatuses": [{
                "name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
            }],
        },
    }  # fmt: skip


def event() -> dict[str, Any]:
    """A warning about the RayJob."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e1", "namespace": "lab"},
        "involvedObject": {"kind": "RayJob", "name": "exp"},
        "reason": "FailedToCreateRayCluster",
        "message": "quota",
        "type": "Warning",
    }


def template(results: str) -> dict[str, Any]:
    """The release's ConfigMap with its RayJob templates."""
    own = rayjob(_PLACEHOLDER)
    del own["status"], own["metadata"]["uid"], own["metadata"]["creationTimestamp"]
    installed = copy.deepcopy(own)
    del installed["spec"]["rayClusterSpec"]
    installed["spec"]["clusterSelector"] = {"ray.io/cluster": "va-tuning"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "va-tuning-rayjob", "namespace": "lab", "annotations": {"va-tuning/placeholder": _PLACEHOLDER},
            "labels": {"app.kubernetes.io/part-of": "va-tuning"},
        },
        "data": {"results": results, "rayjob.yaml": yaml.safe_dump(own),
            "rayjob-installed.yaml": yaml.safe_dump(installed)},
    }  # fmt: skip


def experiment_map(content: str, name: str = "exp") -> dict[str, Any]:
    """The ConfigMap of an experiment."""
    labels = {**LABELS, "va-tuning/experiment": name}
    metadata = {"name": name, "namespace": "lab", "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"experiment.yaml": content},
    }


def good(results: str = "store", **more: Any) -> dict[str, Any]:
    """Everything of a cluster where the experiment exp runs."""
    return {
        "configmaps/va-tuning-rayjob": template(results),
        "configmaps/exp": experiment_map(f"name: exp\nresults: {results}\n"),
        "rayjobs/exp": rayjob(),
        "pods/exp-submitter": pod(),
        "events/e1": event(),
        "secrets/store": {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"},
            "data": {"AWS_ACCESS_KEY_ID": "a2V5", "AWS_SECRET_ACCESS_KEY": "c2VjcmV0"},
        },
        **more,
    }  # fmt: skip


def mutations(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield the object with each of its parts left out, null, and in turn a text, a number, a
    list, an empty map."""
    kinds = cycle((("a text", "x\x1b[2J"), ("a number", 7), ("a list", [1]), ("a map", {})))
    for path in _paths(node):
        for name, value in (("absent", None), ("null", None), next(kinds)):
            changed = copy.deepcopy(node)
            parent = changed
            for key in path[:-1]:
                parent = parent[key]
            if name == "absent":
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
            yield f"{'.'.join(map(str, path))} {name}", changed


def _paths(node: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in children:
        yield (*before, key)
        yield from _paths(value, (*before, key))
