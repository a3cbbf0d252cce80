"""How an experiment is going, as annotations of its RayJob, be it made by hand."""

from tuner_job.cluster.entry import BEST, TRIALS
from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import RayJob
from tuner_job.cluster.state import state_of
from tuner_job.operator.ends import end_of
from tuner_job.operator.resource import GROUP
from tuner_job.records import ProgressRecord


def mark(kube: Kube, job: RayJob, progress: ProgressRecord | None) -> None:
    """Annotate a RayJob with how its experiment is going, where that has changed.

    Parameters
    ----------
    progress
        As the store has it; None: what is there stays.
    """
    wanted: dict[str, str] = {f"{GROUP}/state": end_of(job)[0] or state_of(job)}
    if progress:
        wanted |= _figures(progress)
    if not wanted.items() <= job.metadata.annotations.items():
        kube.patch(job, {"metadata": {"annotations": wanted}})


def is_marked(job: RayJob) -> bool:
    """Whether a RayJob's end is among its annotations."""
    end, _ = end_of(job)
    return bool(end) and job.metadata.annotations.get(f"{GROUP}/state") == end


def _figures(progress: ProgressRecord) -> dict[str, str]:
    planned = "" if progress.planned is None else f"/{progress.planned}"
    found = {TRIALS: f"{progress.done}{planned}"}
    if best := progress.best:
        found[BEST] = f"{best.score:.4g} {best.model}"
    return found
