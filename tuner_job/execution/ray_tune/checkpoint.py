"""A trial on its way as one file: how far it is, and its folds' models.

A zip file, so that one that was cut off when its writer died is known as such, and so that the
driver can read how far a trial is without its models.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from tuner_job.errors import StoreError
from tuner_job.execution.ray_tune.trial_fit import Begun
from tuner_job.files.arrays import read_member, read_zip, reading
from tuner_job.records import FoldRecord, Stage
from tuner_job.schema import Closed

FILE = "trial.zip"
_PROGRESS = "progress.json"
MOST_PROGRESS = 16 * 2**20
"""Bytes of `_PROGRESS`."""


class Progress(Closed):
    """How far a trial is; the fields as in `TrialRecord`."""

    params: dict[str, Any]
    """Those it went on with last."""
    folds: list[FoldRecord]
    curve: list[tuple[int, float]]
    schedule: list[Stage]


def write_checkpoint(path: Path, progress: Progress, parts: Sequence[bytes]) -> None:
    """Write a trial."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_PROGRESS, progress.model_dump_json())
        for fold, part in enumerate(parts):
            archive.writestr(f"fold-{fold:03d}", part)


def read_progress(file: IO[bytes]) -> Progress | None:
    """Read how far a trial is; None if the file was cut off, or is no checkpoint, or cannot be
    read."""
    try:
        return _progress(read_member(file, _PROGRESS, MOST_PROGRESS))
    except (StoreError, OSError):
        return None


def read_begun(file: IO[bytes]) -> tuple[Progress, Begun]:
    """Read a trial to go on with.

    Raises
    ------
    StoreError
        If it is no checkpoint.
    """
    members = read_zip(file.read())
    progress = _progress(members.pop(_PROGRESS, b""))
    parts = [members[name] for name in sorted(members)]
    return progress, Begun(progress.folds, parts)


def _progress(content: bytes) -> Progress:
    with reading(_PROGRESS):  # what pydantic raises is a ValueError
        return Progress.model_validate_json(content)
