"""Run a scheduled experiment on the installed Ray cluster, end as it ends: ``run_scheduled.py
FILE``.

JOB_NAME is the Kubernetes Job that the CronJob made: a pod that is tried again asks for the same
run.
"""

import os
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import yaml

from tuner_job.execution.ray_job import stay_with_job


def run_name(experiment: str, job_name: str) -> str:
    """Return ``<experiment>-<date>-<time>`` (UTC): the minute stands at the end of a CronJob's
    job name."""
    suffix = job_name.rpartition("-")[2]
    if re.fullmatch(
        r"\d{8}", suffix
    ):  # minutes since 1970; a Job made by hand may be named otherwise
        suffix = datetime.fromtimestamp(int(suffix) * 60, UTC).strftime("%Y%m%d-%H%M")
    return f"{experiment}-{suffix}"


def main(source: str) -> None:
    """Send the experiment, under its own name, as the working directory of a Ray job, and stay
    with it."""
    from ray.job_submission import JobSubmissionClient

    job_name = os.environ["JOB_NAME"]
    experiment = yaml.safe_load(Path(source).read_text())
    experiment["name"] = run_name(experiment["name"], job_name)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "experiment.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
        for module in Path(source).parent.glob("*.py"):  # the experiment's own
            Path(folder, module.name).write_bytes(module.read_bytes())
        status = stay_with_job(
            JobSubmissionClient, job_name, "va-tuning tune experiment.yaml", folder, print
        )
    if status != "SUCCEEDED":
        sys.exit(f"Ray job {job_name} ended as {status}")


if __name__ == "__main__":
    main(*sys.argv[1:])
