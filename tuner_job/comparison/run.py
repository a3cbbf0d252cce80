"""Run a comparison: tune where asked, fit each training set once a model, score every test, write as it goes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner_job.comparison.plan import TrainingSet, experiment_id
from tuner_job.comparison.result import ExperimentResult, TunedChoice
from tuner_job.comparison.score import score_baselines, score_tests, tested_rows
from tuner_job.comparison.store import ComparisonStore
from tuner_job.comparison.tuning import HyperparameterTuner, subset
from tuner_job.config import ModelName
from tuner_job.data.dataset import VaDataset
from tuner_job.errors import RunError
from tuner_job.execution.drive import Interrupted
from tuner_job.execution.fit_runner import Fit, Fitted, run_fits
from tuner_job.execution.ray_runner import ray_running
from tuner_job.models import FAMILIES

Choices = dict[tuple[str, str], TunedChoice | str]
"""(training set, model) → what tuning chose, or why it failed."""


@dataclass(frozen=True)
class Settings:
    """How a comparison is run; none of it but `n_bootstrap` and `seed` changes a result."""

    models: tuple[ModelName, ...]
    n_bootstrap: int = 100
    seed: int = 42
    n_workers: int | None = None
    batch_size: int | None = None
    checkpoint_interval: int = 10
    memory_per_worker: float | None = None


@dataclass(frozen=True)
class _Job:
    """A fit of the plan: a training set, a model, and what tuning chose for them."""

    training: TrainingSet
    model: ModelName
    tuned: TunedChoice | None

    @property
    def name(self) -> str:
        kind = "tuned" if self.tuned else "default"
        return f"{self.training.digest}-{self.model}-{kind}"


def run_comparison(
    data: VaDataset,
    sets: Sequence[TrainingSet],
    settings: Settings,
    store: ComparisonStore,
    tuner: HyperparameterTuner | None = None,
    given: Mapping[ModelName, TunedChoice] | None = None,
    say: Callable[[str], None] = lambda line: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[ExperimentResult]:
    """Run what is not in the store yet; return everything that is.

    Parameters
    ----------
    tuner
        Tunes each model on each training set; None: no tuning.
    given
        Choices of an earlier search, used for every training set.

    Raises
    ------
    RunError
        It was asked to stop; what is finished is in the store.
    """
    done = {result.experiment_id: result for result in store.load() if not result.error}
    _write_baselines(data, sets, settings, store, done)
    with ray_running(settings.n_workers, data.X.nbytes):
        jobs = [_Job(training, model, None) for training in sets for model in settings.models]
        _run_jobs(data, _pending(jobs, done), settings, store, done, say, should_stop)
        if tuner or given:
            jobs = []
            for training in sets:
                wanted = [m for m in settings.models if not _finished(training, m, True, done)]
                choices = _choose(data, training, wanted, tuner, given or {}, say, should_stop)
                for model in wanted:
                    choice = choices[model]
                    if isinstance(choice, str):
                        _take(store, done, _not_tuned(data, training, model, choice, settings))
                    else:
                        jobs.append(_Job(training, model, choice))
            _run_jobs(data, jobs, settings, store, done, say, should_stop)
    return sorted(done.values(), key=lambda result: result.experiment_id)


def _write_baselines(
    data: VaDataset,
    sets: Sequence[TrainingSet],
    settings: Settings,
    store: ComparisonStore,
    done: dict[str, ExperimentResult],
) -> None:
    for training in sets:
        scored = score_baselines(data, training, settings.n_bootstrap, settings.seed)
        _take(store, done, [result for result in scored if result.experiment_id not in done])


def _pending(jobs: Sequence[_Job], done: Mapping[str, ExperimentResult]) -> list[_Job]:
    return [job for job in jobs if not _finished(job.training, job.model, job.tuned is not None, done)]


def _finished(training: TrainingSet, model: str, tuned: bool, done: Mapping[str, ExperimentResult]) -> bool:
    return all(experiment_id(test, model, tuned) in done for test in training.tests)


def _run_jobs(
    data: VaDataset,
    jobs: Sequence[_Job],
    settings: Settings,
    store: ComparisonStore,
    done: dict[str, ExperimentResult],
    say: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> None:
    """Fit and score; the largest fits first, so that none of them is left over at the end."""
    order = sorted(jobs, key=lambda job: (-len(job.training.rows), settings.models.index(job.model)))
    fits = [
        Fit(job, job.model, _params(job), job.training.rows, tested_rows(job.training), _stages(job)) for job in order
    ]
    for n, fitted in enumerate(
        run_fits(data, fits, settings.seed, settings.memory_per_worker, settings.batch_size), start=1
    ):
        job: _Job = fitted.fit.key
        if fitted.P is not None:
            store.save_predictions(job.name, fitted.fit.predict, fitted.P)
        _take(
            store, done, list(score_tests(data, job.training, fitted, job.tuned, settings.n_bootstrap, settings.seed))
        )
        if n % settings.checkpoint_interval == 0 or n == len(fits):
            kind = "tuned" if job.tuned else "untuned"
            say(f"{n} of {len(fits)} {kind} fits, {len(done)} experiments in {store.url}")
        if should_stop():
            raise Interrupted("the comparison was interrupted; the same command with --resume goes on from here")


def _params(job: _Job) -> dict[str, Any]:
    if job.tuned:
        return dict(job.tuned.params)
    return dict(FAMILIES[job.model].Parameters.model_validate({}).model_dump())


def _stages(job: _Job) -> list[tuple[int, dict[str, Any]]]:
    return [(stage.size, stage.params) for stage in job.tuned.schedule] if job.tuned else []


def _choose(
    data: VaDataset,
    training: TrainingSet,
    models: Sequence[ModelName],
    tuner: HyperparameterTuner | None,
    given: Mapping[ModelName, TunedChoice],
    say: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> dict[ModelName, TunedChoice | str]:
    """Tune on the training rows alone, or take what was given; a search that fails says why."""
    if not models:
        return {}
    if tuner is None:
        return {model: given[model] for model in models}
    say(f"tuning on {training.name} ({len(training.rows)} deaths)")
    try:
        chosen = tuner.tune_data(subset(data, training.rows), models, should_stop=should_stop)
    except Interrupted:
        raise
    except RunError as error:
        return dict.fromkeys(models, str(error))
    return {model: chosen[model] for model in models}


def _not_tuned(
    data: VaDataset, training: TrainingSet, model: ModelName, reason: str, settings: Settings
) -> list[ExperimentResult]:
    fit = Fit(None, model, {}, training.rows, tested_rows(training))
    unknown = TunedChoice(params={}, method="failed")
    failed = Fitted(fit, None, error=f"tuning failed: {reason}")
    return list(score_tests(data, training, failed, unknown, settings.n_bootstrap, settings.seed))


def _take(store: ComparisonStore, done: dict[str, ExperimentResult], results: Sequence[ExperimentResult]) -> None:
    store.save(results)
    done.update({result.experiment_id: result for result in results})
