"""How one experiment is doing: by its RayJob and pods, and by what its results tell."""

from datetime import datetime

from tuner_job.cluster.entry import Status, of_job, status_told
from tuner_job.cluster.follow import find_job, observe
from tuner_job.cluster.told import Release, told_of
from tuner_job.errors import ClusterError


def status_of(release: Release, name: str, now: datetime) -> Status:
    """Look at an experiment once.

    Raises
    ------
    ClusterError
        There is none, neither as a RayJob nor among the results.
    """
    kube, told = release.kube, told_of(release, name)
    record, job = told.progress.get(name), find_job(kube, name)
    if job:
        entry = of_job(job, record, now)
        seen = observe(kube, name)
        return Status(entry, seen.failure, seen.problems, seen.last_line, told.reason)
    if record is None:
        why = f"; its results cannot be read: {told.reason}" if told.reason else ""
        raise ClusterError(
            f"namespace {kube.namespace}: no experiment {name} runs or ran here; see va-tuning "
            f"list{why}"
        )
    return status_told(name, record, now)
