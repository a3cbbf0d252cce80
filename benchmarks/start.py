"""What a search costs before and beside its fits: time, processor time and memory of a command,
next to an import of the libraries that it needs, and to scikit-learn and Optuna on the same rows.

``python -m benchmarks.start [DATA] [--rounds N] [--page FILE]``: DATA is a raw PHMRC file; without
it, synthetic deaths. In each round every command runs once, one after the other, so that a busy
machine is as busy for all; what is told is the median over rounds of what differs within a round.
``--page FILE`` puts the tables into a page.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.peers import ours
from benchmarks.peers.problem import read_log
from benchmarks.tables import fill, markdown

ROOT = Path(__file__).parents[1]
CORES = 2
LIBRARIES = "numpy, scipy.optimize, sklearn.ensemble, xgboost, pyarrow.csv, pydantic"
DRAWING = "matplotlib.figure, matplotlib.backends.backend_svg, jinja2"
IMPORT, GRID, OPTUNA = "import", "GridSearchCV", "Optuna"
OURS, ON_RAY = "va-tuning", "va-tuning, RAY_ADDRESS=local"
NAMES = {
    IMPORT: "`import` of NumPy, SciPy, scikit-learn, XGBoost, pyarrow, pydantic, Matplotlib, Jinja",
    GRID: "GridSearchCV, `n_jobs=2`",
    OPTUNA: "Optuna, one process of two threads",
    OURS: "`va-tuning tune --workers 2`",
    ON_RAY: "the same with `RAY_ADDRESS=local`",
}
_SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds to its end and to its first trial, processor seconds, and peaks
    of the memory of all its processes in MiB, what they share counted once (`pss`) or in each."""

    wall: float
    first: float
    cpu: float
    pss: float
    rss: float


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command; the time of the first trial is not known here."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **environment}
    began, pss, rss = time.time(), 0.0, 0.0
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            list(command), cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT
        )
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        found = _memory(process.pid)
        pss, rss = max(pss, found[0]), max(rss, found[1])
        time.sleep(_SAMPLE_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError((folder / "output.txt").read_text()[-2000:])
    wall = time.time() - began
    return Cost(wall, wall, used.ru_utime + used.ru_stime, pss / 2**20, rss / 2**20)


def _memory(pid: int) -> tuple[int, int]:
    """Bytes of a process and all below it."""
    pss = rss = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                info = one.memory_full_info()
                pss, rss = pss + info.pss, rss + info.rss
    return pss, rss


def cost_of(name: str, setting: ours.Setting, folder: Path) -> Cost:
    """Run one of the commands in a folder of its own."""
    folder.mkdir(parents=True)
    began = time.time()
    if name == IMPORT:
        return run([sys.executable, "-c", f"import {LIBRARIES}, {DRAWING}"], folder, {})
    if name in (OURS, ON_RAY):
        path = ours.write_experiment(setting, folder, "none")
        environment = {"RAY_ADDRESS": "local" if name == ON_RAY else ""}
        cost = run(ours.command(path, CORES), folder, environment)
        first = min(
            datetime.fromisoformat(_finished_at(trial)).timestamp()
            for trial in (folder / "results" / "peers").glob("*/trials/*.json")
        )
    else:
        ours.make_problem(setting, folder)
        began = time.time()
        command = [sys.executable, "-m", "benchmarks.peers.searches", name, str(folder)]
        cost = run(command, folder, {})
        first = min(one.at for one in read_log(folder, setting.n_folds)[0])
    return Cost(cost.wall, first - began, cost.cpu, cost.pss, cost.rss)


def _finished_at(trial: Path) -> str:
    return str(json.loads(trial.read_text())["finished_at"])


def table(setting: ours.Setting, rounds: int) -> str:
    """Run every command once a round; tell what each took, and took more than the import."""
    found: dict[str, list[Cost]] = {name: [] for name in NAMES}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for name in NAMES:
                found[name].append(cost_of(name, setting, Path(folder) / name.replace("/", "-")))
    return markdown(
        [
            "command",
            "to its end, s",
            "more than the import, s",
            "first trial, more than the import, s",
            "processor, s",
            "memory, shared counted once, MiB",
            "summed resident, MiB",
        ],
        [_row(name, costs, found[IMPORT]) for name, costs in found.items()],
    )


def _row(name: str, costs: Sequence[Cost], imports: Sequence[Cost]) -> list[str]:
    pairs = list(zip(costs, imports, strict=True))
    more = median(cost.wall - base.wall for cost, base in pairs)
    first = median(cost.first - base.wall for cost, base in pairs)
    is_import = name == IMPORT
    return [
        NAMES[name],
        f"{median(cost.wall for cost in costs):.1f}",
        "" if is_import else f"{more:+.1f}",
        "" if is_import else f"{first:+.1f}",
        f"{median(cost.cpu for cost in costs):.1f}",
        f"{median(cost.pss for cost in costs):.0f}",
        f"{median(cost.rss for cost in costs):.0f}",
    ]


def settings(data: str | None) -> dict[str, ours.Setting]:
    """One trial of a trivial model on few deaths; and fits of seconds on all child deaths."""
    small = {"n_samples": 120, "n_causes": 4, "n_symptoms": 10, "n_sites": 2}
    large = {"n_samples": 2000, "n_causes": 21, "n_symptoms": 150, "n_sites": 6}
    synthetic: dict[str, Any] = {"format": "synthetic"}
    whole = {"format": "phmrc", "source": data} if data else {**synthetic, "synthetic": large}
    shared: dict[str, Any] = {"model": "xgboost", "metric": "csmf_accuracy", "seed": 1}
    trivial: dict[str, Any] = {"n_estimators": [3], "max_depth": [2]}
    real: dict[str, Any] = {"n_estimators": [30, 100], "max_depth": [4, 6]}
    return {
        "start": ours.Setting(
            {**synthetic, "synthetic": small}, space=trivial, cores=CORES, n_folds=3, **shared
        ),
        "start-memory": ours.Setting(whole, space=real, cores=CORES, n_folds=3, **shared),
    }


def main() -> None:
    """Print both tables, or put them into a page."""
    parser = argparse.ArgumentParser("python -m benchmarks.start")
    parser.add_argument("data", nargs="?", type=lambda path: str(Path(path).resolve()))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    tables = {name: table(one, options.rounds) for name, one in settings(options.data).items()}
    for name, content in tables.items():
        print(f"\n{name}\n\n{content}")
    if options.page:
        fill(options.page, tables)


if __name__ == "__main__":
    main()
