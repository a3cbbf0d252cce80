"""Kubernetes objects as an API server returns them."""

from typing import Any


def rayjob(deployment: str = "", job: str = "", **status: Any) -> dict[str, Any]:
    states = {"jobDeploymentStatus": deployment, "jobStatus": job}
    return {
        "metadata": {"name": "adult", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {},
        "status": {key: value for key, value in states.items() if value} | status,
    }


def pod(name: str = "adult-head", phase: str = "Pending", **status: Any) -> dict[str, Any]:
    container = {"name": "main", "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}}}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}, "status": {"phase": phase, **status}}


def waiting_pod(reason: str, message: str = "") -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(containerStatuses=[{"image": "va-tuning/tuner:9", "state": state}])


def warning(kind: str, name: str, reason: str, message: str) -> dict[str, Any]:
    return {"type": "Warning", "reason": reason, "message": message, "involvedObject": {"kind": kind, "name": name}}
