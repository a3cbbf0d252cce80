"""Kubernetes objects as an API server returns them."""

from typing import Any

from tuner_job.cluster.objects import Event, Pod, RayJob

LABELS = {
    "app.kubernetes.io/part-of": "va-tuning",
    "app.kubernetes.io/component": "experiment",
    "va-tuning/experiment": "adult",
}


def rayjob(
    deployment: str = "", job: str = "", deleted: str | None = None, **status: Any
) -> RayJob:
    states = {"jobDeploymentStatus": deployment, "jobStatus": job}
    return RayJob.model_validate(
        {
            "metadata": {
                "name": "adult",
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "deletionTimestamp": deleted,
                "labels": LABELS,
            },
            "spec": {},
            "status": {key: value for key, value in states.items() if value} | status,
        }
    )


def pod(name: str = "adult-head", phase: str = "Pending", **status: Any) -> Pod:
    container = {"name": "main", "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}}}
    return Pod.model_validate(
        {
            "metadata": {"name": name},
            "spec": {"containers": [container]},
            "status": {"phase": phase, **status},
        }
    )


def waiting_pod(reason: str, message: str = "") -> Pod:
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(containerStatuses=[{"image": "va-tuning/tuner:9", "state": state}])


def warning(kind: str, name: str, reason: str, message: str) -> Event:
    about = {"kind": kind, "name": name}
    return Event.model_validate(
        {
            "metadata": {"name": f"{name}.1"},
            "type": "Warning",
            "reason": reason,
            "message": message,
            "involvedObject": about,
        }
    )
