"""The last steps of an experiment: one model at a time, so that none keeps the others from being
committed."""

import logging
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from tuner_job.config.tuning import ModelName
from tuner_job.errors import RunError
from tuner_job.evaluation.baselines import baseline_scores
from tuner_job.evaluation.best import best_model
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.coverage import measure_coverage
from tuner_job.evaluation.curve import OutOfFold, by_population
from tuner_job.evaluation.fractions import fit_residual
from tuner_job.evaluation.steps import gains_of
from tuner_job.experiment.begin import asked_of
from tuner_job.experiment.choice import (
    choose_trial,
    complete_trials,
    estimate_optimism,
    on_these_folds,
)
from tuner_job.experiment.context import Choice, Chosen, Run
from tuner_job.experiment.held_out import fitted_rows
from tuner_job.experiment.page import load_drawing
from tuner_job.experiment.search import all_data
from tuner_job.experiment.summarise import (
    count_known,
    count_repeated,
    count_states,
    default_step,
    pareto_front,
    spent,
    steps_of,
    summarise_trial,
    why_ended,
)
from tuner_job.prediction.tuned_model import pack_model
from tuner_job.problem import Prepared
from tuner_job.records import (
    DEFAULT_TRIAL,
    ExperimentSummary,
    StudySummary,
    TrialRecord,
)
from tuner_job.results.commits import Commit, Commits, runs_of
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.types import Probabilities

_log = logging.getLogger(__name__)

_FEWEST_WEIGHED, _MOST_WEIGHED = 4, 2000
"""Trials by which parameters are weighed."""


def choose(run: Run) -> None:
    """Choose each model's trial from all that is stored."""
    for model in run.unfinished:
        if model in run.missing:
            continue
        try:
            run.choices[model] = _choose(run, model)
            _log.info("%s: trial %d is chosen", model, run.choices[model].trial.trial)
        except RunError as error:
            _log.info("%s: nothing to commit: %s", model, error)
            run.missing[model] = error


def refit(run: Run) -> None:
    """Begin to fit the chosen trials on all rows; they are looked at meanwhile."""
    if run.runner:
        trials = {model: choice.trial for model, choice in run.choices.items()}
        run.fitted = run.runner.start_final(trials, all_data(run.prepared))


def look(run: Run) -> None:
    """Look at each chosen trial and at the default of its model."""
    if run.choices and run.to_be_read:
        load_drawing()  # not earlier: it would be in memory beside fits
    for model, choice in run.choices.items():
        run.chosen[model] = look_at(run, model, choice)


def commit(run: Run) -> None:
    """Write each model that could be fitted, then the commit that names it."""
    for model, chosen in run.chosen.items():
        assert run.fitted is not None  # `refit` has begun it
        try:
            summary = study_summary(run, model, chosen)
            summary = summary.model_copy(update=_of_search(run, model, chosen))
            fitted = run.fitted(model)
        except RunError as error:
            _log.info("%s: cannot be committed: %s", model, error)
            run.missing[model] = error
            continue
        packed = pack_model(model, run.prepared.dataset, run.config.data, summary, fitted)
        made = Commit(
            params=dict(summary.best.params),
            summary=summary,
            trials=runs_of(r.trial for r in chosen.choice.records if r.trial != DEFAULT_TRIAL),
            asked=asked_of(run.prepared, model),
        )
        commit_model(run.store, model, made, packed)
    if run.config.tuning.on_ray_tune and not run.missing:
        _forget_trials_under_way(run)


def summarise(run: Run) -> None:
    """Put together what is known of all models that are committed, now or earlier."""
    commits = [Commits(run.store.store, run.config.name, m).newest() for m in run.config.models]
    studies = [commit.summary for commit in commits if commit and commit.summary]
    run.summary = _experiment_summary(run.prepared, studies, time.monotonic() - run.started)


def _choose(run: Run, model: ModelName) -> Choice:
    """Choose a model's trial.

    Raises
    ------
    RunError
        No trial is complete, or the default was not evaluated.
    """
    stored = run.store.load_trials(model, run.config.tuning.objectives, pack=True)
    records = on_these_folds(run.prepared, stored)
    trial = choose_trial(run.config, model, records, run.reason)
    default = _default_of(model, records)
    P, P_default = (probabilities_of(run.store, model, n) for n in (trial.trial, DEFAULT_TRIAL))
    return Choice(records, trial, default, P, P_default)


def look_at(run: Run, model: ModelName, choice: Choice) -> Chosen:
    """Look at each step from the untuned default to the trial that is committed, and at what is
    known of its cause fractions and of the search; workers compute what takes long."""
    prepared, seed, begin = run.prepared, run.config.seed, run.have_workers().begin
    y, folds, protocol = prepared.validated_y, prepared.validated_folds, prepared.protocol
    methods = run.config.validation.csmf_estimators
    tuned = summarise_trial(choice.trial, choice.P, prepared, methods, begin)
    estimator = tuned.estimator
    coverage = begin(measure_coverage, y, choice.P, folds, estimator, protocol, seed)
    rows = OutOfFold(y, choice.P, choice.P_default)
    scores = begin(by_population, rows, estimator, seed)
    residual = begin(fit_residual, y, choice.P, estimator, protocol, seed)
    counted = summarise_trial(choice.default, choice.P_default, prepared, ["count"], begin)
    objective = run.config.tuning.objectives[0]
    weighed = _weighed(choice.records, objective)
    importance = (
        begin(weigh, weighed, run.config.space(model), objective, seed) if weighed else dict
    )
    return Chosen(
        choice,
        counted=counted.summary(),
        tuned=tuned.summary(),
        default=default_step(choice.default, choice.P_default, prepared),
        by_population=scores(),
        residual=residual(),
        coverage=coverage(),
        importance=importance(),
    )


