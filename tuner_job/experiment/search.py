"""The step that searches: studies are built, driven on a runner, and recorded."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from threading import Thread

import numpy as np

from tuner_job.config.decisive import digest_of
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import ModelName
from tuner_job.errors import StoreError
from tuner_job.evaluation.assessment import needs_assessment
from tuner_job.evaluation.screening import n_values_judged
from tuner_job.execution.drive import Driver
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.runner import Runner
from tuner_job.experiment.begin import versions
from tuner_job.experiment.context import Run
from tuner_job.experiment.fitting_in import untuned
from tuner_job.experiment.known import known_trials
from tuner_job.experiment.paces import paces_of, paces_on_ray_tune
from tuner_job.experiment.recorder import Recorder, Searched
from tuner_job.problem import Prepared
from tuner_job.process.interruption import held_back
from tuner_job.records import DEFAULT_TRIAL, TrialRecord
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.writer import BackgroundWriter
from tuner_job.search.early_stopping import NeverStop
from tuner_job.search.known import OnMismatch, still_proposed
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers import make_sampler, make_stopping_rule
from tuner_job.search.samplers.fixed import FixedSampler
from tuner_job.search.study import Study
from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration
from tuner_job.wording import listed, shown

_log = logging.getLogger(__name__)


def search(run: Run) -> None:
    """Evaluate the untuned default of each model and search; every finished trial is stored.

    Raises
    ------
    Interrupted
        Somebody asked the run to stop, or took it over.
    RunError, StoreError
        It could not go on.
    """
    if not run.unfinished:
        return
    Thread(target=import_module, args=("scipy.optimize",), daemon=True).start()
    runner = run.runner = run.have_workers().runner(searched_data(run.prepared))
    with recording(run, runner) as recorder:
        started = time.monotonic()
        cpu_seconds = _drive(run, runner, recorder)
        if run.config.tuning.on_ray_tune and run.reason == "finished":
            _search_on_ray_tune(run, runner, recorder, (time.monotonic() - started, cpu_seconds))


def searched_data(prepared: Prepared) -> SharedData:
    """What the fits of a search read."""
    config, dataset = prepared.config, prepared.search_data
    return SharedData(
        key=f"{dataset.digest}/{digest_of(config.document())}",
        X=dataset.X,
        y=dataset.y,
        folds=prepared.folds,
        n_classes=dataset.n_causes,
        seed=config.seed,
        protocol=prepared.protocol,
        methods=tuple(config.validation.csmf_estimators),
        objectives=tuple(config.tuning.objectives),
        site=dataset.site,
        own=prepared.deaths.own,
        families={model: config.family(model) for model in config.families},
    )


def all_data(prepared: Prepared) -> SharedData | None:
    """What a fit on all rows reads; None where the search saw them all."""
    if not prepared.held_out.any():
        return None
    dataset = prepared.dataset
    no_folds = np.zeros(dataset.n_samples, dtype=np.int32)
    return replace(
        searched_data(prepared),
        key=dataset.digest,
        X=dataset.X,
        y=dataset.y,
        site=dataset.site,
        folds=no_folds,
    )


@contextmanager
def recording(run: Run, runner: Runner) -> Iterator[Recorder]:
    """Have finished trials written, all of them when the block is left."""
    tuning, folds = run.config.tuning, run.prepared.folds
    with held_back(), BackgroundWriter() as writer:
        recorder = Recorder(run.store, writer, runner.fetch, run.monitor, folds, tuning)
        for model, records in run.unfinished.items():
            recorder.recall(model, records)
        yield recorder


def _drive(run: Run, runner: Runner, recorder: Recorder) -> float:
    """Run the studies; return the seconds that workers have spent on them."""
    studies = [
        study for model, stored in run.unfinished.items() for study in _studies(run, model, stored)
    ]
    run.monitor.follow(run.unfinished, paces_of(run, studies), run.prepared.n_folds)
    if not run.config.tuning.on_ray_tune:  # else the searches after these need them
        run.unfinished = dict.fromkeys(run.unfinished, ())  # the studies have their own
    run.monitor.enter("search")
    on_task = run.monitor.log_task
    budget = run.config.budget
    driver = Driver(studies, runner, budget, recorder.record, run.should_stop, on_task)
    run.reason = driver.run()
    run.missing |= driver.given_up
    return driver.cpu_seconds


def _search_on_ray_tune(
    run: Run, runner: Runner, recorder: Recorder, used: tuple[float, float]
) -> None:
    from tuner_job.execution.ray_runner import RayRunner  # importing Ray takes a second
    from tuner_job.execution.ray_tune.run import Wanted, search_models  # takes a second more

    assert isinstance(runner, RayRunner)  # `workers` has Ray for such searches
    config = run.config
    left = {m: records for m, records in run.unfinished.items() if m not in run.missing}
    stored = {model: _taken(run, model, records) for model, records in left.items()}
    wanted = Wanted(
        tuning=config.tuning,
        budget=config.budget,
        spaces={model: config.space(model) for model in stored},
        stored=stored,
        n_folds=run.prepared.n_folds,
        seed=config.seed,
        url=run.store.url,
        families=run.config.catalogue,
    )
    run.monitor.follow(run.unfinished, paces_on_ray_tune(run, stored), run.prepared.n_folds)

    def finished(searched: Searched, trial: Trial) -> None:
        seconds = sum(outcome.record.fit_seconds for outcome in trial.outcomes.values())
        run.monitor.log_task(searched.model, seconds, runner.n_slots)
        recorder.record(searched, trial)

    run.reason, given_up = search_models(wanted, runner, finished, used, run.should_stop)
    run.missing |= given_up


def _taken(run: Run, model: ModelName, stored: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Find the trials of an earlier run that a search on Ray Tune need not run."""
    config = run.config
    records = [record for record in stored if record.trial != DEFAULT_TRIAL]
    if config.tuning.search_method == "pbt":
        return records  # a member ends with other parameters than it was proposed with
    sampler = make_sampler(config.tuning, config.space(model), None, config.seed)
    on_mismatch = _mismatch_teller(run.store, model, config)
    return still_proposed(sampler, records, config.tuning.objectives, on_mismatch)


