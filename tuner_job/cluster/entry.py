"""What is known of an experiment: by its RayJob, and by what its results tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tuner_job.cluster.objects import RayJob
from tuner_job.cluster.owner import owner_of
from tuner_job.cluster.state import ENDED, State, seconds_of, state_of
from tuner_job.records import ProgressRecord
from tuner_job.wording import plain

_STATES = {"done": "succeeded", "failed": "failed", "cancelled": "stopped", "running": "running"}
TRIALS, BEST = "va-tuning.io/trials", "va-tuning.io/best"
"""Annotations in which the chart's controller says how an experiment is going."""


@dataclass(frozen=True)
class Entry:
    """One experiment.

    Attributes
    ----------
    state
        That of its RayJob; where there is none, that of its results, or ``lost`` where nothing has
        been heard of its run for a minute.
    seconds
        That it has taken, or took.
    own_cluster
        Whether it brings a Ray cluster of its own; None where it has no RayJob.
    progress
        What its results tell; None where they tell nothing, or nothing of this run.
    trials, best
        The same for people; what the controller says of it where nobody may read its results.
    """

    name: str
    state: str
    seconds: float
    own_cluster: bool | None
    owner: str
    progress: ProgressRecord | None = None
    trials: str = ""
    best: str = ""

    def document(self) -> dict[str, Any]:
        """What programs are told."""
        told = self.progress
        return {
            "name": self.name,
            "state": self.state,
            "seconds": self.seconds,
            "own_cluster": self.own_cluster,
            "owner": self.owner,
            "stage": told and told.stage,
            "done": told and told.done,
            "planned": told and told.planned,
            "best": told.best.model_dump() if told and told.best else None,
            "seconds_left": told and told.seconds_left,
        }


def of_records(records: Mapping[str, ProgressRecord], now: datetime) -> list[Entry]:
    """List experiments that are known by their results alone, by name, the oldest first."""
    ordered = sorted(records.items(), key=lambda one: one[1].began)
    return [of_record(name, record, now) for name, record in ordered]


def of_job(job: RayJob, record: ProgressRecord | None, now: datetime) -> Entry:
    """Say what is known of an experiment with a RayJob."""
    about, state = job.metadata, state_of(job)
    told = record if record and is_of_this_run(state, record) else None
    return Entry(
        str(about.name),
        state,
        round(seconds_of(job, now), 1),
        job.spec.ray_cluster_spec is not None,
        owner_of(job) or (told.owner if told else ""),
        told,
        trials_of(told) if told else about.annotations.get(TRIALS, "").replace("/", " of "),
        best_of(told) if told else about.annotations.get(BEST, ""),
    )


def of_record(name: str, record: ProgressRecord, now: datetime) -> Entry:
    """Say what is known of an experiment by its results alone."""
    return Entry(
        name,
        state_told(record, now),
        round(record.seconds, 1),
        None,
        record.owner,
        record,
        trials_of(record),
        best_of(record),
    )


def state_told(record: ProgressRecord, now: datetime) -> str:
    """The state that results tell, in the words for RayJobs; ``lost`` where nobody can be running
    it any more."""
    return "lost" if record.is_silent(now) else _STATES[record.state]


def is_of_this_run(state: State, record: ProgressRecord) -> bool:
    """Whether a record tells of what the RayJob does: one that waits may have run before."""
    return state in ENDED or record.state == "running"


def trials_of(record: ProgressRecord) -> str:
    """How many trials have ended, of how many."""
    return f"{record.done}" if record.planned is None else f"{record.done} of {record.planned}"


def best_of(record: ProgressRecord) -> str:
    """The best score so far, and whose it is."""
    return f"{record.best.score:.4f} {record.best.model}" if record.best else ""


@dataclass(frozen=True)
class Status:
    """What is known of one experiment.

    Attributes
    ----------
    failure
        Why it failed, or was stopped; None if it was not.
    problems
        What holds it up.
    last_line
        Of its log, as far as a pod has it.
    untold
        Why its results tell nothing; empty where they do, or have nothing to tell.
    """

    entry: Entry
    failure: str | None
    problems: list[str]
    last_line: str | None
    untold: str = ""

    def document(self) -> dict[str, Any]:
        """What programs are told."""
        told = self.entry.progress
        return {
            "name": self.entry.name,
            "state": self.entry.state,
            "failure": self.failure,
            "problems": self.problems,
            "last_line": self.last_line,
            "owner": self.entry.owner,
            "progress": told and told.model_dump(mode="json"),
        }


def status_told(name: str, record: ProgressRecord, now: datetime) -> Status:
    """Say how an experiment is doing by its results alone."""
    return Status(of_record(name, record, now), plain(record.reason, 1000) or None, [], None)
