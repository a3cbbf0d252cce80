"""Keep an experiment as the version that is installed stores it; to be run once a version.

Usage: python -m tests.stored.keep
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tuner_job import __version__

HERE = Path(__file__).parent
FIRST = HERE / "0.1.0"
"""Whose experiment file and deaths all versions have."""
LAST_TRIAL = "000003"


def va_tuning(folder: Path, *arguments: str) -> str:
    """Run a command in a folder; return what it prints."""
    command = [sys.executable, "-m", "tuner_job", *arguments]
    return subprocess.run(command, cwd=folder, check=True, text=True, stdout=subprocess.PIPE).stdout


def keep(kept: Path) -> None:
    """Run the experiment to its end, and cut a copy of one model's search."""
    for name in ("experiment.yaml", "deaths.csv"):
        shutil.copy(FIRST / name, kept)
    va_tuning(kept, "tune", "experiment.yaml", "--results", "results")
    (kept / "results" / "stored").rename(kept / "finished")
    (kept / "results").rmdir()
    (kept / "finished" / "report.html").unlink()
    (kept / "trials.csv").write_text(va_tuning(kept, "show", "finished", "--trials"))
    rows = (kept / "deaths.csv").read_text().splitlines(keepends=True)[:11]
    (kept / "new.csv").write_text("".join(rows))
    for model in ("logistic_regression", "random_forest", "xgboost"):
        asked = ("finished", "new.csv", "--model", model)
        va_tuning(kept, "predict", *asked, "--output", f"predictions-{model}.csv")
    for name in ("new.csv", "csmf.csv", "deaths.html"):
        (kept / name).unlink()
    shutil.copytree(kept / "finished" / "xgboost", kept / "stopped" / "xgboost")
    for name in ("experiment.yaml", "provenance.json"):
        shutil.copy(kept / "finished" / name, kept / "stopped")
    for name in ("commits", "models"):
        shutil.rmtree(kept / "stopped" / "xgboost" / name)
    for name in ("best.json", f"trials/{LAST_TRIAL}.json", f"oof/{LAST_TRIAL}.npz"):
        (kept / "stopped" / "xgboost" / name).unlink(missing_ok=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "kept"
        made.mkdir()
        keep(made)
        shutil.rmtree(HERE / __version__, ignore_errors=True)
        shutil.copytree(made, HERE / __version__)
