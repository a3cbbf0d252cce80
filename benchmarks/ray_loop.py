"""No-op tasks on a real Ray: what a bare loop completes, and what the driver does."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import ray

from benchmarks.simulated import METRIC, N_FOLDS, SPACE, make_study, release
from benchmarks.tables import markdown
from tuner_job import Budget
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution import drive
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.ray_runner import RayRunner
from tuner_job.execution.ray_start import ray_running
from tuner_job.models.base import PathPoint
from tuner_job.records import FoldRecord
from tuner_job.search.early_stopping import NeverStop
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.trial import FoldTask

N_CPUS = 2


def no_op_table(n_tasks: int, repeats: int) -> str:
    """No-op tasks on this machine: a bare loop, one that returns what fits return, and the
    driver."""
    loops = {
        "bare `ray.wait` loop, tasks return nothing": lambda: bare_seconds(_nothing, 1, n_tasks),
        "bare `ray.wait` loop, tasks return a fit's outcome": lambda: bare_seconds(
            _no_fit, 2, n_tasks
        ),
        "study, driver and RayRunner, fits handed over one by one": lambda: runner_seconds(
            n_tasks, 1
        ),
        "study, driver and RayRunner": lambda: runner_seconds(n_tasks, drive.PACKED),
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    with ray_running(N_CPUS, 2**20):
        bare_seconds(_no_fit, 2, 100)  # workers start
        for _ in range(repeats):
            for name, loop in loops.items():
                seconds[name].append(loop())
    rates = {name: n_tasks / statistics.median(times) for name, times in seconds.items()}
    first = next(iter(rates.values()))
    rows = [[name, f"{rate:,.0f}", f"{rate / first:.2f}"] for name, rate in rates.items()]
    return markdown(
        [f"{n_tasks:,} no-op tasks, {N_CPUS} workers", "completions a second", "/ bare loop"], rows
    )


def wait_table(pending: Sequence[int]) -> str:
    """Milliseconds of one `ray.wait` over tasks of which none has ended."""
    cells = []
    with ray_running(N_CPUS, 2**20):
        nowhere = ray.remote(num_cpus=1, resources={"nowhere": 1})(_nothing)
        for n in pending:
            refs = [nowhere.remote([], "xgboost", None) for _ in range(n)]
            seconds = []
            for _ in range(20):
                started = time.perf_counter()
                ray.wait(refs, num_returns=1, timeout=0)
                seconds.append(time.perf_counter() - started)
            cells.append(f"{1000 * statistics.median(seconds):.2f}")
            for ref in refs:
                ray.cancel(ref)
    return markdown(
        ["tasks under way", *(f"{n:,}" for n in pending)], [["one `ray.wait`, ms", *cells]]
    )


def bare_seconds(function: Callable[..., Any], n_returns: int, n_tasks: int) -> float:
    """Run tasks with twice as many under way as there are workers."""
    remote = ray.remote(num_cpus=1)(function).options(num_returns=n_returns)
    task = FoldTask(0, 0, {}, (), (0,), (0,))
    data = ray.put(_shared())
    running: dict[Any, Any] = {}
    started, begun = time.perf_counter(), 0
    while begun < n_tasks or running:
        while begun < n_tasks and len(running) < 2 * N_CPUS:
            returned = remote.remote([data], "xgboost", [task])
            first, *others = returned if n_returns > 1 else [returned]
            running[first], begun = others, begun + 1
        for ref in ray.wait(list(running), num_returns=1)[0]:
            ray.get(ref)
            del running[ref]
    return time.perf_counter() - started


def runner_seconds(n_tasks: int, packed: int) -> float:
    """The same through study, driver and RayRunner, so many short fits handed over together at
    most."""
    runner = RayRunner(_shared())
    runner._score = ray.remote(num_cpus=1)(_no_fit)
    n_trials = n_tasks // N_FOLDS
    study = make_study(RandomSampler(SPACE, 1), NeverStop(), n_trials, 8)
    usual, drive.PACKED = drive.PACKED, packed
    started = time.perf_counter()
    drive.Driver([study], runner, Budget(), release).run()
    drive.PACKED = usual
    return time.perf_counter() - started


def _shared() -> SharedData:
    rows = np.zeros(2, dtype=np.int32)
    return SharedData(
        "scale",
        np.zeros((2, 1), dtype=np.float32),
        rows,
        rows,
        2,
        1,
        ScoringProtocol(),
        ("count",),
        (METRIC,),
    )


def _nothing(data: list[Any], model: str, tasks: Sequence[FoldTask]) -> None:
    return None


def _no_fit(data: list[Any], model: str, tasks: Sequence[FoldTask]) -> tuple[Any, ...]:
    told = []
    for task in tasks:
        scores = {METRIC: 0.5}
        record = FoldRecord(
            fold=task.fold,
            n_validation=1,
            validation=scores,
            train=scores,
            fit_seconds=0,
            judged=[0.5],
        )
        told.append(([record], 0.001, None))
    P = np.full((1, 2), 0.5)
    return (told, *(PathPoint(P, P, 0.0) for _ in tasks))
