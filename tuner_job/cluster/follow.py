"""Watching an experiment on the cluster: its log, its state, what holds it up."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tuner_job.cluster.kube import Kube, RefusedError, UnreachableError
from tuner_job.cluster.objects import COMPONENT, EXPERIMENT, Event, Pod, RayJob
from tuner_job.cluster.state import ENDED, State, failure_of, newest, problems, state_of
from tuner_job.errors import ClusterError, RunError
from tuner_job.wording import plain

_log = logging.getLogger(__name__)

_PAUSE = 1.0
_SUBMITTER = re.compile(
    r"\d{4}-\d\d-\d\d [\d:,]+\t(INFO|SUCC) \w+\.py:\d+ -- |Running entrypoint for job "
)
"""What `ray job submit` and Ray say around the tuning job's own log."""
_PATIENCE = 5.0  # before what keeps pods from running is told: much of it passes
_ABSENT = 404


@dataclass(frozen=True)
class Observation:
    """What one look at an experiment shows."""

    state: State
    failure: str | None
    problems: list[str]
    last_line: str | None
    """Of its log."""


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition holds; return whether it did in time."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(_PAUSE)
    return True


def find_job(kube: Kube, name: str) -> RayJob | None:
    """Read the RayJob of an experiment; None if there is none.

    Raises
    ------
    ClusterError
        The RayJob of that name is somebody else's.
    """
    job = kube.get(RayJob, name)
    return job and job.must_be_of(name, kube.namespace)


def read_job(kube: Kube, name: str) -> RayJob:
    """Read the RayJob of an experiment.

    Raises
    ------
    ClusterError
        There is none, or it is somebody else's.
    """
    job = find_job(kube, name)
    if job is None:
        raise ClusterError(
            f"namespace {kube.namespace}: no experiment {name} runs or ran here; see va-tuning list"
        )
    return job


def observe(kube: Kube, name: str) -> Observation:
    """Look at an experiment once."""
    job = read_job(kube, name)
    held_up = [] if state_of(job) in ENDED else _held_up(kube, job)
    return Observation(state_of(job), failure_of(job), held_up, _last_line(kube, name))


def follow(kube: Kube, name: str, say: Callable[[str], None]) -> Observation:
    """Tell the log as it grows, and what holds the experiment up, until it has ended.

    Raises
    ------
    RunError
        It was deleted.
    """
    read: dict[str, int] = {}  # lines of each submitter's log that were told
    told: set[str] = set()
    begun = time.monotonic()
    followed = read_job(kube, name)
    while True:
        job = find_job(kube, name)
        if job is None or job.metadata.uid != followed.metadata.uid:
            raise RunError(
                f"experiment {name}: was deleted while it was followed; its finished trials are "
                "kept"
            )
        if pod := _submitter(kube, name):
            _tell_log(kube, pod.metadata.name, read, say)
        if state_of(job) in ENDED:
            return observe(kube, name)
        if time.monotonic() - begun > _PATIENCE:
            for problem in _held_up(kube, job):
                if problem not in told:
                    say(f"waiting: {problem}")
                    told.add(problem)
        time.sleep(_PAUSE)


def log_lines(kube: Kube, name: str) -> Iterator[str] | None:
    """Read the log so far; None where no pod has it any more.

    Raises
    ------
    ClusterError
        It has not begun, or cannot be read.
    """
    job, pod = find_job(kube, name), _submitter(kube, name)
    if pod:
        return _lines(kube, name, pod)
    if job and state_of(job) not in ENDED:
        raise ClusterError(
            f"namespace {kube.namespace}: experiment {name} has no log yet; see va-tuning status "
            f"{name}"
        )
    return None


def _lines(kube: Kube, name: str, pod: Pod) -> Iterator[str]:
    try:
        for line in kube.log(pod.metadata.name, follow=False):
            if not _SUBMITTER.match(line):
                yield line
    except RefusedError as error:
        if error.status != _ABSENT:
            raise
        raise ClusterError(
            f"namespace {kube.namespace}: the pod with the log of experiment {name} has just gone; "
            "try again"
        ) from None


def _tell_log(kube: Kube, pod: str, read: dict[str, int], say: Callable[[str], None]) -> None:
    """Tell what was not told yet; a stream that broke off is taken up again by the next call."""
    before = read.get(pod, 0)
    try:
        for number, line in enumerate(kube.log(pod, follow=True), start=1):
            if number > before:
                read[pod] = number
                if not _SUBMITTER.match(line):
                    say(line)
    except UnreachableError as error:
        _log.debug("the log of pod %s broke off: %s", pod, error)
    except RefusedError as error:  # the pod went between two looks
        if error.status != _ABSENT:
            raise


def _last_line(kube: Kube, name: str) -> str | None:
    """The last line that the tuning job has logged; None if it has not, or its pod goes just
    now."""
    pod = _submitter(kube, name)
    last = None
    try:
        for line in kube.log(pod.metadata.name, follow=False) if pod else ():
            if line.strip() and not _SUBMITTER.match(line):
                last = line
    except RefusedError as error:
        if error.status != _ABSENT:
            raise
    return last and plain(last)


def _submitter(kube: Kube, name: str) -> Pod | None:
    """The pod with the log, once it has begun."""
    pod = newest(kube.list(Pod, {EXPERIMENT: name, COMPONENT: "submitter"}))
    return pod if pod and pod.status.phase in ("Running", "Succeeded", "Failed") else None


def _held_up(kube: Kube, job: RayJob) -> list[str]:
    """What keeps the experiment's pods, and those of the Ray cluster it runs on, from running."""
    name, cluster = job.metadata.name, _cluster(job)
    pods = {pod.metadata.name: pod for pod in kube.list(Pod, {EXPERIMENT: name})}
    if cluster:
        pods = {
            pod.metadata.name: pod for pod in kube.list(Pod, {"ray.io/cluster": cluster})
        } | pods
    about = {
        ("RayJob", name),
        ("Job", name),
        ("RayCluster", cluster),
        *(("Pod", pod) for pod in pods),
    }
    events = [
        e for e in kube.list(Event) if (e.involved_object.kind, e.involved_object.name) in about
    ]
    return problems(pods.values(), events)


def _cluster(job: RayJob) -> str | None:
    return job.status.ray_cluster_name or job.spec.cluster_selector.get("ray.io/cluster")
