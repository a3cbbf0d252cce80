"""Wait for the test's RayJob and read its results: ``check_tuning.py URL JOB_PREFIX SECONDS``.

KubeRay names the Ray job after the RayJob plus a suffix of its own, so it is found by prefix among
the jobs that began after ``helm-test/started`` was written.
"""

import sys
import time
from datetime import datetime

import obstore
from obstore.store import ObjectStore, from_url
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient

TEST = "helm-test"


def connect(deadline: float) -> JobSubmissionClient:
    """Return a client of RAY_ADDRESS once the head answers."""
    while True:
        try:
            return JobSubmissionClient()
        except ConnectionError as error:
            if time.monotonic() > deadline:
                sys.exit(f"the Ray head does not answer: {error}")
            time.sleep(3)


def newest_job(client: JobSubmissionClient, prefix: str, since: datetime) -> JobDetails | None:
    """Return the test's job, or None if it has not been submitted yet."""
    jobs = [
        job
        for job in client.list_jobs()
        if (job.submission_id or "").startswith(prefix)
        and (job.start_time or 0) >= since.timestamp() * 1000
    ]
    return max(jobs, key=lambda job: job.start_time or 0, default=None)


def wait_for_success(
    client: JobSubmissionClient, prefix: str, since: datetime, deadline: float
) -> None:
    """Return when the job has succeeded; end the program with its log if it has not."""
    job = newest_job(client, prefix, since)
    while job is None or not job.status.is_terminal():
        if time.monotonic() > deadline:
            state = "was never submitted" if job is None else f"is still {job.status}"
            sys.exit(
                f"the test's job {prefix}… {state}; see `kubectl describe rayjob "
                f"{prefix.rstrip('-')}`"
            )
        time.sleep(3)
        job = newest_job(client, prefix, since)
    if job.status != JobStatus.SUCCEEDED:
        print(client.get_job_logs(job.submission_id or ""))
        sys.exit(f"the test's job ended as {job.status}: {job.message}")


def read_results(store: ObjectStore) -> list[str]:
    """Return the paths of the results, of which the best configuration must be one."""
    paths = [meta["path"] for batch in obstore.list(store, TEST) for meta in batch]
    if f"{TEST}/logistic_regression/commits/0001.json" not in paths:
        sys.exit(
            f"the job succeeded but {TEST}/logistic_regression/commits/0001.json is not in the "
            f"store; found {paths}"
        )
    return paths


def main(url: str, prefix: str, seconds: str) -> None:
    """Say in one sentence whether an experiment runs on this cluster."""
    deadline = time.monotonic() + float(seconds)
    store = from_url(url)
    since = obstore.head(store, f"{TEST}/started")["last_modified"]
    wait_for_success(connect(deadline), prefix, since, deadline)
    paths = read_results(store)
    obstore.delete(store, paths)
    print(
        f"a RayJob tuned a model and left {len(paths) - 1} objects in {url}/{TEST}; they are "
        "removed again"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