def _studies(run: Run, model: ModelName, stored: Sequence[TrialRecord]) -> list[Study]:
    """Build the evaluation of a model's untuned default, and its search unless Ray Tune runs
    that."""
    on_mismatch = _mismatch_teller(run.store, model, run.config)
    default = _default_study(run, model, stored, on_mismatch)
    if run.config.tuning.on_ray_tune:
        return [default]
    return [default, _search_study(run, model, stored, on_mismatch)]


def _default_study(
    run: Run, model: ModelName, stored: Sequence[TrialRecord], on_mismatch: OnMismatch
) -> Study:
    default = {record.trial: record for record in stored if record.trial == DEFAULT_TRIAL}
    params = untuned(run.config.family(model))
    return single_study(run, model, params, DEFAULT_TRIAL, default, on_mismatch)


def single_study(
    run: Run,
    model: ModelName,
    params: Configuration,
    number: int,
    stored: Mapping[int, TrialRecord] | None = None,
    on_mismatch: OnMismatch = lambda record, proposed: None,
) -> Study:
    """Build the evaluation of one configuration, as the trial of a number."""
    return Study(
        StudyPlan(
            name=f"{model} default",
            model=model,
            objectives=run.config.tuning.objectives,
            path=None,
            n_folds=run.prepared.n_folds,
            lag=1,
            max_trials=1,
            first_trial=number,
            assessed=needs_assessment(run.config.validation.csmf_estimators),
        ),
        FixedSampler([params]),
        NeverStop(),
        stored=stored,
        on_mismatch=on_mismatch,
    )


def _search_study(
    run: Run, model: ModelName, stored: Sequence[TrialRecord], on_mismatch: OnMismatch
) -> Study:
    config, n_folds = run.config, run.prepared.n_folds
    family, tuning = config.family(model), config.tuning
    methods = config.validation.csmf_estimators
    sampler = make_sampler(tuning, config.space(model), family.path_parameter, config.seed)
    n_values = n_values_judged(tuning.objectives, methods)
    known = known_trials(stored)
    own = {r.trial: r for r in stored if r.trial != DEFAULT_TRIAL and r.source is None}
    return Study(
        StudyPlan(
            name=model,
            model=model,
            objectives=tuning.objectives,
            path=family.path_parameter,
            n_folds=n_folds,
            lag=tuning.lag,
            max_trials=_most_trials(config),
            first_trial=len(known),
            assessed=needs_assessment(methods),
            nested=family.path_is_nested,
        ),
        sampler,
        make_stopping_rule(tuning, n_folds, n_values),
        stored=own,
        on_mismatch=on_mismatch,
        known=[Trial.of(record, tuning.objectives) for record in known],
    )


def _most_trials(config: ExperimentConfig) -> int | None:
    asked = None if config.tuning.search_method == "grid" else config.tuning.n_trials
    return min((n for n in (config.budget.max_trials, asked) if n), default=None)


def _mismatch_teller(
    store: ExperimentStore, model: ModelName, config: ExperimentConfig
) -> OnMismatch:
    """Say what a stored trial means that is not the one that the search proposes.

    If the same versions wrote it, it is of another experiment: it is run again. Else this version's
    search is another one, and running its trials again would lose those that are there.
    """
    now, method = versions(config), config.tuning.search_method
    began, changed = store.provenance().versions.get("va-tuning"), _changed_versions(store, now)

    def tell(record: TrialRecord, proposed: Configuration) -> None:
        trial = f"trial {record.trial} is {shown(record.params)} there and {shown(proposed)} here"
        if began and began != now.get("va-tuning"):
            raise StoreError(
                f"{store.url}/{model}: was begun by va-tuning {began}, whose {method} search has "
                f"other trials ({trial}); finish it with that version, or choose another `name`"
            )
        if changed:
            raise StoreError(
                f"{store.url}/{model}: was begun with {listed(changed)}, and has other trials "
                f"({trial}); go on with those versions, or choose another `name`"
            )
        _log.warning(
            f"{store.url}/{model}/trials: {trial}: it is of another experiment, so it is run again "
            "and its object replaced"
        )

    return tell


def _changed_versions(store: ExperimentStore, now: Mapping[str, str]) -> list[str]:
    before = store.provenance().versions
    return [
        f"{name} {before[name]}, here {now.get(name)}"
        for name in before
        if before[name] != now.get(name)
    ]
