"""How a run has ended: by its RayJob, or, once that is gone, by what it wrote last."""

from tuner_job.cluster.objects import RayJob
from tuner_job.cluster.state import ENDED, State, failure_of, state_of
from tuner_job.operator.ledger import End
from tuner_job.operator.status import State as Said
from tuner_job.records import ProgressRecord

_ENDS: dict[str, End] = {"succeeded": "done", "failed": "failed", "stopped": "cancelled"}
SAID: dict[str, Said] = {"done": "Succeeded", "failed": "Failed", "cancelled": "Cancelled"}
DELETED = "its RayJob was deleted; finished trials are kept"
STOPPED = "its Ray job was stopped; finished trials are kept"


def state_but_deletion(job: RayJob) -> State:
    """State of a RayJob, be it on its way out or not."""
    kept = job.metadata.model_copy(update={"deletion_timestamp": None})
    return state_of(job.model_copy(update={"metadata": kept}))


def end_of(job: RayJob) -> tuple[End, str]:
    """How a RayJob has ended, and why; an empty end if it has not."""
    state = state_but_deletion(job)
    if state not in ENDED:
        return "", ""
    if state == "stopped":
        return "cancelled", STOPPED
    kept = job.metadata.model_copy(update={"deletion_timestamp": None})
    return _ENDS[state], failure_of(job.model_copy(update={"metadata": kept})) or ""


def end_of_gone(uid: str, began: str, last: ProgressRecord | None) -> tuple[End, str]:
    """How a run has ended whose RayJob is gone.

    Parameters
    ----------
    began
        When its RayJob was made: UTC, ISO 8601; empty: nobody knows.
    last
        What the experiment wrote last, perhaps in an earlier run.
    """
    if last is None or not _is_of(last, uid, began) or last.state == "running":
        return "cancelled", DELETED
    return last.state, last.reason or (DELETED if last.state == "cancelled" else "")


def _is_of(last: ProgressRecord, uid: str, began: str) -> bool:
    return uid in last.run_by or bool(began and last.began >= began)
