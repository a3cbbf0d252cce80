"""The driver against a cluster of 1,000 slots and 100,000 tasks, simulated; and against a bare loop on this machine.

Real study, tuners, driver and recorder; only the cluster is a formula (`benchmarks.simulated`).
Usage: python -m benchmarks.scale [--quick] [--slots N] [--tasks N] [--profile]
"""

import argparse
import cProfile
import gc
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import psutil
import ray
from optuna.trial import create_trial

from benchmarks.simulated import METRIC, SPACE, SimulatedCluster, score_of
from benchmarks.tables import markdown
from tuner_job.config import Budget
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution.drive import Driver
from tuner_job.execution.fold_task import Scored, SharedData
from tuner_job.execution.ray_runner import RayRunner, ray_running
from tuner_job.recorder import Recorder
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.records import FoldRecord
from tuner_job.results.store import Store
from tuner_job.results.writer import BackgroundWriter
from tuner_job.search.early_stopping import NeverStop, PairedTest, StoppingRule
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldTask, Trial
from tuner_job.tuners import optuna as optuna_tuner
from tuner_job.tuners.base import Tuner
from tuner_job.tuners.optuna import OptunaTuner, make_sampler
from tuner_job.tuners.random import RandomTuner

N_FOLDS = 5
N_CPUS = 2
OnFinished = Callable[[Study, Trial], None]


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    slots: int
    tasks: int
    known: Sequence[int]
    """Finished trials at which a suggestion is timed."""
    suggestions: int
    no_ops: int
    repeats: int


def make_study(tuner: Tuner, rule: StoppingRule, n_trials: int, lag: int) -> Study:
    """The search that all measurements drive."""
    return Study(
        "study",
        "xgboost",
        tuner,
        rule,
        objectives=[METRIC],
        path=None,
        n_folds=N_FOLDS,
        lag=lag,
        max_trials=n_trials,
    )


def drive(study: Study, cluster: SimulatedCluster, on_finished: OnFinished, marks: Sequence[int]) -> list[str]:
    """Run to the end; return the cells of one row: completions, their rate and the memory at each mark."""
    gc.collect()
    memory: dict[int, float] = {}

    def finished(study: Study, trial: Trial) -> None:
        on_finished(study, trial)
        for mark in marks:
            if cluster.n_ended >= mark and mark not in memory:
                memory[mark] = psutil.Process().memory_info().rss / 2**20

    started = time.perf_counter()
    Driver([study], cast(RayRunner, cluster), Budget(), finished).run()
    seconds = time.perf_counter() - started - cluster.seconds
    memory.setdefault(marks[-1], psutil.Process().memory_info().rss / 2**20)
    rate, cost = f"{cluster.n_ended / seconds:,.0f}", f"{1e6 * seconds / cluster.n_ended:.0f}"
    return [f"{cluster.n_ended:,}", rate, cost, *(f"{memory[m]:.0f}" if m in memory else "–" for m in marks)]


