"""The driver against a cluster of 1,000 slots and 100,000 tasks, simulated; and against a bare loop
on this machine.

Real study, samplers, driver and recorder; only the cluster is a formula (`benchmarks.simulated`).
Usage: python -m benchmarks.scale [--quick] [--slots N] [--tasks N] [--profile] [--page FILE]
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
from pathlib import Path
from typing import cast

import numpy as np
import psutil
from optuna.trial import create_trial

from benchmarks.ray_loop import no_op_table, wait_table
from benchmarks.simulated import (
    METRIC,
    N_FOLDS,
    SPACE,
    SimulatedCluster,
    make_study,
    release,
    score_of,
)
from benchmarks.tables import fill, markdown
from tuner_job import Budget, ExperimentStore, HyperparameterSearchConfig, Store, TuningMonitor
from tuner_job.execution.drive import Driver
from tuner_job.execution.ray_runner import RayRunner
from tuner_job.experiment.recorder import Recorder
from tuner_job.results.writer import BackgroundWriter
from tuner_job.search.early_stopping import NeverStop, PairedTest, StoppingRule
from tuner_job.search.samplers.optuna import OptunaSampler, named_sampler
from tuner_job.search.samplers.optuna import sampler as optuna_sampler
from tuner_job.search.samplers.optuna.translation import distribution
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.study import Study
from tuner_job.search.trial import Trial

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
    pending: Sequence[int] = ()
    """Tasks under way when one `ray.wait` is timed."""


def drive(
    study: Study, cluster: SimulatedCluster, on_finished: OnFinished, marks: Sequence[int]
) -> list[str]:
    """Run to the end; return the cells of one row: completions, their rate and the memory at
    each mark."""
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
    return [
        f"{cluster.n_ended:,}",
        rate,
        cost,
        *(f"{memory[m]:.0f}" if m in memory else "–" for m in marks),
    ]


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
        study = make_study(RandomSampler(SPACE, 1), rules[rule](), n_trials, lag)
        with tempfile.TemporaryDirectory() as folder, BackgroundWriter() as writer:
            record = _recorder(cluster, writer, folder).record if recorded else release
            rows.append([rule, "yes" if recorded else "no", *drive(study, cluster, record, marks)])
    head = [
        "early stopping",
        "trials stored",
        "completions",
        "a second",
        "µs each",
        *(f"MiB at {m:,}" for m in marks),
    ]
    return markdown(head, rows)


def _recorder(cluster: SimulatedCluster, writer: BackgroundWriter, folder: str) -> Recorder:
    store = ExperimentStore(Store(folder), "scale")
    folds, tuning = (
        np.arange(N_FOLDS, dtype=np.int32),
        HyperparameterSearchConfig(scoring_metric=METRIC),
    )
    monitor = TuningMonitor({"xgboost": None})
    return Recorder(store, writer, cluster.fetch, monitor, folds, tuning)


def suggestion_table(sizes: Sizes) -> str:
    """Milliseconds of one ask + tell once so many trials are known."""
    rows = [["random", *(f"{1000 * random_seconds(n):.2f}" for n in sizes.known)]]
    kept = optuna_sampler.MODELLED_TRIALS
    for name, limit in (
        (f"TPE, {kept:,} trials modelled at most", kept),
        ("TPE, all trials modelled", 10**9),
    ):
        optuna_sampler.MODELLED_TRIALS = limit
        cells = [f"{1000 * suggestion_seconds(n, sizes.suggestions):.1f}" for n in sizes.known]
        rows.append([name, *cells])
    optuna_sampler.MODELLED_TRIALS = kept
    return markdown(["ask + tell, ms", *(f"at {n:,} trials" for n in sizes.known)], rows)


def suggestion_seconds(n_known: int, n_timed: int) -> float:
    """Median over suggestions of TPE that knows `n_known` trials."""
    sampler = OptunaSampler(SPACE, named_sampler("tpe", 1), 1)
    distributions = {name: distribution(parameter) for name, parameter in SPACE.parameters.items()}
    random = np.random.default_rng(1)
    for _ in range(n_known):
        params = SPACE.sample(random)
        sampler._study.add_trial(
            create_trial(params=params, distributions=distributions, value=score_of(params, 0))
        )
    seconds = []
    for number in range(n_timed):
        started = time.perf_counter()
        (params,) = sampler.ask()
        score = (score_of(params, 0),)
        sampler.tell([Trial(number, number, params, "complete", [score] * N_FOLDS, scores=score)])
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def random_seconds(n_trials: int) -> float:
    """Mean over all suggestions."""
    started = time.perf_counter()
    sampler = RandomSampler(SPACE, 1)
    for _ in range(n_trials):
        sampler.ask()
    return (time.perf_counter() - started) / n_trials


def sizes_of(options: argparse.Namespace) -> Sizes:
    """What is measured by default, and with ``--quick``."""
    if options.quick:
        return Sizes(options.slots or 50, options.tasks or 1_000, (100, 300), 3, 200, 1, (10, 100))
    return Sizes(
        options.slots or 1_000,
        options.tasks or 100_000,
        (1_000, 10_000, 100_000),
        5,
        5_000,
        3,
        (4, 200, 2_000, 20_000),
    )


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.scale", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes, to see that it works"
    )
    parser.add_argument("--slots", type=int)
    parser.add_argument("--tasks", type=int)
    parser.add_argument(
        "--profile", action="store_true", help="where the driver's time goes, instead of the tables"
    )
    parser.add_argument(
        "--page", type=Path, nargs="*", default=[], help="pages to put the tables into"
    )
    return parser.parse_args(arguments)


def main() -> None:
    """Print the tables, or a profile."""
    options = parse()
    sizes = sizes_of(options)
    if options.profile:
        with cProfile.Profile(time.process_time) as profile:  # whatever else the machine does
            driver_table(sizes)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    tables: dict[str, Callable[[], str]] = {
        f"The driver alone, {sizes.slots:,} simulated slots": lambda: driver_table(sizes),
        "Suggestions": lambda: suggestion_table(sizes),
        "The driver on Ray, nothing to fit": lambda: no_op_table(sizes.no_ops, sizes.repeats),
        "Waiting for many tasks": lambda: wait_table(sizes.pending),
    }
    blocks = []
    for title, make in tables.items():
        blocks.append(f"### {title}\n\n{make()}\n")
        print(blocks[-1], flush=True)
    for page in options.page:
        fill(page, {"scale": "\n".join(blocks)})


if __name__ == "__main__":
    main()
