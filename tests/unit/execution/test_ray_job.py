"""The submitter against a head that comes and goes; the real one is in tests/e2e."""

import shlex
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest

from tuner_job.execution import ray_job
from tuner_job.execution.ray_job import stay_with_job


class Status(Enum):
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    SUCCEEDED = "SUCCEEDED"


@dataclass
class Job:
    submission_id: str
    status: Status
    log: str = ""


@dataclass
class Head:
    """A Ray head by script: at each look at its jobs the next event takes place."""

    events: list[Any]
    jobs: dict[str, Job] = field(default_factory=dict)
    submitted: list[dict[str, Any]] = field(default_factory=list)

    def list_jobs(self) -> list[Job]:
        event = self.events.pop(0) if self.events else None
        if isinstance(event, Exception):
            raise event
        if event == "new head":
            self.jobs.clear()
        elif event is not None:
            status, log = event
            for job in self.jobs.values():
                job.status, job.log = status, job.log + log
        return list(self.jobs.values())

    def submit_job(self, **job: Any) -> None:
        self.submitted.append(job)
        self.jobs[job["submission_id"]] = Job(job["submission_id"], Status.RUNNING)

    def get_job_logs(self, submission_id: str) -> str:
        return self.jobs[submission_id].log


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_job, "_PAUSE", 0.0)
    monkeypatch.setattr(ray_job, "_SECOND_LOOK", 0.0)


def stay(events: list[Any]) -> tuple[Head, str, list[str]]:
    head, said = Head(events), []
    status = stay_with_job(
        lambda: head, "adult-1", "va-tuning tune experiment.yaml", "/folder", said.append
    )
    return head, status, said


def test_a_job_is_submitted_once_and_its_log_told_once() -> None:
    head, status, said = stay(
        [None, (Status.RUNNING, "a\nb"), (Status.RUNNING, "c\n"), (Status.SUCCEEDED, "d\n")]
    )
    assert status == "SUCCEEDED"
    assert said == ["a", "bc", "d"]
    assert head.submitted == [
        {
            "entrypoint": "va-tuning tune experiment.yaml",
            "submission_id": "adult-1",
            "runtime_env": {"working_dir": "/folder"},
        }
    ]


def test_a_head_that_lost_the_job_gets_it_again() -> None:
    away = ConnectionError("refused")
    head, status, said = stay(
        [
            None,
            (Status.RUNNING, "first\n"),
            away,
            away,
            "new head",
            None,
            (Status.SUCCEEDED, "second\n"),
        ]
    )
    assert status == "SUCCEEDED"
    assert said == ["first", "note: the Ray head does not answer; waiting for it", "second"]
    assert len(head.submitted) == 2


def test_a_failure_that_a_dying_head_reports_does_not_count() -> None:
    head, status, _ = stay(
        [None, (Status.FAILED, "killed\n"), "new head", None, (Status.SUCCEEDED, "done\n")]
    )
    assert (status, len(head.submitted)) == ("SUCCEEDED", 2)


def test_a_failure_that_stays_is_the_end() -> None:
    head, status, said = stay([None, (Status.FAILED, "va-tuning: wrong\n"), None])
    assert (status, len(head.submitted), said) == ("FAILED", 1, ["va-tuning: wrong"])


def test_a_head_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_job, "_PATIENCE", 0.0)
    with pytest.raises(ConnectionError, match="has not answered for 0 s: refused"):
        stay([ConnectionError("refused")] * 3)


def test_the_entrypoint_is_told_who_submitted_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VA_TUNING_OWNER", raising=False)
    assert ray_job._passed_on() == []
    monkeypatch.setenv("VA_TUNING_OWNER", "Jane Doe")
    entrypoint = shlex.join([*ray_job._passed_on(), "va-tuning", "tune", "experiment.yaml"])
    assert entrypoint == "env 'VA_TUNING_OWNER=Jane Doe' va-tuning tune experiment.yaml"
