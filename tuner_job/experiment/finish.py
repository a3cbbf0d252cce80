"""The last steps of an experiment: one model at a time, so that none keeps the others from being
committed."""

import logging
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.tuning import ModelName
from tuner_job.errors import RunError
from tuner_job.evaluation.baselines import baseline_scores
from tuner_job.evaluation.calibration import Calibration
from tuner_job.experiment.choice import choose_trial, estimate_optimism
from tuner_job.experiment.context import Chosen, Run
from tuner_job.experiment.search import all_data
from tuner_job.experiment.summarise import count_states, pareto_front, summarise_trial
from tuner_job.prediction.tuned_model import pack_model
from tuner_job.problem import Prepared
from tuner_job.records import (
    DEFAULT_TRIAL,
    ExperimentSummary,
    StopReason,
    StudySummary,
    TrialRecord,
)
from tuner_job.results.commits import Commit, Commits
from tuner_job.results.experiment_store import ExperimentStore

_log = logging.getLogger(__name__)


def choose(run: Run) -> None:
    """Choose each model's trial from all that is stored, and look at it and at the default."""
    for model in run.unfinished:
        if model in run.missing:
            continue
        try:
            run.chosen[model] = _choose(run, model)
            _log.info("%s: trial %d is chosen", model, run.chosen[model].trial.trial)
        except RunError as error:
            _log.info("%s: nothing to commit: %s", model, error)
            run.missing[model] = error


def refit(run: Run) -> None:
    """Begin to fit the chosen trials on all rows; the hold-out is tested meanwhile."""
    if run.runner:
        trials = {model: chosen.trial for model, chosen in run.chosen.items()}
        run.fitted = run.runner.start_final(trials, all_data(run.prepared))


def commit(run: Run) -> None:
    """Write each model that could be fitted, then the commit that names it."""
    for model, chosen in run.chosen.items():
        assert run.fitted is not None  # `refit` has begun it
        try:
            summary = _study_summary(run, model, chosen)
            fitted = run.fitted(model)
        except RunError as error:
            _log.info("%s: cannot be committed: %s", model, error)
            run.missing[model] = error
            continue
        packed = pack_model(model, run.prepared.dataset, run.config.data, summary, fitted)
        _commit(run.store, model, summary, packed)
    if run.config.tuning.on_ray_tune and not run.missing:
        _forget_trials_under_way(run)


def summarise(run: Run) -> None:
    """Put together what is known of all models that are committed, now or earlier."""
    commits = [Commits(run.store.store, run.config.name, m).newest() for m in run.config.models]
    studies = [commit.summary for commit in commits if commit and commit.summary]
    run.summary = _experiment_summary(run.prepared, studies, time.monotonic() - run.started)


def report(run: Run) -> None:
    """Write the report of the models that are committed, if there are any."""
    if run.summary and run.summary.studies:
        write_report(run.store, run.summary)


def write_report(store: ExperimentStore, summary: ExperimentSummary) -> str:
    """Write ``summary.json`` and ``report.html`` from what the store holds; return the page."""
    from tuner_job.report import render_report  # figures take a second to import

    trials = {study.model: store.load_trials(study.model) for study in summary.studies}
    page = render_report(summary, store.provenance(), trials)
    store.save_report(summary, page)
    return page


def _choose(run: Run, model: ModelName) -> Chosen:
    """Choose a model's trial.

    Raises
    ------
    RunError
        No trial is complete, or the default was not evaluated.
    """
    records = run.store.load_trials(model)
    trial = choose_trial(run.config, model, records, run.reason)
    default = _default_of(model, records)
    P, P_default = (_load_oof(run.store, model, n) for n in (trial.trial, DEFAULT_TRIAL))
    return Chosen(
        records,
        trial,
        P,
        P_default,
        default=summarise_trial(default, P_default, run.prepared, ["count"]),
        tuned=summarise_trial(trial, P, run.prepared, run.config.validation.csmf_estimators),
    )


def _default_of(model: ModelName, records: Sequence[TrialRecord]) -> TrialRecord:
    default = next((record for record in records if record.trial == DEFAULT_TRIAL), None)
    if default is None:
        raise RunError(f"{model}: its untuned default was not evaluated when the search ended")
    if default.state != "complete":
        raise RunError(f"{model}: its untuned default failed: {default.error}")
    return default


