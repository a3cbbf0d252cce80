"""A finished experiment as version 0.1.0 stored it, and one that was stopped, for commands that
read."""

import shutil
from pathlib import Path

from click.testing import CliRunner, Result

from tuner_job.cli.main import main

KEPT = Path(__file__).parents[1] / "stored" / "0.1.0"
DEATHS = KEPT / "deaths.csv"


def copy(folder: Path, which: str = "finished") -> Path:
    """Copy an experiment below a folder, under its own name; return where it stands."""
    return Path(shutil.copytree(KEPT / which, folder / "stored"))


def run(*arguments: object) -> Result:
    """Run a command; no error is let through but exits."""
    outcome = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), repr(
        outcome.exception
    )
    assert "Traceback" not in outcome.output
    return outcome


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, files with their content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