def _default_of(model: ModelName, records: Sequence[TrialRecord]) -> TrialRecord:
    default = next((record for record in records if record.trial == DEFAULT_TRIAL), None)
    if default is None:
        raise RunError(f"{model}: its untuned default was not evaluated when the search ended")
    if default.state != "complete":
        raise RunError(f"{model}: its untuned default failed: {default.error}")
    return default


def probabilities_of(store: ExperimentStore, model: str, trial: int) -> Probabilities:
    """Out-of-fold probabilities, (n_validated, n_classes), of a trial.

    Raises
    ------
    RunError
        They were not kept, or lost.
    """
    P = store.load_oof(model, trial)
    if P is None:
        raise RunError(f"{store.url}/{model}/oof: probabilities of trial {trial} are missing")
    return P


def commit_model(store: ExperimentStore, model: ModelName, made: Commit, packed: bytes) -> None:
    """Write the model, then the commit that names it; one that is there already and whole stays."""
    assert made.summary is not None
    commits = Commits(store.store, store.experiment, model)
    earlier = commits.newest()
    update = {
        "model_object": store.save_model(model, packed),
        "model_sha256": sha256(packed).hexdigest(),
    }
    known = earlier and earlier.summary
    if (
        known
        and _extent(known) == _extent(made.summary)
        and isinstance(store.committed_model(model, known), bytes)
    ):
        commits.copy()
        return
    summary = made.summary.model_copy(update=update)
    commits.add(made.model_copy(update={"summary": summary}), over=earlier)


def _extent(summary: StudySummary) -> tuple[object, ...]:
    """What differs where a commit is another one and not the same again."""
    return summary.n_trials, summary.selection, summary.members


def _forget_trials_under_way(run: Run) -> None:
    """Remove what Ray Tune kept to go on from: every model is committed."""
    from tuner_job.execution.ray_tune.storage import TuneFolder  # brings Ray

    for model in run.config.families:
        TuneFolder.below(f"{run.store.url}/{model}").remove()


def study_summary(run: Run, model: ModelName, chosen: Chosen) -> StudySummary:
    """What is known of a model from its probabilities, be they a search's or pooled."""
    config, choice = run.config, chosen.choice
    steps = steps_of(chosen.counted, chosen.default, chosen.tuned)
    return StudySummary(
        model=model,
        search_method=config.tuning.search_method,
        objectives=config.tuning.objectives,
        n_trials=count_states(choice.records),
        default=chosen.counted,
        best=chosen.tuned,
        steps=steps,
        gains=gains_of(steps),
        pareto_front=[],
        stopped_by="finished",
        fit_seconds=spent(choice.records),
        selection=config.tuning.selection,
        parameter_importance=chosen.importance,
        deterministic=not config.tuning.on_ray_tune,
        holdout=dict(run.held_out.get(model, {})),
        fitted_on=fitted_rows(run.prepared),
        calibration=Calibration.fit(run.prepared.validated_y, choice.P).record(),
        by_population=chosen.by_population,
        residual=chosen.residual,
        coverage=chosen.coverage,
    )


def _of_search(run: Run, model: ModelName, chosen: Chosen) -> dict[str, Any]:
    """What only trials tell: fields of `StudySummary`."""
    config, objectives = run.config, run.config.tuning.objectives
    records, trial = chosen.choice.records, chosen.choice.trial
    searched = [record for record in records if record.trial != DEFAULT_TRIAL]
    several = len(objectives) > 1
    return {
        "pareto_front": pareto_front(searched, objectives) if several else [trial.trial],
        "repeated": count_repeated(records),
        "known": count_known(records),
        "stopped_by": why_ended(config, model, run.prepared.planned()[model], records, run.reason),
        "optimism": estimate_optimism(records, objectives[0]),
    }


def _weighed(records: Sequence[TrialRecord], objective: str) -> Sequence[TrialRecord]:
    """Trials by which parameters are weighed; none if they are too few or score alike.

    Of many, those at even distances: the seconds of fANOVA grow faster than the number of trials,
    and what it finds hardly changes.
    """
    complete = complete_trials([one for one in records if one.trial != DEFAULT_TRIAL])
    n = min(len(complete), _MOST_WEIGHED)
    spread = [complete[i * len(complete) // n] for i in range(n)]
    differ = len({record.scores[objective] for record in spread}) > 1
    return spread if differ and n >= _FEWEST_WEIGHED else []


def weigh(*arguments: Any) -> dict[str, float]:
    """Say how much each parameter matters, as `parameter_importance` does."""
    # importing Optuna and what it asks takes seconds
    from tuner_job.search.samplers.optuna import parameter_importance

    return parameter_importance(*arguments)


def _experiment_summary(
    prepared: Prepared, studies: list[StudySummary], wall_seconds: float
) -> ExperimentSummary:
    dataset, config = prepared.dataset, prepared.config
    committed = {study.model for study in studies}
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
        shifts=list(prepared.protocol.shifts),
        sizes=prepared.protocol.sizes,
        n_folds=prepared.n_folds,
        baselines=baselines,
        studies=studies,
        best_model=best_model(studies, [m for m in config.models if m not in committed]),
        wall_seconds=wall_seconds,
    )
