"""The experiments of a release: by their RayJobs, and by what its store tells."""

from datetime import datetime

from tuner_job.cluster.entry import Entry, of_job, of_records
from tuner_job.cluster.objects import OF_EXPERIMENTS, RayJob
from tuner_job.cluster.told import Release, told_of_all


def entries(release: Release, now: datetime) -> tuple[list[Entry], str]:
    """List the experiments that only the store knows, and those that have a RayJob, the oldest
    first; and say why nothing of their results is told, where that cannot be read."""
    jobs = sorted(
        release.kube.list(RayJob, OF_EXPERIMENTS),
        key=lambda job: job.metadata.creation_timestamp or now,
    )
    names = [job.metadata.name for job in jobs]
    told = told_of_all(release, names)
    others = {name: one for name, one in told.progress.items() if name not in set(names)}
    with_jobs = [of_job(job, told.progress.get(job.metadata.name), now) for job in jobs]
    return of_records(others, now) + with_jobs, told.reason
