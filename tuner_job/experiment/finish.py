"""From the end of a search to what is committed: one model at a time, so that none keeps the
others from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.experiment import ModelName
from tuner_job.errors import RunError
from tuner_job.evaluation.baselines import baseline_scores
from tuner_job.evaluation.calibration import Calibration
from tuner_job.experiment.choice import OutOfFold, choose_trial, estimate_optimism, score_held_out
from tuner_job.experiment.summarise import count_states, pareto_front, summarise_trial
from tuner_job.problem import Prepared
from tuner_job.records import (
    CalibrationRecord,
    ExperimentSummary,
    ModelSummary,
    Scores,
    StopReason,
    StudySummary,
    TrialRecord,
)
from tuner_job.results.experiment_store import DEFAULT_TRIAL, ExperimentStore

if TYPE_CHECKING:
    from tuner_job.execution.session import Session

Commit = Callable[[ModelName, StudySummary, bytes], None]
"""Writes a model's fitted bytes and its search's summary, for good."""


@dataclass(frozen=True)
class _Chosen:
    """A model whose search has something to commit."""

    records: Sequence[TrialRecord]
    best: TrialRecord
    P: OutOfFold
    """Of the default and of the best."""
    looked_at: Mapping[str, ModelSummary]


def finish_models(
    prepared: Prepared,
    store: ExperimentStore,
    models: Sequence[ModelName],
    session: "Session",
    commit: Commit,
) -> dict[str, RunError]:
    """Choose, look at, fit on all rows and commit each model that can be; return why the others
    cannot."""
    without: dict[str, RunError] = dict(session.given_up)
    chosen: dict[ModelName, _Chosen] = {}
    for model in (m for m in models if m not in without):
        try:
            chosen[model] = _choose(prepared, store, model, session.reason)
        except RunError as error:
            without[model] = error
    fitted = session.start_final({model: one.best for model, one in chosen.items()})
    P = {key: P for one in chosen.values() for key, P in one.P.items()}
    held_out = score_held_out(prepared, {model: one.looked_at for model, one in chosen.items()}, P)
    for model, one in chosen.items():
        try:
            summary = _study_summary(
                prepared, model, one, session.reason, _told(held_out.get(model, {}))
            )
            commit(model, summary, fitted(model))
        except RunError as error:
            without[model] = error
    return without


def _told(held_out: Mapping[str, Scores] | RunError) -> Mapping[str, Scores]:
    if isinstance(held_out, RunError):
        raise held_out
    return held_out


def _choose(
    prepared: Prepared, store: ExperimentStore, model: ModelName, reason: StopReason
) -> _Chosen:
    """Choose a model's trial from all that is stored.

    Raises
    ------
    RunError
        No trial is complete, or the default was not evaluated.
    """
    records = store.load_trials(model)
    best = choose_trial(prepared.config, model, records, reason)
    _require_default(model, records)
    P = {(model, n): _load_oof(store, model, n) for n in (DEFAULT_TRIAL, best.trial)}
    return _Chosen(records, best, P, _look_at(prepared, records, best, P, model))


def _require_default(model: ModelName, records: Sequence[TrialRecord]) -> None:
    default = next((record for record in records if record.trial == DEFAULT_TRIAL), None)
    if default is None:
        raise RunError(f"{model}: its untuned default was not evaluated when the search ended")
    if default.state != "complete":
        raise RunError(f"{model}: its untuned default failed: {default.error}")


def _load_oof(store: ExperimentStore, model: str, trial: int) -> NDArray[np.floating[Any]]:
    P = store.load_oof(model, trial)
    if P is None:
        raise RunError(f"{store.url}/{model}/oof: probabilities of trial {trial} are missing")
    return P


def _look_at(
    prepared: Prepared,
    records: Sequence[TrialRecord],
    best: TrialRecord,
    P: OutOfFold,
    model: ModelName,
) -> dict[str, ModelSummary]:
    """The untuned default as it is used today, its most probable causes counted, and the chosen
    configuration."""
    default = next(record for record in records if record.trial == DEFAULT_TRIAL)
    methods = prepared.config.validation.csmf_estimators
    return {
        "default": summarise_trial(default, P[model, DEFAULT_TRIAL], prepared, ["count"]),
        "tuned": summarise_trial(best, P[model, best.trial], prepared, methods),
    }


def _study_summary(
    prepared: Prepared,
    model: ModelName,
    chosen: _Chosen,
    reason: StopReason,
    held_out: Mapping[str, Scores],
) -> StudySummary:
    from tuner_job.search.samplers.optuna import parameter_importance

    config, objectives = prepared.config, prepared.config.tuning.objectives
    records, looked_at = chosen.records, chosen.looked_at
    searched = [record for record in records if record.trial != DEFAULT_TRIAL]
    planned = prepared.planned()[model]
    n_trials = count_states(records)
    all_run = reason == "finished" or (planned is not None and sum(n_trials.values()) >= planned)
    cut = config.tuning.search_method == "grid" and planned != config.space(model).count()
    return StudySummary(
        model=model,
        search_method=config.tuning.search_method,
        objectives=objectives,
        n_trials=n_trials,
        default=looked_at["default"],
        best=looked_at["tuned"],
        pareto_front=pareto_front(searched, objectives)
        if len(objectives) > 1
        else [looked_at["tuned"].trial],
        stopped_by=("max_trials" if cut else "finished") if all_run else reason,
        fit_seconds=sum(record.fit_seconds for record in records),
        selection=config.tuning.selection,
        optimism=estimate_optimism(records, objectives[0]),
        parameter_importance=parameter_importance(
            searched, config.space(model), objectives[0], config.seed
        ),
        deterministic=not config.tuning.on_ray_tune,
        holdout=dict(held_out),
        calibration=CalibrationRecord.of(
            Calibration.fit(prepared.search_data.y, chosen.P[model, chosen.best.trial])
        ),
    )


def summarise_experiment(
    prepared: Prepared, studies: list[StudySummary], wall_seconds: float
) -> ExperimentSummary:
    """Put together what a report says of all models that are committed."""
    dataset, config = prepared.dataset, prepared.config
    counts = np.bincount(dataset.site, minlength=len(dataset.sites))
    return ExperimentSummary(
        name=config.name,
        n_samples=dataset.n_samples,
        n_features=len(dataset.features),
        causes=list(dataset.causes),
        sites={site: int(n) for site, n in zip(dataset.sites, counts, strict=True)},
        data_notes=prepared.notes,
        scheme=config.validation.scheme,
        shift=config.validation.ranges,
        n_folds=prepared.n_folds,
        baselines=baseline_scores(
            prepared.search_data.y, prepared.folds, dataset.n_causes, prepared.protocol
        ),
        studies=studies,
        wall_seconds=wall_seconds,
    )
