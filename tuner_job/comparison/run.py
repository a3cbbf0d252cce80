"""Run a comparison: tune where asked, fit each training set once a model, score every test,
write as it goes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tuner_job.comparison.ensemble import ENSEMBLE, combine
from tuner_job.comparison.plan import TrainingSet, experiment_id
from tuner_job.comparison.result import ExperimentResult, TunedChoice
from tuner_job.comparison.score import score_baselines, score_tests, tested_rows
from tuner_job.comparison.settings import Runtime, Settings
from tuner_job.comparison.store import ComparisonStore, predictions_name
from tuner_job.comparison.tables import write_results
from tuner_job.comparison.tuning import HyperparameterTuner
from tuner_job.config.tuning import ModelName
from tuner_job.data.dataset import VaDataset
from tuner_job.errors import Interrupted, MissingModelsError, RunError
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution.fit_runner import Fit, FitResult, run_fits
from tuner_job.execution.ray_start import ray_running
from tuner_job.models import FAMILIES
from tuner_job.models.growing import Stages
from tuner_job.wording import counted

Tuners = Mapping[str, HyperparameterTuner]
"""Protocol → what tunes for it."""


@dataclass(frozen=True)
class _Job:
    """A fit of the plan: a training set, a model, and the protocols that its tests are scored in.

    An untuned default serves all protocols, a tuned model the one that it was tuned for.
    """

    training: TrainingSet
    model: ModelName
    protocols: tuple[ScoringProtocol, ...]
    tuned: TunedChoice | None = None

    @property
    def name(self) -> str:
        return predictions_name(
            self.training, self.model, self.protocols[0].composition if self.tuned else None
        )

    @property
    def params(self) -> dict[str, Any]:
        if self.tuned:
            return dict(self.tuned.params)
        return dict(FAMILIES[self.model].Parameters.model_validate({}).model_dump())

    @property
    def stages(self) -> Stages:
        return [(stage.size, stage.params) for stage in self.tuned.schedule] if self.tuned else []


@dataclass
class Comparison:
    """A comparison under way: what is fixed, and what is done so far."""

    data: VaDataset
    sets: Sequence[TrainingSet]
    settings: Settings
    store: ComparisonStore
    runtime: Runtime = field(default_factory=Runtime)
    say: Callable[[str], None] = lambda line: None
    should_stop: Callable[[], bool] = lambda: False
    done: dict[str, ExperimentResult] = field(default_factory=dict)

    def take(self, results: Sequence[ExperimentResult]) -> None:
        """Write results and count them in."""
        self.store.save(results)
        self.done.update({result.experiment_id: result for result in results})

    def is_finished(
        self, training: TrainingSet, model: str, protocols: Sequence[ScoringProtocol], tuned: bool
    ) -> bool:
        """Whether every test of a fit has its result, and the fit its predictions."""
        scored = all(
            experiment_id(test, model, tuned, protocol.composition) in self.done
            for test in training.tests
            for protocol in protocols
        )
        name = predictions_name(training, model, protocols[0].composition if tuned else None)
        return scored and self.store.load_predictions(name) is not None

    def score(
        self,
        training: TrainingSet,
        fitted: FitResult,
        tuned: TunedChoice | None,
        protocols: Sequence[ScoringProtocol],
    ) -> None:
        """Score a fit on its tests in each protocol."""
        n_bootstrap = self.settings.n_bootstrap
        for protocol in protocols:
            scored = score_tests(self.data, training, fitted, tuned, protocol, n_bootstrap)
            self.take(list(scored))


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
    _write_baselines(running)
    with ray_running(running.runtime.n_workers, running.data.X.nbytes):
        _run_jobs(running, list(_untuned(running)))
        _score_ensembles(running, running.settings.protocols, None)
        if tuners or given:
            _run_jobs(running, [
                job
                for protocol in running.settings.protocols
                for job in _tuned(running, protocol, tuners, given)
            ])  # fmt: skip
            for protocol in running.settings.protocols:
                tuner = tuners[protocol.composition] if tuners else None
                _score_ensembles(running, (protocol,), tuner)
    return sorted(running.done.values(), key=lambda result: result.experiment_id)


def _write_baselines(running: Comparison) -> None:
    for training in running.sets:
        for protocol in running.settings.protocols:
            scored = score_baselines(running.data, training, protocol, running.settings.n_bootstrap)
            running.take([result for result in scored if result.experiment_id not in running.done])


def _untuned(running: Comparison) -> Iterator[_Job]:
    """Fits of the defaults that are not finished."""
    protocols = running.settings.protocols
    for training in running.sets:
        for model in running.settings.models:
            if not running.is_finished(training, model, protocols, tuned=False):
                yield _Job(training, model, protocols)


def _tuned(
    running: Comparison,
    protocol: ScoringProtocol,
    tuners: Tuners | None,
    given: Mapping[ModelName, TunedChoice] | None,
) -> Iterator[_Job]:
    """Tune for each training set that is not finished, or take what was given."""
    for training in running.sets:
        wanted = [
            m
            for m in running.settings.models
            if not running.is_finished(training, m, (protocol,), tuned=True)
        ]
        choices = _choose(running, training, wanted, protocol, tuners, given or {})
        for model in wanted:
            choice = choices[model]
            if isinstance(choice, str):
                fit = Fit(None, model, {}, training.rows, tested_rows(training))
                failed = FitResult(fit, None, error=f"tuning failed: {choice}")
                running.score(
                    training, failed, TunedChoice(params={}, method="failed"), (protocol,)
                )
            else:
                yield _Job(training, model, (protocol,), choice)


def _choose(
    running: Comparison,
    training: TrainingSet,
    models: Sequence[ModelName],
    protocol: ScoringProtocol,
    tuners: Tuners | None,
    given: Mapping[ModelName, TunedChoice],
) -> dict[ModelName, TunedChoice | str]:
    """Tune on the training rows alone, or take what was given; a search that fails says why."""
    if not models:
        return {}
    if tuners is None:
        return {model: given[model] for model in models}
    running.say(
        f"tuning on {training.name} ({counted(len(training.rows), 'death')}) for "
        f"{protocol.composition} composition"
    )
    try:
        tuner, rows = tuners[protocol.composition], running.data.take(training.rows)
        rows = rows.informative(np.arange(rows.n_samples))
        chosen = tuner.tune_data(
            rows, models, unseen_site=training.unseen_site, should_stop=running.should_stop
        )
    except Interrupted:
        raise
    except MissingModelsError as error:
        chosen = tuner.read_choices(error.summary)
        return {
            model: chosen[model] if model in chosen else str(error.missing[model])
            for model in models
        }
    except RunError as error:
        return dict.fromkeys(models, str(error))
    return {model: chosen[model] for model in models}


def _run_jobs(running: Comparison, jobs: Sequence[_Job]) -> None:
    """Fit and score; the largest fits first, so that none of them is left over at the end."""
    settings, runtime = running.settings, running.runtime
    order = sorted(
        jobs, key=lambda job: (-len(job.training.rows), settings.models.index(job.model))
    )
    # What is trained on must not be chosen by the deaths of a test.
    columns = {one.name: running.data.informative_columns(one.rows) for one in running.sets}
    fits = [
        Fit(
            job,
            job.model,
            job.params,
            job.training.rows,
            tested_rows(job.training),
            job.stages,
            columns[job.training.name],
        )
        for job in order
    ]
    ended = run_fits(running.data, fits, settings.seed, settings.memory_per_fit, runtime.batch_size)
    for n, fitted in enumerate(ended, start=1):
        job: _Job = fitted.fit.key
        if fitted.P is not None:
            running.store.save_predictions(job.name, fitted.fit.predict, fitted.P)
        running.score(job.training, fitted, job.tuned, job.protocols)
        if n % runtime.checkpoint_interval == 0 or n == len(fits):
            _checkpoint(
                running, f"{n} of {counted(len(fits), 'tuned fit' if job.tuned else 'untuned fit')}"
            )
        if running.should_stop():
            raise Interrupted("the comparison was interrupted; run it again to go on from here")


def _checkpoint(running: Comparison, progress: str) -> None:
    """Write the tables as far as they are, and say so."""
    write_results(running.store, list(running.done.values()))
    running.say(f"{progress}, {counted(len(running.done), 'experiment')} in {running.store.url}")


def _score_ensembles(
    running: Comparison, protocols: tuple[ScoringProtocol, ...], tuner: HyperparameterTuner | None
) -> None:
    for training in running.sets if running.settings.ensemble else ():
        _score_ensemble(running, training, protocols, tuner)


def _score_ensemble(
    running: Comparison,
    training: TrainingSet,
    protocols: tuple[ScoringProtocol, ...],
    tuner: HyperparameterTuner | None,
) -> None:
    """Score the models' geometric mean from what they predicted: nothing is fitted.

    Parameters
    ----------
    tuner
        What the models were tuned by; None for untuned models, and for choices that were given.
    """
    tuned_for = protocols[0].composition if tuner else None
    if running.is_finished(training, ENSEMBLE, protocols, tuned=tuner is not None):
        return
    names = [predictions_name(training, model, tuned_for) for model in running.settings.models]
    stored = [running.store.load_predictions(name) for name in names]
    parts = [one for one in stored if one]
    if len(parts) < len(stored):
        return  # a model has failed, so there is no ensemble of all
    rows, P = parts[0][0], combine([one for _, one in parts])
    choice = None
    if tuner:
        searched = running.data.take(training.rows)
        searched = searched.informative(np.arange(searched.n_samples))
        choice = tuner.tune_ensemble(searched, running.settings.models, training.unseen_site)
    running.store.save_predictions(predictions_name(training, ENSEMBLE, tuned_for), rows, P)
    fitted = FitResult(Fit(None, ENSEMBLE, {}, training.rows, rows), P)
    running.score(training, fitted, choice, protocols)
