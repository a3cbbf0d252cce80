"""Where pod templates stand in the chart's objects, and what Pod Security *restricted* asks of
them."""

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]

RESTRICTED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def walk(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield every node below and including this one, with its place."""
    yield path, node
    below = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in below:
        yield from walk(value, (*path, key))


def pod_templates(document: Object) -> Iterator[tuple[str, Object]]:
    """Yield the place and the content (metadata, spec) of every pod template of an object."""
    kind, spec = document["kind"], document.get("spec", {})
    if kind == "Pod":
        yield kind, document
    elif kind in ("Deployment", "Job"):
        yield kind, spec["template"]
    elif kind == "CronJob":
        yield kind, spec["jobTemplate"]["spec"]["template"]
    elif kind == "RayJob":
        yield f"{kind} submitter", spec["submitterPodTemplate"]
        if "rayClusterSpec" in spec:
            yield from ray_pods(kind, spec["rayClusterSpec"])
    elif kind == "RayCluster":
        yield from ray_pods(kind, spec)


def ray_pods(kind: str, spec: Object) -> Iterator[tuple[str, Object]]:
    """Yield head and workers, the head with the container that KubeRay adds for autoscaling."""
    head = spec["headGroupSpec"]["template"]
    containers = list(head["spec"]["containers"])
    if spec["enableInTreeAutoscaling"]:
        containers.append(
            {"name": "autoscaler", "image": "as the head"} | spec["autoscalerOptions"]
        )
    yield f"{kind} head", head | {"spec": head["spec"] | {"containers": containers}}
    for group in spec["workerGroupSpecs"]:
        yield f"{kind} {group['groupName']}", group["template"]


def all_pods(documents: list[Object]) -> list[tuple[str, Object]]:
    """Return every pod template of a chart."""
    return [pod for document in documents for pod in pod_templates(document)]


def violations(spec: Object) -> list[str]:
    """Return what Pod Security's profile *restricted* (Kubernetes 1.34) would refuse in a pod's
    spec."""
    found = [f"{key} is set" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    for volume in spec.get("volumes", []):
        kinds = set(volume) - {"name"}
        if not kinds <= RESTRICTED_VOLUMES:
            found.append(f"volume {volume['name']} is {kinds}")
    pod = spec.get("securityContext", {})
    if pod.get("runAsUser") == 0:
        found.append("runs as root")
    for container in spec["containers"] + spec.get("initContainers", []):
        found += [
            f"{container['name']}: {problem}" for problem in container_violations(container, pod)
        ]
    return found


def container_violations(container: Object, pod: Object) -> list[str]:
    """Return what *restricted* would refuse in a container of a pod with the security context
    `pod`."""
    own = container.get("securityContext", {})
    capabilities = own.get("capabilities", {})
    checks = {
        "privileged": not own.get("privileged"),
        "allowPrivilegeEscalation is not false": own.get("allowPrivilegeEscalation") is False,
        "may run as root": own.get("runAsNonRoot", pod.get("runAsNonRoot")) is True,
        "runs as root": own.get("runAsUser") != 0,
        "keeps capabilities": "ALL" in capabilities.get("drop", []),
        "adds capabilities": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
        "has no seccomp profile": own.get("seccompProfile", pod.get("seccompProfile", {})).get(
            "type"
        )
        in ("RuntimeDefault", "Localhost"),
        "uses host ports": not any(port.get("hostPort") for port in container.get("ports", [])),
    }
    return [problem for problem, good in checks.items() if not good]