def driver_table(sizes: Sizes) -> str:
    """Completions a second of the driver alone."""
    n_trials, lag = sizes.tasks // N_FOLDS, sizes.slots
    marks = [sizes.tasks // 100, sizes.tasks // 10, sizes.tasks]
    rules: dict[str, Callable[[], StoppingRule]] = {
        "none": NeverStop,
        "paired": lambda: PairedTest(0.05, N_FOLDS),
    }
    rows = []
    for rule, recorded in (("none", False), ("paired", False), ("none", True)):
        cluster = SimulatedCluster(sizes.slots)
        study = make_study(RandomTuner(SPACE, None, n_trials, 1), rules[rule](), n_trials, lag)
        with tempfile.TemporaryDirectory() as folder, BackgroundWriter() as writer:
            record = _recorder(cluster, writer, folder).record if recorded else _release
            rows.append([rule, "yes" if recorded else "no", *drive(study, cluster, record, marks)])
    head = ["early stopping", "trials stored", "completions", "a second", "µs each", *(f"MiB at {m:,}" for m in marks)]
    return markdown(head, rows)


def _release(study: Study, trial: Trial) -> None:
    trial.release()


def _recorder(cluster: SimulatedCluster, writer: BackgroundWriter, folder: str) -> Recorder:
    store = ExperimentStore(Store(folder), "scale")
    folds = np.arange(N_FOLDS, dtype=np.int32)
    return Recorder(store, writer, cast(RayRunner, cluster), TuningMonitor({"xgboost": None}), folds, [METRIC], {})


def suggestion_table(sizes: Sizes) -> str:
    """Milliseconds of one ask + tell once so many trials are known."""
    rows = [["random", *(f"{1000 * random_seconds(n):.2f}" for n in sizes.known)]]
    kept = optuna_tuner.MODELLED_TRIALS
    for name, limit in ((f"TPE, {kept:,} trials modelled at most", kept), ("TPE, all trials modelled", 10**9)):
        optuna_tuner.MODELLED_TRIALS = limit
        cells = [f"{1000 * suggestion_seconds(n, sizes.suggestions):.1f}" for n in sizes.known]
        rows.append([name, *cells])
    optuna_tuner.MODELLED_TRIALS = kept
    return markdown(["ask + tell, ms", *(f"at {n:,} trials" for n in sizes.known)], rows)


def suggestion_seconds(n_known: int, n_timed: int) -> float:
    """Median over suggestions of TPE that knows `n_known` trials."""
    tuner = OptunaTuner(SPACE, make_sampler("tpe", 1), 1)
    distributions = {name: optuna_tuner._distribution(parameter) for name, parameter in SPACE.parameters.items()}
    random = np.random.default_rng(1)
    for _ in range(n_known):
        params = SPACE.sample(random)
        tuner._study.add_trial(create_trial(params=params, distributions=distributions, value=score_of(params, 0)))
    seconds = []
    for number in range(n_timed):
        started = time.perf_counter()
        (params,) = tuner.ask()
        score = (score_of(params, 0),)
        tuner.tell([Trial(number, number, params, "complete", [score] * N_FOLDS, scores=score)])
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def random_seconds(n_trials: int) -> float:
    """Mean over all suggestions, which are drawn together."""
    started = time.perf_counter()
    tuner = RandomTuner(SPACE, None, n_trials, 1)
    while tuner.ask():
        pass
    return (time.perf_counter() - started) / n_trials


def ray_table(sizes: Sizes) -> str:
    """No-op tasks on this machine: a bare loop, one that returns what fits return, and the driver."""
    loops = {
        "bare `ray.wait` loop, tasks return nothing": lambda: bare_seconds(_nothing, 1, sizes.no_ops),
        "bare `ray.wait` loop, tasks return a fit's outcome": lambda: bare_seconds(_no_fit, 2, sizes.no_ops),
        "study, driver and RayRunner": lambda: runner_seconds(sizes.no_ops),
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    with ray_running(N_CPUS, 2**20):
        bare_seconds(_no_fit, 2, 100)  # workers start
        for _ in range(sizes.repeats):
            for name, loop in loops.items():
                seconds[name].append(loop())
    rates = {name: sizes.no_ops / statistics.median(times) for name, times in seconds.items()}
    first = next(iter(rates.values()))
    rows = [[name, f"{rate:,.0f}", f"{rate / first:.2f}"] for name, rate in rates.items()]
    return markdown([f"{sizes.no_ops:,} no-op tasks, {N_CPUS} workers", "completions a second", "/ bare loop"], rows)


def bare_seconds(function: Callable[..., Any], n_returns: int, n_tasks: int) -> float:
    """Run tasks with twice as many under way as there are workers."""
    remote = ray.remote(num_cpus=1)(function).options(num_returns=n_returns)
    task = FoldTask(0, 0, {}, (), (0,), (0,))
    data = ray.put(_shared())
    running: dict[Any, Any] = {}
    started, begun = time.perf_counter(), 0
    while begun < n_tasks or running:
        while begun < n_tasks and len(running) < 2 * N_CPUS:
            returned = remote.remote([data], "xgboost", task)
            first, *others = returned if n_returns > 1 else [returned]
            running[first], begun = others, begun + 1
        for ref in ray.wait(list(running), num_returns=1)[0]:
            ray.get(ref)
            del running[ref]
    return time.perf_counter() - started


def runner_seconds(n_tasks: int) -> float:
    """The same through study, driver and RayRunner."""
    runner = RayRunner(_shared())
    runner._score = ray.remote(num_cpus=1)(_no_fit)
    n_trials = n_tasks // N_FOLDS
    study = make_study(RandomTuner(SPACE, None, n_trials, 1), NeverStop(), n_trials, 8)
    started = time.perf_counter()
    Driver([study], runner, Budget(), _release).run()
    return time.perf_counter() - started


def _shared() -> SharedData:
    rows = np.zeros(2, dtype=np.int32)
    return SharedData("scale", np.zeros((2, 1), dtype=np.float32), rows, rows, 2, 1, ScoringProtocol(), ("count",))


def _nothing(data: list[Any], model: str, task: FoldTask) -> None:
    return None


def _no_fit(data: list[Any], model: str, task: FoldTask) -> tuple[Any, ...]:
    record = FoldRecord(fold=task.fold, n_validation=1, validation={METRIC: 0.5}, train={METRIC: 0.5}, fit_seconds=0)
    return ([Scored(record, {}, {})], 0.0), np.full((1, 2), 0.5)


def sizes_of(options: argparse.Namespace) -> Sizes:
    """What is measured by default, and with ``--quick``."""
    if options.quick:
        return Sizes(options.slots or 50, options.tasks or 1_000, (100, 300), 3, 200, 1)
    return Sizes(options.slots or 1_000, options.tasks or 100_000, (1_000, 10_000, 100_000), 5, 5_000, 3)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes, to see that it works")
    parser.add_argument("--slots", type=int)
    parser.add_argument("--tasks", type=int)
    parser.add_argument("--profile", action="store_true", help="where the driver's time goes, instead of the tables")
    return parser.parse_args(arguments)


def main() -> None:
    """Print the tables, or a profile."""
    options = parse()
    sizes = sizes_of(options)
    if options.profile:
        with cProfile.Profile() as profile:
            driver_table(sizes)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    print(f"The driver alone, {sizes.slots:,} simulated slots:\n")
    for table in (driver_table, suggestion_table, ray_table):
        print(table(sizes), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
