"""One experiment from file to report: its steps, in order, over one context."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.errors import MissingModelsError, StoreError
from tuner_job.execution.place import address_given
from tuner_job.experiment.begin import claim_results, find_unfinished
from tuner_job.experiment.context import Run
from tuner_job.experiment.finish import choose, commit, refit, report, summarise
from tuner_job.experiment.held_out import hold_out
from tuner_job.experiment.search import search
from tuner_job.problem import Prepared
from tuner_job.records import ExperimentSummary
from tuner_job.results.commits import Commits
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.store import FIRST_CONTACT, Store

_log = logging.getLogger(__name__)
STEPS: tuple[Callable[[Run], None], ...] = (
    claim_results,
    find_unfinished,
    search,
    choose,
    refit,
    hold_out,
    commit,
    summarise,
    report,
)
"""Each does what its name says for every model that needs it, and nothing if none does."""


def run_experiment(
    prepared: Prepared,
    *,
    n_workers: int | None = None,
    listener: Callable[[TuningMonitor], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    take_over: bool = False,
    job: str | None = None,
) -> ExperimentSummary:
    """Tune every model of the experiment, or go on where an earlier run stopped, and write the
    results.

    Parameters
    ----------
    n_workers
        Workers of the embedded Ray; None: one a CPU.
    listener
        Called with how the search is going, again and again.
    should_stop
        Once it returns True the search ends, its finished trials kept.
    take_over
        Stop whoever runs this experiment now.
    job
        Uid of the RayJob that this run is a part of; None: of none.

    Raises
    ------
    StoreError
        The results location cannot be written, holds another experiment, or somebody runs this one.
    InputError
        Ray cannot be started or reached, or could never run what is asked for; nothing was written.
    MissingModelsError
        Some models have nothing to commit; the others are committed and reported.
    RunError
        The search could not go on.
    """
    from tuner_job.execution.ray_start import ray_for  # importing Ray takes a second

    config = prepared.config
    store = ExperimentStore(Store(config.results), config.name)
    with ExitStack() as resources:
        if not (address_given() and _is_committed(config)):  # then a cluster is needed by nobody
            resources.enter_context(ray_for(config.budget, n_workers, prepared.dataset.X.nbytes))
        run = Run(prepared, store, n_workers, listener, should_stop, take_over, job, resources)
        for step in STEPS:
            started = time.monotonic()
            step(run)
            _log.info("%s: %.1f s", step.__name__, time.monotonic() - started)
    assert run.summary is not None  # `summarise` has made it
    if run.missing:
        page, tracebacks = f"{store.url}/report.html", store.errors(run.missing)
        raise MissingModelsError(run.missing, run.summary, page, tracebacks)
    return run.summary


def _is_committed(config: ExperimentConfig) -> bool:
    """Whether every model has a commit; what cannot be read, later steps say."""
    store = Store(config.results, FIRST_CONTACT)
    try:
        return all(Commits(store, config.name, model).newest() for model in config.models)
    except StoreError:
        return False
