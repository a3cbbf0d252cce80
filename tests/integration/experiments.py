"""Small experiments and the command line that runs them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

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
}

ON_RAY = {"RAY_ADDRESS": "local"}
"""Environment with which fits run on an embedded Ray."""
SCRIPT = "run-distributed-comparison"


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
    out, err = process.communicate(timeout=540)
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
