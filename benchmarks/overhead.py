"""What the driver costs: wall time against fitting time, start-up, memory.

Usage: python -m benchmarks.overhead
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

WORKERS = 2


def run(
    content: dict[str, Any], folder: Path
) -> tuple[float, float, float, list[tuple[int, float]]]:
    """Run an experiment as a command.

    Returns
    -------
    Seconds from start to first trial, seconds from the end of the fifth trial to that of the fifth
    last,
    seconds of fitting in the trials that ended between them, and (trials done, driver's resident
    MiB) as
    it went.
    """
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump({**content, "results": str(folder / "results")}))
    trials = folder / "results" / content["name"] / content["models"][0] / "trials"
    command = [sys.executable, "-m", "tuner_job", "tune", str(path), "--workers", str(WORKERS)]
    started = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    memory: list[tuple[int, float]] = []
    watcher = threading.Thread(target=_watch, args=(process, trials, memory))
    watcher.start()
    assert process.wait() == 0
    watcher.join()
    records = sorted(
        (json.loads(file.read_text()) for file in trials.iterdir()), key=lambda r: r["finished_at"]
    )
    ends = [_seconds(record["finished_at"]) for record in records]
    fitting = sum(fold["fit_seconds"] for record in records[5:-4] for fold in record["folds"])
    return ends[0] - started, ends[-5] - ends[4], fitting, memory


def _watch(process: subprocess.Popen[bytes], trials: Path, memory: list[tuple[int, float]]) -> None:
    driver = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            done = sum(1 for _ in trials.iterdir()) if trials.exists() else 0
            # The command works in a child of the process that was started; others are Ray's.
            works = max([driver, *driver.children()], key=lambda one: one.memory_info().rss)
            memory.append((done, works.memory_info().rss / 2**20))
        except psutil.NoSuchProcess:
            return
        time.sleep(0.2)


def _seconds(stamp: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(stamp).timestamp()


def overhead(folder: Path) -> None:
    """Wall × cores / Σ fit seconds over the middle of 305 tasks."""
    content = {
        "name": "overhead",
        "data": {
            "format": "synthetic",
            "synthetic": {"n_samples": 1500, "n_causes": 14, "n_symptoms": 80},
        },
        "models": ["xgboost"],
        "validation": {"scheme": "stratified", "csmf_estimators": ["count"]},
        "tuning": {
            "search_method": "random",
            "n_trials": 60,
            "cv_folds": 5,
            "early_stopping": "none",
            "search_spaces": {
                "xgboost": {
                    "n_estimators": [20],
                    "max_depth": [5, 6, 7],
                    "learning_rate": {"low": 0.05, "high": 0.3},
                }
            },
        },
    }
    first, wall, fitting, _ = run(content, folder)
    print(f"start to end of the first trial (five fits): {first:.1f} s")
    print(
        f"{52 * 5} tasks of {fitting / 260 * 1000:.0f} ms on average: wall {wall:.1f} s, fitting "
        f"{fitting:.1f} s, wall × {WORKERS} / Σ fit seconds = {wall * WORKERS / fitting:.3f}"
    )


def memory(folder: Path) -> None:
    """The driver's memory from 100 to 10,000 trials."""
    content = {
        "name": "memory",
        "data": {
            "format": "synthetic",
            "synthetic": {"n_samples": 40, "n_causes": 2, "n_symptoms": 2, "n_sites": 1},
        },
        "models": ["xgboost"],
        "validation": {"scheme": "stratified", "csmf_estimators": ["count"]},
        "tuning": {
            "search_method": "random",
            "n_trials": 10_000,
            "cv_folds": 2,
            "lag": 64,
            "early_stopping": "none",
            # no two of these share a fit
            "search_spaces": {
                "xgboost": {
                    "n_estimators": [1],
                    "learning_rate": {"low": 0.001, "high": 1, "log": True},
                }
            },
        },
    }
    first, wall, _, seen = run(content, folder)
    at = {n: max(mib for done, mib in seen if done <= n) for n in (100, 1_000, 10_000)}
    at[100] = next(mib for done, mib in seen if done >= 100)
    print(f"start to first trial of tiny fits: {first:.1f} s")
    print(f"10,000 trials (20,000 tasks) in {wall:.0f} s: {20_000 / wall:.0f} tasks a second")
    print(
        "driver's resident memory: "
        + ", ".join(f"{mib:.0f} MiB at {n:,} trials" for n, mib in at.items())
    )


def main() -> None:
    """Print all measurements."""
    for measure in (overhead, memory):
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder))


if __name__ == "__main__":
    main()
