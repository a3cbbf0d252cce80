"""A trial on its way as one file: how far it is, and its folds' models.

A zip file, so that one that was cut off when its writer died is known as such, and so that the driver can read how
far a trial is without its models.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from tuner_job.execution.ray_tune.trial_fit import Begun
from tuner_job.results.records import FoldRecord, Stage
from tuner_job.schema import Closed

FILE = "trial.zip"
_PROGRESS = "progress.json"


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
    """Read how far a trial is; None if the file was cut off."""
    try:
        with zipfile.ZipFile(file) as archive:
            return Progress.model_validate_json(archive.read(_PROGRESS))
    except zipfile.BadZipFile:
        return None


def read_begun(file: IO[bytes]) -> tuple[Progress, Begun]:
    """Read a trial to go on with."""
    with zipfile.ZipFile(file) as archive:
        progress = Progress.model_validate_json(archive.read(_PROGRESS))
        names = sorted(name for name in archive.namelist() if name != _PROGRESS)
        return progress, Begun(progress.folds, [archive.read(name) for name in names])
