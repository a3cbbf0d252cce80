"""What an experiment on the cluster is doing, and what keeps it from doing it: pure functions on objects."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from tuner_job.cluster.kube import Object

State = Literal["waiting", "running", "retrying", "succeeded", "failed", "stopped", "suspended", "ending"]
ENDED: frozenset[State] = frozenset({"succeeded", "failed", "stopped"})

_DEPLOYMENT_STATES: dict[str, State] = {
    "Complete": "succeeded",
    "Failed": "failed",
    "Retrying": "retrying",
    "Suspended": "suspended",
    "Suspending": "suspended",
    "Running": "running",
}
_JOB_STATES: dict[str, State] = {"SUCCEEDED": "succeeded", "FAILED": "failed", "STOPPED": "stopped"}
_SAID = re.compile(r"^va-tuning: (.*(?:\n  .*)*)", re.MULTILINE)
_PULL = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable"}


def state_of(job: Object) -> State:
    """Read the state of a RayJob."""
    if job["metadata"].get("deletionTimestamp"):
        return "ending"
    status = job.get("status", {})
    deployment = _DEPLOYMENT_STATES.get(status.get("jobDeploymentStatus", ""), "waiting")
    if deployment in ("succeeded", "failed"):
        return _JOB_STATES.get(status.get("jobStatus", ""), deployment)
    if deployment == "running" and status.get("jobStatus") not in ("RUNNING", "SUCCEEDED", "FAILED", "STOPPED"):
        return "waiting"
    return deployment


def seconds_of(job: Object, now: datetime) -> float:
    """Seconds that a RayJob has taken, or took."""
    status = job.get("status", {})
    begun = status.get("startTime") or job["metadata"]["creationTimestamp"]
    end = status.get("endTime") if state_of(job) in ENDED else None
    return max(0.0, ((_time(end) if end else now) - _time(begun)).total_seconds())


def failure_of(job: Object) -> str | None:
    """Say why a RayJob failed: in the words of the tuning job, if its log has any; None if it did not fail."""
    status = job.get("status", {})
    if state_of(job) != "failed":
        return None
    message = str(status.get("message") or status.get("reason") or "KubeRay gives no reason")
    return said_in(message) or " ".join(message.split())[-500:]


def said_in(log: str) -> str | None:
    """Find the last error that the tuning job told in its log."""
    found = _SAID.findall(log)
    return found[-1].strip() if found else None


def problems(pods: Iterable[Object], events: Iterable[Object]) -> list[str]:
    """Say what keeps pods from running, each with what to do about it.

    Parameters
    ----------
    pods
        Of the experiment and of the Ray cluster that it runs on.
    events
        Warnings about them and about what makes them.
    """
    pods = list(pods)
    found = [problem for pod in pods for problem in _problems_of(pod)]
    waiting = {pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") == "Pending"}
    for event in events:
        if problem := _problem_of_event(event, waiting):
            found.append(problem)
    return list(dict.fromkeys(found))


def _problems_of(pod: Object) -> Iterable[str]:
    name, status = pod["metadata"]["name"], pod["status"]
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield (
                f"pod {name} cannot be scheduled: {condition.get('message', 'no node suits it')} "
                f"It asks for {_requests(pod)}: make room, or lower the chart's resources for it"
            )
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for container in containers:
        if waiting := container["state"].get("waiting"):
            yield from _waiting(name, container["image"], waiting)
        ended = container["state"].get("terminated") or container.get("lastState", {}).get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            yield f"pod {name} was out of memory: raise its resources.memory in the chart's values"


def _waiting(pod: str, image: str, waiting: Object) -> Iterable[str]:
    reason, message = waiting.get("reason", ""), " ".join(waiting.get("message", "").split())
    if reason in _PULL:
        yield (
            f"image {image} cannot be pulled ({message or reason}): check image.repository, image.tag and "
            "imagePullSecrets in the chart's values; on kind, load it with `kind load docker-image`"
        )
    elif reason == "CreateContainerConfigError":
        yield f"pod {pod} cannot start: {message}: create it, or correct the chart's values"
    elif reason in ("CrashLoopBackOff", "RunContainerError", "CreateContainerError"):
        yield f"pod {pod} does not stay up: {message or reason}; see kubectl logs {pod}"


def _problem_of_event(event: Object, waiting: set[str]) -> str | None:
    about, message = event["involvedObject"], " ".join((event.get("message") or "").split())
    if event.get("type") != "Warning":
        return None
    if about["kind"] == "Pod" and about.get("name") in waiting and event["reason"] == "FailedMount":
        return f"pod {about['name']} cannot start: {message}: create what is missing, or correct the chart's values"
    if about["kind"] != "Pod" and event["reason"].startswith("FailedToCreate"):
        return f"Kubernetes refuses a pod of {about['kind']} {about['name']}: {message}"
    if about["kind"] == "RayJob" and event["reason"].startswith(("Invalid", "Failed")):
        return f"KubeRay refuses RayJob {about['name']}: {message}"
    return None


def _requests(pod: Object) -> str:
    asked = [c["resources"].get("requests", {}) for c in pod["spec"]["containers"]]
    cpus = " + ".join(a["cpu"] for a in asked if "cpu" in a) or "no"
    memory = " + ".join(a["memory"] for a in asked if "memory" in a) or "no"
    return f"{cpus} CPU and {memory} memory"


def newest(pods: Sequence[Object]) -> Object | None:
    """Return the pod that was made last."""
    return max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
