"""Run a scheduled experiment on the installed Ray cluster, end as it ends: ``run_scheduled.py FILE``.

JOB_NAME is the Kubernetes Job that the CronJob made: a pod that is tried again asks for the same run.
"""

import os
import re
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import yaml
from ray.job_submission import JobStatus, JobSubmissionClient

WAIT_SECONDS = 3


def run_name(experiment: str, job_name: str) -> str:
    """Return ``<experiment>-<date>-<time>`` (UTC): the minute stands at the end of a CronJob's job name."""
    suffix = job_name.rpartition("-")[2]
    if re.fullmatch(r"\d{8}", suffix):  # minutes since 1970; a Job made by hand may be named otherwise
        suffix = datetime.fromtimestamp(int(suffix) * 60, UTC).strftime("%Y%m%d-%H%M")
    return f"{experiment}-{suffix}"


def submit(client: JobSubmissionClient, source: Path, job_name: str) -> None:
    """Send the experiment, under its own name, as the working directory of a Ray job."""
    experiment = yaml.safe_load(source.read_text())
    experiment["name"] = run_name(experiment["name"], job_name)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "experiment.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
        client.submit_job(
            entrypoint="va-tuning tune experiment.yaml",
            submission_id=job_name,
            runtime_env={"working_dir": folder},
        )
    print(f"submitted {experiment['name']} as Ray job {job_name}")


def main(source: str) -> None:
    """Submit unless an earlier try did, then follow."""
    job_name = os.environ["JOB_NAME"]
    client = JobSubmissionClient()
    if job_name not in {job.submission_id for job in client.list_jobs()}:
        submit(client, Path(source), job_name)
    shown = 0
    while True:
        status = client.get_job_status(job_name)
        log = client.get_job_logs(job_name)
        print(log[shown:], end="")
        shown = len(log)
        if status.is_terminal():
            break
        time.sleep(WAIT_SECONDS)
    if status != JobStatus.SUCCEEDED:
        sys.exit(f"Ray job {job_name} ended as {status}")


if __name__ == "__main__":
    main(*sys.argv[1:])
