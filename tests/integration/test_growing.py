"""Experiments that are asked for more trials later: they become those that had asked at once."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.integration.experiments import run, start, trials_table, tune, write

TINY: dict[str, Any] = {
    "name": "small",
    "data": {
        "format": "synthetic",
        "synthetic": {"n_samples": 120, "n_causes": 3, "n_symptoms": 8, "n_sites": 2},
    },
    "models": ["naive_bayes"],
    "validation": {"n_draws": 5},
}
SPACE = {"smoothing": [0.1, 0.3, 1.0, 3.0], "power": [0.3, 0.5, 1.0], "bins": [2, 4]}
TUNING = {"cv_folds": 2, "lag": 3, "search_spaces": {"naive_bayes": SPACE}}
FEW, MANY = 5, 14
METHODS: dict[str, dict[str, Any]] = {
    "grid": {"search_method": "grid"},
    "random": {"search_method": "random"},
    "bayesian": {"search_method": "bayesian"},
    "optuna": {"search_method": "optuna", "sampler": "nsgaii", "early_stopping": "none"},
}
TIMES = ("finished_at", "fit_seconds")


def experiment(folder: Path, method: str, n: int, **changes: Any) -> Path:
    """Write a tiny experiment of so many trials; a grid has them by its budget."""
    tuning = {**TUNING, **METHODS[method]}
    if method == "grid":
        return write(folder, TINY, tuning=tuning, budget={"max_trials": n}, **changes)
    return write(folder, TINY, tuning={**tuning, "n_trials": n}, **changes)


def without_times(content: Any) -> Any:
    if isinstance(content, dict):
        return {k: without_times(v) for k, v in content.items() if k not in TIMES}
    return [without_times(one) for one in content] if isinstance(content, list) else content


def trials(results: Path) -> dict[str, Any]:
    """Each trial's object, byte for byte but for times."""
    return {
        path.relative_to(results).as_posix(): json.dumps(
            without_times(json.loads(path.read_text()))
        )
        for path in sorted(results.glob("*/*/trials/*.json"))
    }


def kill_group_when(process: Any, condition: Callable[[], bool]) -> None:
    """Kill a command with all its processes as soon as something holds."""
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """Results of a run that asked for so many trials at once, by method; each is made once."""
    found: dict[tuple[str, int], Path] = {}

    def results(method: str, n: int) -> Path:
        if (method, n) not in found:
            folder = tmp_path_factory.mktemp(f"{method}-{n}")
            tune(experiment(folder, method, n), folder / "results", "--workers", "2")
            found[method, n] = folder / "results"
        return found[method, n]

    return results


QUICK = [("grid", 1, False), ("bayesian", 2, True)]
"""Of the matrix, what is run always; the rest takes minutes."""
MATRIX = [
    pytest.param(*one, marks=[] if one in QUICK else pytest.mark.long)
    for one in product(METHODS, (1, 2), (False, True))
]


@pytest.mark.parametrize(("method", "workers", "killed"), MATRIX)
def test_an_experiment_that_grows_becomes_the_one_that_asked_at_once(
    made: Callable[[str, int], Path], tmp_path: Path, method: str, workers: int, killed: bool
) -> None:
    results = tmp_path / "results"
    shutil.copytree(made(method, FEW), results)
    before = {p: p.read_bytes() for p in results.glob("*/*/trials/*.json")}
    first = trials_table(results)
    more = experiment(tmp_path, method, MANY)
    if killed:
        process = start("tune", more, "--results", results, "--workers", str(workers))
        kill_group_when(process, lambda: len(trials(results)) > len(before) + 2)
    tune(more, results, "--workers", str(workers))
    assert {p: p.read_bytes() for p in before} == before
    assert trials(results) == trials(made(method, MANY))
    commits = results / "small" / "naive_bayes" / "commits"
    assert sorted(path.name for path in commits.iterdir()) == ["0001.json", "0002.json"]
    for commit, table in (("1", first), ("2", trials_table(results))):
        code, out, err = run("show", results, "--trials", "--commit", commit)
        assert (code, out) == (0, table), err
