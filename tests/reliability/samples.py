"""The good inputs that bad ones are made of."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

STORED = Path(__file__).parents[1] / "stored" / "0.1.0"
GOOD_CSV = "cause,site,fever,cough\n" + "".join(
    f"{'xyz'[i % 3]},{'AB'[i % 2]},{i % 2},{i // 3 % 3}\n" for i in range(30)
)
BASE: dict[str, Any] = {
    "name": "exp",
    "data": {"source": "data.csv", "label": "cause", "site": "site"},
    "models": ["random_forest"],
}


def experiment(**changes: Any) -> dict[str, Any]:
    """A good experiment, with top-level keys changed."""
    return {**BASE, **changes}


def put(folder: Path, content: object, data: str | bytes | None = GOOD_CSV) -> None:
    """Write an experiment file, from an object, text or bytes, and its data."""
    if data is not None:
        (folder / "data.csv").write_bytes(data.encode() if isinstance(data, str) else data)
    if not isinstance(content, str | bytes):
        content = yaml.safe_dump(content, sort_keys=False)
    (folder / "experiment.yaml").write_bytes(
        content.encode() if isinstance(content, str) else content
    )


def put_stored(folder: Path, experiment: Path = STORED / "finished") -> Path:
    """Copy a stored experiment, its file and its data, to be changed by anyone; return the
    experiment's folder."""
    name = "stored"
    shutil.copytree(experiment, folder / "results" / name)
    shutil.copy(STORED / "deaths.csv", folder)
    shutil.copy(STORED / "experiment.yaml", folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    return folder / "results" / name


@cache
def current() -> Path:
    """The stored experiment, run to its end by the code as it is now: a folder made once,
    removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="va-reliability-now-"))
    atexit.register(_remove_in, os.getpid(), folder)
    for name in ("deaths.csv", "experiment.yaml"):
        shutil.copy(STORED / name, folder)
    command = [
        sys.executable,
        "-m",
        "tuner_job",
        "tune",
        folder / "experiment.yaml",
        "--results",
        folder / "results",
    ]
    os.environ.setdefault("RAY_worker_niceness", "0")
    subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=600)
    return folder / "results" / "stored"


def _remove_in(pid: int, folder: Path) -> None:
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
