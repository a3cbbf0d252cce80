"""One experiment from file to report: its steps, in order, over one context."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.errors import Interrupted, MissingModelsError, StoreError
from tuner_job.execution.place import address_given
from tuner_job.execution.workers import load_ahead, workers_able
from tuner_job.experiment.again import fit_again
from tuner_job.experiment.begin import claim_results, find_unfinished
from tuner_job.experiment.context import Run
from tuner_job.experiment.ensemble import make_ensemble
from tuner_job.experiment.finish import choose, commit, look, refit, summarise
from tuner_job.experiment.held_out import hold_out
from tuner_job.experiment.known import know_trials
from tuner_job.experiment.page import report
from tuner_job.experiment.search import search
from tuner_job.experiment.sources import settle_sources
from tuner_job.problem import Prepared
from tuner_job.records import ExperimentSummary, RunStage
from tuner_job.results.commits import Commits
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.monitor import Limits, TuningMonitor
from tuner_job.results.store import FIRST_CONTACT, Store
from tuner_job.threads import one_thread

_log = logging.getLogger(__name__)
STEPS: Mapping[Callable[[Run], None], RunStage] = {
    settle_sources: "loading",
    claim_results: "loading",
    know_trials: "loading",
    find_unfinished: "loading",
    search: "loading",  # it says itself when it begins to search
    fit_again: "last fits",
    choose: "last fits",
    refit: "last fits",
    look: "last fits",
    hold_out: "last fits",
    commit: "last fits",
    make_ensemble: "last fits",
    summarise: "report",
    report: "report",
}
"""Each does what its name says for every model that needs it, and nothing if none does; and the
stage that people are told it belongs to."""


def run_experiment(
    prepared: Prepared,
    *,
    n_workers: int | None = None,
    listener: Callable[[TuningMonitor], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    take_over: bool = False,
    job: str | None = None,
    to_be_read: bool = True,
) -> ExperimentSummary:
    """Tune every model of the experiment, or go on where an earlier run stopped, and write the
    results.

    Parameters
    ----------
    n_workers
        Processes that fit models on this machine; None: one a CPU. A cluster has its own size.
    listener
        Called with how it is going: at each stage, and after each trial.
    should_stop
        Once it returns True the search ends, its finished trials kept.
    take_over
        Stop whoever runs this experiment now.
    job
        Uid of the RayJob that this run is a part of; None: of none.
    to_be_read
        Write ``summary.json`` and ``report.html`` too.

    Raises
    ------
    StoreError
        The results location cannot be written, holds another experiment, or somebody runs this one.
    InputError
        Workers could never run what is asked for, or Ray cannot be started or reached; nothing was
        written.
    MissingModelsError
        Some models have nothing to commit; the others are committed and reported.
    RunError
        The search could not go on.
    """
    config = prepared.config
    store = ExperimentStore(Store(config.results), config.name)
    with ExitStack() as resources:
        if not (address_given() and _is_committed(config)):  # then a cluster is needed by nobody
            load_ahead(map(config.family, config.families), config.tuning.on_ray_tune)
            size, on_ray_tune = prepared.dataset.X.nbytes, config.tuning.on_ray_tune
            resources.enter_context(workers_able(config.budget, n_workers, size, on_ray_tune))
        monitor = _monitor(prepared, listener)
        run = Run(
            prepared, store, n_workers, monitor, should_stop, take_over, job, resources, to_be_read
        )
        for step, stage in STEPS.items():
            started = time.monotonic()
            if stage != "loading" and run.should_stop():
                raise Interrupted
            monitor.enter(stage)
            # beside workers that fit, threads of linear algebra wait for each other most of the
            # time; and the last digits of sums would depend on how many there are
            with nullcontext() if stage == "loading" else one_thread():
                step(run)
            _log.info("%s: %.1f s", step.__name__, time.monotonic() - started)
        assert run.summary is not None  # `summarise` has made it
        if run.missing:
            page, tracebacks = f"{store.url}/report.html", store.errors(run.missing)
            raise MissingModelsError(run.missing, run.summary, page, tracebacks)
        return run.summary


def _monitor(prepared: Prepared, listener: Callable[[TuningMonitor], None] | None) -> TuningMonitor:
    budget = prepared.config.budget
    limits = Limits(budget.timeout, budget.cpu_seconds)
    return TuningMonitor({**prepared.planned()}, listener, limits)


def _is_committed(config: ExperimentConfig) -> bool:
    """Whether every model has a commit; what cannot be read, later steps say."""
    store = Store(config.results, FIRST_CONTACT)
    try:
        return all(Commits(store, config.name, model).newest() for model in config.models)
    except StoreError:
        return False
