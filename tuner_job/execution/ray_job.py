"""Submit a Ray job and stay with it to its end: what the submitter's pod of a RayJob runs.

``python -m tuner_job.execution.ray_job [--working-dir FOLDER] -- ENTRYPOINT…``

RAY_DASHBOARD_ADDRESS and RAY_JOB_SUBMISSION_ID say where and under which name, as KubeRay sets
them. A head that was lost comes back knowing nothing of the job: it is submitted again, under the
same name, and resumes from the store. Exit code 0 means that the job has ended, however; Ray says
how.
"""

import argparse
import os
import shlex
import sys
import time
from collections.abc import Callable
from typing import Any

from tuner_job.process.command import run
from tuner_job.process.owner import OWNER
from tuner_job.public import without_secrets

_PAUSE = 1.0
_PATIENCE = 900.0
"""Seconds without any answer of the head after which the submitter gives up."""
_SECOND_LOOK = 10.0
"""A head that is being shut down reports its jobs as failed: a failure counts if the head still
says so later."""


def stay_with_job(
    connect: Callable[[], Any],
    submission_id: str,
    entrypoint: str,
    working_dir: str | None,
    say: Callable[[str], None],
) -> str:
    """Submit a job unless it is there, tell its log as it grows, and return its final state.

    Parameters
    ----------
    connect
        Makes a Ray `JobSubmissionClient`; what it raises while the head is away is waited for.

    Raises
    ------
    ConnectionError
        The head did not answer for `_PATIENCE` seconds.
    """
    log = _Log(say)
    answered = time.monotonic()
    client = None
    while True:
        try:
            client = client or connect()
            status = _status(client, submission_id)
            if status is None:
                client.submit_job(
                    entrypoint=entrypoint,
                    submission_id=submission_id,
                    runtime_env={"working_dir": working_dir} if working_dir else None,
                )
                log.begin()
            else:
                log.tell(client.get_job_logs(submission_id))
                if status == "SUCCEEDED" or (
                    status in ("FAILED", "STOPPED") and _still(client, submission_id, status)
                ):
                    log.tell(client.get_job_logs(submission_id))
                    return status
            answered = time.monotonic()
        except (
            Exception
        ) as error:  # Ray's client raises RuntimeError, ConnectionError or requests' own
            client = None
            if time.monotonic() - answered > _PATIENCE:
                raise ConnectionError(
                    f"the Ray head has not answered for {_PATIENCE:.0f} s: {error}"
                ) from error
            log.note("the Ray head does not answer; waiting for it")
        time.sleep(_PAUSE)


class _Log:
    """Tells each part of a growing text once."""

    def __init__(self, say: Callable[[str], None]):
        self._say, self._told, self._noted = say, 0, ""

    def begin(self) -> None:
        self._told = 0

    def tell(self, text: str) -> None:
        whole = text[: text.rfind("\n") + 1]
        if len(whole) > self._told:
            self._say(whole[self._told :].rstrip("\n"))
            self._told, self._noted = len(whole), ""

    def note(self, text: str) -> None:
        if text != self._noted:
            self._say(f"note: {text}")
            self._noted = text


def _status(client: Any, submission_id: str) -> str | None:
    """State of a job; None if the head does not know it."""
    known = {job.submission_id: job for job in client.list_jobs()}
    job = known.get(submission_id)
    return None if job is None else str(job.status.value)


def _still(client: Any, submission_id: str, status: str) -> bool:
    time.sleep(_SECOND_LOOK)
    return _status(client, submission_id) == status


def _passed_on() -> list[str]:
    """What has the entrypoint know who submitted it: it runs elsewhere, with another
    environment."""
    owner = os.environ.get(OWNER)
    return ["env", f"{OWNER}={owner}"] if owner else []


def main() -> None:
    """Run as the module's documentation says."""
    from ray.job_submission import JobSubmissionClient  # importing Ray takes a second

    parser = argparse.ArgumentParser()
    parser.add_argument("--working-dir")
    parser.add_argument("entrypoint", nargs="+")
    given = parser.parse_args()
    address, name = os.environ["RAY_DASHBOARD_ADDRESS"], os.environ["RAY_JOB_SUBMISSION_ID"]
    address = address if address.startswith("http") else f"http://{address}"

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        status = stay_with_job(
            lambda: JobSubmissionClient(address),
            name,
            shlex.join([*_passed_on(), *given.entrypoint]),
            given.working_dir,
            say,
        )
    except ConnectionError as error:
        sys.exit(f"va-tuning: {without_secrets(str(error))}")
    say(f"job {name}: {status.lower()}")


if __name__ == "__main__":
    run(main, "the submitter was stopped; the job runs on in the Ray cluster")
