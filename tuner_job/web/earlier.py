"""Experiments that keep no progress: those of versions before 0.6.0, and those that lost it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tuner_job.errors import ConfigError, StoreError, UnreadableError
from tuner_job.files.yaml_file import parse_yaml
from tuner_job.records import (
    BestSoFar,
    ExperimentSummary,
    ModelProgressRecord,
    ProgressRecord,
    StudySummary,
    utc,
)
from tuner_job.results.damage import Damage, parse_record, read_whole
from tuner_job.results.look import Look
from tuner_job.results.store import Store

_TRIAL = re.compile(r"[0-9]{6,18}\.json")


class EarlierError(StoreError):
    """What is stored of an experiment does not tell how it is going."""


def progress_of_earlier(store: Store, path: str, look: Look, most: int) -> ProgressRecord:
    """Make a record of what else is there: the summary, or the experiment file and the number of
    trials.

    Parameters
    ----------
    look
        What stands in the experiment's folder.
    most
        Models that are told of.

    Raises
    ------
    EarlierError
    StoreError
        Storage is away.
    """
    summary = _summary(store, path) if "summary.json" in look.objects else None
    first = look.objects.get("experiment.yaml") or look.objects.get("provenance.json")
    last = look.objects.get("summary.json") or first
    began, written = (_moment(one.modified) if one else "" for one in (first, last))
    name = path.rpartition("/")[2]
    if summary:
        return ProgressRecord(
            experiment=name,
            state="done",
            metric=summary.studies[0].objectives[0] if summary.studies else "",
            models={one.model: _of_study(one) for one in summary.studies[:most]},
            best=_best(summary),
            fit_seconds=sum(one.fit_seconds for one in summary.studies),
            began=began,
            written=written,
        )
    document = _document(store, path)
    counted = _counted(store, path, document, most)
    asked = _tuning(document).get("scoring_metric", "csmf_accuracy")
    return ProgressRecord(
        experiment=name,
        state="running",
        metric=str(asked[0] if isinstance(asked, list) and asked else asked),
        models={model: record for model, (record, _) in counted.items()},
        last_trial=_moment(max((newest for _, newest in counted.values()), default=0.0)) or None,
        began=began,
        written=written,
    )


def _summary(store: Store, path: str) -> ExperimentSummary | None:
    found = read_whole(
        store,
        f"{path}/summary.json",
        lambda content: parse_record(content, ExperimentSummary),
        "`va-tuning report` writes it anew",
    )
    if isinstance(found, Damage):
        raise EarlierError(found.sentence)
    return found


def _of_study(study: StudySummary) -> ModelProgressRecord:
    n = sum(study.n_trials.values())
    return ModelProgressRecord(
        planned=n,
        done=n,
        states={str(state): count for state, count in study.n_trials.items()},
        best_score=study.best.scores.get(study.objectives[0]),
        best_trial=study.best.trial,
    )


def _best(summary: ExperimentSummary) -> BestSoFar | None:
    """The best model as the summary says it; before version 0.5.0, the one with the best score."""
    scored = [
        BestSoFar(model=study.model, trial=study.best.trial, score=score)
        for study in summary.studies
        if (score := study.best.scores.get(study.objectives[0])) is not None
    ]
    said = summary.best_model and summary.best_model.model
    chosen = [one for one in scored if one.model == said]
    return next(iter(chosen), max(scored, key=lambda one: one.score, default=None))


def _document(store: Store, path: str) -> Mapping[str, Any]:
    address = f"{store.url}/{path}/experiment.yaml"
    try:
        content = store.get(f"{path}/experiment.yaml")
        if content is None:
            raise EarlierError(f"{address}: is not there, so nothing says how this is going")
        document = parse_yaml(content.decode(), "experiment.yaml")
    except (ConfigError, UnicodeDecodeError, UnreadableError):
        raise EarlierError(f"{address}: is damaged; the same tune command writes it anew") from None
    if not isinstance(document.get("models"), list):
        raise EarlierError(f"{address}: is cut off, or no experiment that va-tuning wrote")
    return document


def _tuning(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get("tuning")
    return found if isinstance(found, dict) else {}


def _counted(
    store: Store, path: str, document: Mapping[str, Any], most: int
) -> dict[str, tuple[ModelProgressRecord, float]]:
    """Model → how many trials it has, and when the newest was written."""
    planned = _tuning(document).get("n_trials")
    found = {}
    for model in map(str, document["models"][:most]):
        trials = store.look(f"{path}/{model}/trials").objects
        written = [one.modified for name, one in trials.items() if _TRIAL.fullmatch(name)]
        record = ModelProgressRecord(
            planned=planned if isinstance(planned, int) else None, done=len(written)
        )
        found[model] = record, max(written, default=0.0)
    return found


def _moment(seconds: float) -> str:
    return utc(datetime.fromtimestamp(seconds, UTC)) if seconds else ""
