"""Watching an experiment on the cluster: its log, its state, what holds it up."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from tuner_job.cluster.kube import Kube, Object
from tuner_job.cluster.state import ENDED, State, failure_of, newest, problems, state_of
from tuner_job.cluster.template import EXPERIMENT
from tuner_job.errors import ClusterError

_PAUSE = 1.0
_SUBMITTER = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+\t(INFO|SUCC) \w+\.py:\d+ -- |Running entrypoint for job ")
"""What `ray job submit` and Ray say around the tuning job's own log."""
_PATIENCE = 5.0  # before what keeps pods from running is told: much of it passes


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


def read_job(kube: Kube, name: str) -> Object:
    """Read the RayJob of an experiment.

    Raises
    ------
    ClusterError
        There is none.
    """
    job = kube.get("RayJob", name)
    if job is None:
        raise ClusterError(f"namespace {kube.namespace}: no experiment {name} runs or ran here; see va-tuning list")
    return job


def observe(kube: Kube, name: str) -> Observation:
    """Look at an experiment once."""
    job = read_job(kube, name)
    pods = _pods(kube, job)
    pod = _submitter(kube, name)
    lines = list(kube.log(pod["metadata"]["name"], follow=False)) if pod and _has_begun(pod) else []
    told = [line for line in lines if line.strip() and not _SUBMITTER.match(line)]
    held_up = [] if state_of(job) in ENDED else problems(pods, _warnings(kube, job))
    return Observation(state_of(job), failure_of(job), held_up, told[-1] if told else None)


def follow(kube: Kube, name: str, say: Callable[[str], None]) -> Observation:
    """Tell the log as it grows, and what holds the experiment up, until it has ended."""
    read: dict[str, int] = {}  # lines of each submitter's log that were told
    told: set[str] = set()
    begun = time.monotonic()
    while True:
        job = read_job(kube, name)
        pod = _submitter(kube, name)
        if pod and _has_begun(pod):
            _tell_log(kube, pod["metadata"]["name"], read, say)
        if state_of(job) in ENDED:
            return observe(kube, name)
        if time.monotonic() - begun > _PATIENCE:
            for problem in problems(_pods(kube, job), _warnings(kube, job)):
                if problem not in told:
                    say(f"waiting: {problem}")
                    told.add(problem)
        time.sleep(_PAUSE)


def read_log(kube: Kube, name: str, say: Callable[[str], None]) -> None:
    """Tell the log so far."""
    read_job(kube, name)
    pod = _submitter(kube, name)
    if pod is None or not _has_begun(pod):
        raise ClusterError(f"namespace {kube.namespace}: experiment {name} has no log yet; see va-tuning status {name}")
    _tell_log(kube, pod["metadata"]["name"], {}, say, follow=False)


def _tell_log(kube: Kube, pod: str, read: dict[str, int], say: Callable[[str], None], follow: bool = True) -> None:
    """Tell what was not told yet; a stream that broke off is taken up again by the next call."""
    before = read.get(pod, 0)
    try:
        for number, line in enumerate(kube.log(pod, follow), start=1):
            if number > before:
                read[pod] = number
                if not _SUBMITTER.match(line):
                    say(line)
    except ClusterError:
        if not follow:
            raise


def _submitter(kube: Kube, name: str) -> Object | None:
    return newest(kube.list("Pod", f"{EXPERIMENT}={name},app.kubernetes.io/component=submitter"))


def _has_begun(pod: Object) -> bool:
    return pod["status"].get("phase") in ("Running", "Succeeded", "Failed")


def _pods(kube: Kube, job: Object) -> list[Object]:
    """The experiment's own pods, and those of the Ray cluster it runs on."""
    pods = kube.list("Pod", f"{EXPERIMENT}={job['metadata']['name']}")
    if cluster := job.get("status", {}).get("rayClusterName") or _selected_cluster(job):
        known = {pod["metadata"]["name"] for pod in pods}
        pods += [p for p in kube.list("Pod", f"ray.io/cluster={cluster}") if p["metadata"]["name"] not in known]
    return pods


def _selected_cluster(job: Object) -> str | None:
    selector: dict[str, str] = job["spec"].get("clusterSelector") or {}
    return selector.get("ray.io/cluster")


def _warnings(kube: Kube, job: Object) -> list[Object]:
    name = job["metadata"]["name"]
    return [e for e in kube.list("Event") if (e["involvedObject"].get("name") or "").startswith(name)]
