"""Who submitted the work of this process."""

import getpass
import os

from tuner_job.wording import plain

OWNER = "VA_TUNING_OWNER"
"""Environment variable that says so."""


def submitter(job: str | None = None) -> str:
    """Say who submitted the work: `OWNER`, or on a laptop the login name; empty where nobody said.

    Parameters
    ----------
    job
        Uid of the RayJob that runs it: who is logged in there is nobody.
    """
    if said := os.environ.get(OWNER, "").strip():
        return plain(said)
    if job:
        return ""
    try:
        return plain(getpass.getuser())
    except (OSError, KeyError):  # a container's user without a name
        return ""
