"""Run a comparison: tune where asked, fit each training set once a model, score every test,
write as it goes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tuner_job.comparison.context import Comparison, Tuners
from tuner_job.comparison.jobs import Job, tuned, untuned
from tuner_job.comparison.result import ExperimentResult, TunedChoice
from tuner_job.comparison.score import score_baselines, tested_rows
from tuner_job.comparison.tables import write_results
from tuner_job.config.budget import Budget
from tuner_job.config.tuning import ModelName
from tuner_job.errors import Interrupted
from tuner_job.evaluation.pooling import Pool, prior_of
from tuner_job.execution.fit_runner import Fit, FitResult, run_fits
from tuner_job.execution.workers import Workers, workers_running
from tuner_job.models import ENSEMBLE
from tuner_job.wording import counted


def run_comparison(
    running: Comparison,
    tuners: Tuners | None = None,
    given: Mapping[ModelName, TunedChoice] | None = None,
) -> list[ExperimentResult]:
    """Run what is not in the store yet; return everything that is.

    Parameters
    ----------
    tuners
        Tune each model on each training set for each protocol; None: no tuning.
    given
        Choices of an earlier search, used for every training set.

    Raises
    ------
    RunError
        It was asked to stop; what is finished is in the store.
    """
    stored = running.store.load()
    running.done = {result.experiment_id: result for result in stored if not result.error}
    running.fits.planned = _planned(running, bool(tuners or given))
    _write_baselines(running)
    settings, n_workers, size = running.settings, running.runtime.n_workers, running.data.X.nbytes
    budget = Budget(memory_per_task=settings.memory_per_fit)
    with workers_running(budget, n_workers, size, settings.on_ray_tune) as workers:
        _run_jobs(running, workers, list(untuned(running)))
        if tuners or given:
            _run_jobs(running, workers, [
                job
                for protocol in running.settings.protocols
                for job in tuned(running, protocol, tuners, given)
            ])  # fmt: skip
    return sorted(running.done.values(), key=lambda result: result.experiment_id)


def _planned(running: Comparison, tuned: bool) -> dict[str, int]:
    """Model → how many fits of it there will be."""
    each = 1 + (len(running.settings.protocols) if tuned else 0)
    return dict.fromkeys(running.settings.models, each * len(running.sets))


def _write_baselines(running: Comparison) -> None:
    for training in running.sets:
        for protocol in running.settings.protocols:
            scored = score_baselines(running.data, training, protocol, running.settings.n_bootstrap)
            running.take([result for result in scored if result.experiment_id not in running.done])


def _run_jobs(running: Comparison, workers: Workers, jobs: Sequence[Job]) -> None:
    """Fit and score, then pool what was fitted; the largest fits first, so that none of them is
    left over at the end."""
    settings, runtime = running.settings, running.runtime
    if running.fits.stage == "search":
        running.fits.stage = "last fits"
    order = sorted(
        (job for job in jobs if job.model != ENSEMBLE),
        key=lambda job: (-len(job.training.rows), settings.models.index(job.model)),
    )
    # What is trained on must not be chosen by the deaths of a test.
    columns = {one.name: running.data.informative_columns(one.rows) for one in running.sets}
    fits = [
        Fit(
            job,
            job.model,
            job.params(settings.families),
            job.training.rows,
            tested_rows(job.training),
            job.stages,
            columns[job.training.name],
        )
        for job in order
    ]
    ended = run_fits(
        workers.tasks(),
        running.data,
        fits,
        settings.seed,
        runtime.batch_size,
        settings.families,
    )
    for n, fitted in enumerate(ended, start=1):
        job: Job = fitted.fit.key
        if fitted.P is not None:
            running.store.save_predictions(job.name, fitted.fit.predict, fitted.P)
        running.score(job.training, fitted, job.tuned, job.protocols)
        running.fits.ended(job.model, fitted.training_seconds, failed=fitted.P is None)
        if n % runtime.checkpoint_interval == 0 or n == len(fits):
            _checkpoint(
                running, f"{n} of {counted(len(fits), 'tuned fit' if job.tuned else 'untuned fit')}"
            )
        if running.should_stop():
            raise Interrupted("the comparison was interrupted; run it again to go on from here")
    for job in jobs:
        if job.model == ENSEMBLE:
            _pool(running, job)
            running.fits.ended(job.model)


def _checkpoint(running: Comparison, progress: str) -> None:
    """Write the tables as far as they are, and say so."""
    write_results(running.store, list(running.done.values()))
    running.say(f"{progress}, {counted(len(running.done), 'experiment')} in {running.store.url}")


def _pool(running: Comparison, job: Job) -> None:
    """Score the ensemble from what its members predicted: nothing is fitted.

    Untuned it is their geometric mean; the exponents of the tuned one are its parameters.
    """
    members = [model for model in running.settings.models if model != ENSEMBLE]
    how = Pool.equal(len(members), running.data.n_causes)
    if job.tuned:
        members, exponents = list(job.tuned.params), np.array(list(job.tuned.params.values()))
        how = Pool(exponents, prior_of(running.data.y[job.training.rows], running.data.n_causes))
    stored = {
        model: running.store.load_predictions(replace(job, model=model).name) for model in members
    }
    lacking = [model for model, found in stored.items() if found is None]
    if lacking:
        error = f"{ENSEMBLE}: is made of all other models, and {lacking[0]} is missing"
        fit = Fit(None, ENSEMBLE, {}, job.training.rows, tested_rows(job.training))
        running.score(job.training, FitResult(fit, None, error=error), job.tuned, job.protocols)
        return
    rows = next(found[0] for found in stored.values() if found)
    P = how.apply([found[1] for found in stored.values() if found])
    running.store.save_predictions(job.name, rows, P)
    fitted = FitResult(Fit(None, ENSEMBLE, {}, job.training.rows, rows), P)
    running.score(job.training, fitted, job.tuned, job.protocols)
