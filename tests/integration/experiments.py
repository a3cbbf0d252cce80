"""Small experiments and the command line that runs them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

CHEAP = {"csmf_estimators": ["count", "mean"]}
"""How to validate quickly: bayes would take most of the time of tiny fits."""
SMALL: dict[str, Any] = {
    "name": "small",
    "data": {
        "format": "synthetic",
        "synthetic": {"n_samples": 300, "n_causes": 5, "n_symptoms": 20, "n_sites": 3},
    },
    "models": ["random_forest", "xgboost"],
    "tuning": {
        "search_method": "bayesian",
        "n_trials": 12,
        "cv_folds": 3,
        "lag": 3,
        "search_spaces": {
            "random_forest": {
                "n_estimators": [10, 30, 50],
                "max_depth": [None, 4, 8],
                "min_samples_leaf": [1, 2, 4],
            },
            "xgboost": {
                "n_estimators": [5, 10, 20],
                "learning_rate": {"low": 0.05, "high": 0.5, "log": True},
            },
        },
    },
    "validation": CHEAP,
}

ON_RAY = {"RAY_ADDRESS": "local"}
"""Environment with which fits run on an embedded Ray."""
SCRIPT = "run-distributed-comparison"
_HELD = """
import pathlib, sys, time
from tuner_job.cli.main import main
from tuner_job.experiment import run

gate = pathlib.Path(sys.argv.pop(1))

def wait_at_the_gate(_):
    while not gate.exists():
        time.sleep(0.01)

steps = list(run.STEPS.items())
steps.insert([step for step, _ in steps].index(run.search), (wait_at_the_gate, "loading"))
run.STEPS = dict(steps)
main(sys.argv[1:])
"""


def write(folder: Path, experiment: Mapping[str, Any] = SMALL, **changes: Any) -> Path:
    """Write an experiment file, with top-level keys changed."""
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump({**experiment, **changes}, sort_keys=False))
    return path


def start(
    *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start ``va-tuning``, or ``run-distributed-comparison``, in its own process group."""
    command: tuple[str | Path, ...] = ("-m", "tuner_job", *arguments)
    if arguments[0] == SCRIPT:
        command = ("-c", "from tuner_job import __main__ as m; m.main_of_comparison()")
        command = (*command, *arguments[1:])
    return _started(command, environment)


@contextmanager
def held(gate: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Start ``va-tuning tune``, which runs and does not search until a file is at `gate`: so it
    cannot end while something is looked at. It is no more when the block ends."""
    process = _started(("-c", _HELD, gate, *arguments))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _started(
    command: tuple[str | Path, ...], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def run(
    *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run ``va-tuning``; return exit code, output and error output."""
    process = start(*arguments, environment=environment)
    out, err = process.communicate(timeout=840)
    return process.returncode, out, err


def tune(
    path: Path, results: str | Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> str:
    """Tune to the end; return the output."""
    code, out, err = run(
        "tune", path, "--results", str(results), *arguments, environment=environment
    )
    assert code == 0, err + out
    return out


def trials_table(results: str | Path) -> str:
    """The canonical table of the only experiment there."""
    code, out, err = run("show", str(results), "--trials")
    assert code == 0, err
    return out


def trial_files(results: Path) -> dict[Path, tuple[int, bytes, int | None]]:
    """Every stored trial → when it was written, what is in it, and when its probabilities were: a
    record that is there already is kept when its trial runs again, its probabilities are not."""

    def moment(path: Path) -> int | None:
        return path.stat().st_mtime_ns if path.exists() else None

    return {
        path: (
            path.stat().st_mtime_ns,
            path.read_bytes(),
            moment(path.parent.parent / "oof" / path.with_suffix(".npz").name),
        )
        for path in results.glob("**/trials/*.json")
    }


def n_done(results: Path) -> dict[str, int]:
    """Model → how many trials its progress counts, where one that ran twice counts twice."""
    (file,) = results.glob("**/progress.json")
    return {model: found["done"] for model, found in json.loads(file.read_text())["models"].items()}


def kill_when(
    process: subprocess.Popen[str], condition: Callable[[], bool], number: int = signal.SIGKILL
) -> None:
    """Send a signal as soon as something holds."""
    deadline = time.monotonic() + 600
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "what was waited for did not happen within 600 s"
        time.sleep(0.01)
    os.kill(process.pid, number)
    process.communicate(timeout=300)