def _load_oof(store: ExperimentStore, model: str, trial: int) -> NDArray[np.floating[Any]]:
    P = store.load_oof(model, trial)
    if P is None:
        raise RunError(f"{store.url}/{model}/oof: probabilities of trial {trial} are missing")
    return P


def _commit(store: ExperimentStore, model: ModelName, summary: StudySummary, packed: bytes) -> None:
    """Write the model, then the commit that names it; one that is there already and whole stays."""
    commits = Commits(store.store, store.experiment, model)
    earlier = commits.newest()
    update = {
        "model_object": store.save_model(model, packed),
        "model_sha256": sha256(packed).hexdigest(),
    }
    known = earlier and earlier.summary
    goes_on = known and (known.n_trials, known.selection) != (summary.n_trials, summary.selection)
    if known and not goes_on and isinstance(store.committed_model(model, known), bytes):
        commits.copy()
        return
    summary = summary.model_copy(update=update)
    commits.add(Commit(params=dict(summary.best.params), summary=summary), over=earlier)


def _forget_trials_under_way(run: Run) -> None:
    """Remove what Ray Tune kept to go on from: every model is committed."""
    from tuner_job.execution.ray_tune.storage import TuneFolder  # brings Ray

    for model in run.config.models:
        TuneFolder.below(f"{run.store.url}/{model}").remove()


def _study_summary(run: Run, model: ModelName, chosen: Chosen) -> StudySummary:
    # importing Optuna takes a second
    from tuner_job.search.samplers.optuna import parameter_importance

    config, objectives = run.config, run.config.tuning.objectives
    records, space = chosen.records, config.space(model)
    searched = [record for record in records if record.trial != DEFAULT_TRIAL]
    front = [chosen.trial.trial]
    if len(objectives) > 1:
        front = pareto_front(searched, objectives)
    calibration = Calibration.fit(run.prepared.validated_y, chosen.P)
    return StudySummary(
        model=model,
        search_method=config.tuning.search_method,
        objectives=objectives,
        n_trials=count_states(records),
        default=chosen.default,
        best=chosen.tuned,
        pareto_front=front,
        stopped_by=_stopped_by(run, model, records),
        fit_seconds=sum(record.fit_seconds for record in records),
        selection=config.tuning.selection,
        optimism=estimate_optimism(records, objectives[0]),
        parameter_importance=parameter_importance(searched, space, objectives[0], config.seed),
        deterministic=not config.tuning.on_ray_tune,
        holdout=dict(run.held_out.get(model, {})),
        calibration=calibration.record(),
    )


def _stopped_by(run: Run, model: ModelName, records: Sequence[TrialRecord]) -> StopReason:
    """Why a model's search ended: `finished` if all that was planned has been run."""
    planned = run.prepared.planned()[model]
    n_run = sum(count_states(records).values())
    if run.reason != "finished" and (planned is None or n_run < planned):
        return run.reason
    is_grid = run.config.tuning.search_method == "grid"
    return "max_trials" if is_grid and planned != run.config.space(model).count() else "finished"


def _experiment_summary(
    prepared: Prepared, studies: list[StudySummary], wall_seconds: float
) -> ExperimentSummary:
    dataset, config = prepared.dataset, prepared.config
    counts = np.bincount(dataset.site, minlength=len(dataset.sites))
    baselines = baseline_scores(
        prepared.search_data.y, prepared.folds, dataset.n_causes, prepared.protocol
    )
    return ExperimentSummary(
        name=config.name,
        n_samples=dataset.n_samples,
        n_features=len(dataset.features),
        causes=list(dataset.causes),
        sites={site: int(n) for site, n in zip(dataset.sites, counts, strict=True)},
        data_notes=prepared.notes,
        codebook=list(dataset.codebook.variables),
        scheme=config.validation.scheme,
        shift=config.validation.ranges,
        n_folds=prepared.n_folds,
        baselines=baselines,
        studies=studies,
        wall_seconds=wall_seconds,
    )
