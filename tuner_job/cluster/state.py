"""What an experiment on the cluster is doing, and what keeps it from doing it: pure functions on
objects."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from tuner_job.cluster.objects import Event, Pod, RayJob, Reason
from tuner_job.wording import MOST_ITEMS, counted, plain

State = Literal[
    "waiting", "running", "retrying", "succeeded", "failed", "stopped", "suspended", "ending"
]
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
_PULL = {
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "RegistryUnavailable",
}
_LONGEST_LOG = 100_000  # characters of it that are looked through


def state_of(job: RayJob) -> State:
    """Read the state of a RayJob."""
    if job.metadata.deletion_timestamp:
        return "ending"
    status = job.status
    deployment = _DEPLOYMENT_STATES.get(status.job_deployment_status, "waiting")
    if deployment in ("succeeded", "failed"):
        return _JOB_STATES.get(status.job_status, deployment)
    if deployment == "running" and status.job_status not in (
        "RUNNING",
        "SUCCEEDED",
        "FAILED",
        "STOPPED",
    ):
        return "waiting"
    return deployment


def seconds_of(job: RayJob, now: datetime) -> float:
    """Seconds that a RayJob has taken, or took."""
    begun = job.status.start_time or job.metadata.creation_timestamp or now
    end = job.status.end_time if state_of(job) in ENDED else None
    return max(0.0, ((end or now) - begun).total_seconds())


def failure_of(job: RayJob) -> str | None:
    """Say why a RayJob failed: in the words of the tuning job, if its log has any; None if it
    did not fail."""
    if state_of(job) != "failed":
        return None
    message = job.status.message or job.status.reason or "KubeRay gives no reason"
    return said_in(message) or plain(message.strip()[-200:])


def said_in(log: str) -> str | None:
    """Find the last error that the tuning job told in its log: at most eleven lines of 200
    characters."""
    found = _SAID.findall(log[-_LONGEST_LOG:])
    if not found:
        return None
    first, *others = found[-1].strip().split("\n")
    left = len(others) - MOST_ITEMS
    lines = [plain(first), *(f"  {plain(line)}" for line in others[:MOST_ITEMS])]
    return "\n".join(lines + [f"  and {counted(left, 'line')} more"] * (left > 0))


def problems(pods: Iterable[Pod], events: Iterable[Event]) -> list[str]:
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
    waiting = {pod.metadata.name for pod in pods if pod.status.phase == "Pending"}
    for event in events:
        if problem := _problem_of_event(event, waiting):
            found.append(problem)
    return list(dict.fromkeys(found))


def _problems_of(pod: Pod) -> Iterable[str]:
    name, status = plain(pod.metadata.name), pod.status
    for condition in status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            yield (
                f"pod {name} cannot be scheduled: {plain(condition.message)} "
                f"It asks for {_requests(pod)}: make room, or lower the chart's resources for it"
            )
    for container in (*status.init_container_statuses, *status.container_statuses):
        if waiting := container.state.waiting:
            yield from _waiting(name, plain(container.image), waiting)
        ended = container.state.terminated or container.last_state.terminated
        if ended and ended.reason == "OOMKilled":
            yield f"pod {name} was out of memory: raise its resources.memory in the chart's values"


def _waiting(pod: str, image: str, waiting: Reason) -> Iterable[str]:
    reason, message = waiting.reason, plain(waiting.message)
    if reason in _PULL:
        yield (
            f"image {image} cannot be pulled ({message or reason}): check registry, "
            "image.repository, image.tag and "
            "imagePullSecrets in the chart's values; on kind, load it with `kind load docker-image`"
        )
    elif reason == "CreateContainerConfigError":
        yield f"pod {pod} cannot start: {message}: create it, or correct the chart's values"
    elif reason in ("CrashLoopBackOff", "RunContainerError", "CreateContainerError"):
        yield f"pod {pod} does not stay up: {message or reason}; see kubectl logs {pod}"


def _problem_of_event(event: Event, waiting: set[str]) -> str | None:
    kind, name, message = (
        event.involved_object.kind,
        event.involved_object.name,
        plain(event.message),
    )
    if event.type != "Warning":
        return None
    if kind == "Pod" and name in waiting and event.reason == "FailedMount":
        return (
            f"pod {name} cannot start: {message}: create what is missing, or correct the chart's "
            "values"
        )
    if kind != "Pod" and event.reason.startswith(("FailedToCreate", "FailedCreate")):
        return f"Kubernetes refuses a pod of {plain(kind, 40)} {plain(name)}: {message}"
    if kind == "RayJob" and event.reason.startswith(("Invalid", "Failed")):
        return f"KubeRay refuses RayJob {plain(name)}: {message}"
    return None


def _requests(pod: Pod) -> str:
    asked = [container.resources.requests for container in pod.spec.containers]
    cpus = " + ".join(plain(a["cpu"], 20) for a in asked if "cpu" in a) or "no"
    memory = " + ".join(plain(a["memory"], 20) for a in asked if "memory" in a) or "no"
    return f"{cpus} CPU and {memory} memory"


def newest(pods: Sequence[Pod]) -> Pod | None:
    """Return the pod that was made last."""
    return max(pods, key=lambda pod: str(pod.metadata.creation_timestamp or ""), default=None)
