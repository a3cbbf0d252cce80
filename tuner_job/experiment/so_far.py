"""What there is of an experiment that has not ended: a summary from the trials in the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuner_job.errors import StoreError
from tuner_job.experiment.summarise import (
    count_known,
    count_repeated,
    count_states,
    mean_scores,
    pareto_front,
    spent,
)
from tuner_job.records import (
    DEFAULT_TRIAL,
    CsmfEstimator,
    ExperimentSummary,
    ModelSummary,
    StudySummary,
    TrialRecord,
)
from tuner_job.results.choose import models_of
from tuner_job.results.claim import read_document
from tuner_job.results.commits import Commits
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.lease import holder


def summary_so_far(store: ExperimentStore) -> ExperimentSummary:
    """Read the summary of an experiment; of one that has not ended, make one of what there is.

    Raises
    ------
    StoreError
        What is there is damaged.
    """
    finished = store.finished()
    return _of_trials(store) if finished is None else finished


def _of_trials(store: ExperimentStore) -> ExperimentSummary:
    document = read_document(store)
    if document is None:
        raise StoreError(
            f"{store.url}: has neither summary.json nor an experiment.yaml that can be read; the "
            "same tune command writes them anew"
        )
    studies, unfinished, n_deaths, n_folds = [], [], 0, 0
    for model in models_of(store):
        commit = Commits(store.store, store.experiment, model).newest()
        records = store.load_trials(model)
        default = _default(records)
        if default:
            n_deaths = sum(fold.n_validation for fold in default.folds)
            n_folds = len(default.folds)
        if commit and commit.summary:
            studies.append(commit.summary)
            continue
        unfinished.append(model)
        if default:
            studies.append(_study(model, document, default, records))
    return ExperimentSummary(
        name=store.experiment,
        n_samples=n_deaths,
        n_features=0,
        causes=[],
        sites={},
        data_notes=[],
        scheme=str(_part(document, "validation").get("scheme", "")),
        n_folds=n_folds,
        baselines={},
        studies=studies,
        wall_seconds=0.0,
        unfinished=unfinished,
        run_by=holder(store.store, store.experiment),
    )


def _default(records: Sequence[TrialRecord]) -> TrialRecord | None:
    found = (one for one in records if one.trial == DEFAULT_TRIAL and one.state == "complete")
    return next(found, None)


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _study(
    model: str, document: Mapping[str, Any], default: TrialRecord, records: Sequence[TrialRecord]
) -> StudySummary:
    tuning = _part(document, "tuning")
    asked = tuning.get("scoring_metric", "csmf_accuracy")
    objectives = [str(one) for one in (asked if isinstance(asked, list) else [asked])]
    scored = [r for r in records if r.state == "complete" and objectives[0] in r.scores]
    best = max(
        scored, key=lambda r: (r.scores[objectives[0]], r.trial >= 0, -r.trial), default=default
    )
    front = pareto_front(scored, objectives) if len(objectives) > 1 else [best.trial]
    return StudySummary(
        model=model,
        search_method=str(tuning.get("search_method", "")),
        objectives=objectives,
        n_trials=count_states(records),
        repeated=count_repeated(records),
        known=count_known(records),
        default=_untuned(default),
        best=_as_it_is(best),
        pareto_front=front,
        stopped_by="unfinished",
        fit_seconds=spent(records),
        parameter_importance={},
        deterministic=tuning.get("search_method") not in ("asha", "pbt"),
    )


def _as_it_is(record: TrialRecord) -> ModelSummary:
    """A trial as the search saw it."""
    return ModelSummary(
        trial=record.trial,
        params=record.params,
        scores=record.scores,
        folds=[fold.validation for fold in record.folds],
        train_scores=mean_scores([fold.train for fold in record.folds]),
        csmf_estimator=record.csmf_estimator or CsmfEstimator(method="count"),
        out_of_fold={},
        by_estimator={name: sum(each) / len(each) for name, each in record.csmf.items() if each},
        causes=[],
        fit_seconds=record.fit_seconds,
        source=record.source,
        schedule=record.schedule,
    )


def _untuned(default: TrialRecord) -> ModelSummary:
    """The untuned default as it is used today, its most probable causes counted.

    Only its CSMF accuracy is known so: its other metrics were made by the estimator that suits it.
    """
    found, counted = _as_it_is(default), default.csmf.get("count")
    if not counted:
        return found
    return found.model_copy(
        update={
            "scores": {"csmf_accuracy": sum(counted) / len(counted)},
            "folds": [{"csmf_accuracy": one} for one in counted],
            "train_scores": {},
            "csmf_estimator": CsmfEstimator(method="count"),
        }
    )
