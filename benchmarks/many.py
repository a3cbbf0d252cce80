"""What so many real trials cost: searching, going on, the report, listing; in a folder and on S3.

``python -m benchmarks.many [--trials N] [--page FILE]``: fits are tiny, so what is measured is all
that is done around them. The S3 server runs on this machine. ``--page FILE`` puts the tables into a
page.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.tables import fill, markdown
from tests.integration.s3_server import serve

ROOT = Path(__file__).parents[1]
WORKERS = 2
MORE = 8
"""Trials that a search which goes on has to run."""
RESUMED = (200, 1_200)
"""Trials that TPE knows when it goes on: what lies between them is told a thousand trials."""
_SAMPLE_SECONDS = 0.5
_REPORT = """
import sys, time
from tuner_job import open_experiment
from tuner_job.experiment.page import write_report
store = open_experiment(sys.argv[1])
summary = store.summary()
began = time.perf_counter()
page = write_report(store, summary)
print(time.perf_counter() - began, len(page))
"""


@dataclass(frozen=True)
class Place:
    """Where results go, and the variables that lead there."""

    name: str
    url: str
    environment: Mapping[str, str] = field(default_factory=dict)


def experiment(place: Place, n_trials: int, method: str) -> dict[str, Any]:
    """Trials of two fits of a few milliseconds, no two of which share one."""
    return {
        "name": f"many-{method}",
        "data": {
            "format": "synthetic",
            "synthetic": {"n_samples": 40, "n_causes": 2, "n_symptoms": 2, "n_sites": 1},
        },
        "models": ["xgboost"],
        "validation": {"scheme": "stratified", "csmf_estimators": ["count"]},
        "tuning": {
            "search_method": method,
            "n_trials": n_trials,
            "cv_folds": 2,
            "lag": 64,
            "early_stopping": "none",
            "search_spaces": {
                "xgboost": {
                    "n_estimators": [1],
                    "learning_rate": {"low": 0.001, "high": 1, "log": True},
                }
            },
        },
        "results": place.url,
    }


def run(place: Place, *command: str) -> tuple[float, float, str]:
    """Run Python: seconds, peak resident MiB of the process that works, and what it prints."""
    environment = {**os.environ, **place.environment, "PYTHONPATH": str(ROOT)}
    began, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
        while process.poll() is None:
            peak = max(peak, _largest(process.pid))
            with suppress(subprocess.TimeoutExpired):
                process.wait(_SAMPLE_SECONDS)
        seconds = time.perf_counter() - began
        output.seek(0)
        said = output.read()
    if process.returncode:
        raise RuntimeError(said[-2000:])
    return seconds, peak / 2**20, said


def _largest(pid: int) -> int:
    """Resident bytes of a command's driver, which is a child of the process that was started."""
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(pid)
        return max(one.memory_info().rss for one in (started, *started.children()))
    return 0


def tune(place: Place, n_trials: int, method: str = "random") -> tuple[float, float]:
    """Search, or go on: seconds, and the driver's peak resident MiB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "experiment.yaml"
        path.write_text(yaml.safe_dump(experiment(place, n_trials, method)))
        return run(place, "-m", "tuner_job", "tune", str(path), "--workers", str(WORKERS))[:2]


def costs(place: Place, n_trials: int) -> list[str]:
    """Search so many trials and use them; a row of the table."""
    searched, peak = tune(place, n_trials)
    resumed, again = tune(place, n_trials + MORE)
    where = f"{place.url}/many-random"
    seconds, n_bytes = run(place, "-c", _REPORT, where)[2].split()[-2:]
    listed, _, _ = run(place, "-m", "tuner_job", "show", where, "--trials")
    return [
        place.name,
        f"{n_trials:,}",
        f"{searched:.0f} s",
        f"{resumed:.1f} s",
        f"{max(peak, again):.0f} MiB",
        f"{float(seconds):.1f} s",
        f"{int(n_bytes) / 2**20:.1f} MB",
        f"{listed:.1f} s",
    ]


def tpe(place: Place) -> float:
    """Seconds that TPE takes to know a thousand trials more when it goes on."""
    took = []
    for n_trials in RESUMED:
        tune(place, n_trials, "bayesian")
        took.append(tune(place, n_trials + MORE, "bayesian")[0])
    return took[1] - took[0]


def main() -> None:
    """Print the table, and what TPE takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        buckets = Path(folder) / "buckets"
        buckets.mkdir()
        with serve(buckets) as server:
            remote = Place("S3", server.make_bucket("many"), server.environment)
            local = Place("folder", str(Path(folder) / "results"))
            rows = [
                costs(place, n) for n in (1_000, options.trials) for place in _new(local, remote, n)
            ]
            resumed = tpe(local)
    head = [
        "results in",
        "trials",
        "searched in",
        f"{MORE} more, all known",
        "driver, at most",
        "report",
        "page",
        "`show --trials`",
    ]
    block = (
        f"{markdown(head, rows)}\n\nTPE knows 1,000 trials more in {resumed:.1f} s when it goes on."
    )
    print(block)
    if options.page:
        fill(options.page, {"many": block})


def _new(local: Place, remote: Place, n_trials: int) -> list[Place]:
    """Places where nothing is yet."""
    return [Place(one.name, f"{one.url}/{n_trials}", one.environment) for one in (local, remote)]


if __name__ == "__main__":
    main()
