"""Trials as a wide table: a column a parameter and a metric."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner_job.records import TrialRecord

Column = list[Any]


def trial_columns(
    trials: Mapping[str, Sequence[TrialRecord]], none: str | None = None
) -> dict[str, Column]:
    """Lay out trials as columns of equal length, by model and then in their order.

    Parameters
    ----------
    trials
        Model → its trials.
    none
        Stands for a parameter whose value is None; a parameter that a trial does not have is
        None.
    """
    rows = [dict(_row(model, record, none)) for model in sorted(trials) for record in trials[model]]
    names = dict.fromkeys(name for row in rows for name in row)
    order = sorted(names, key=lambda name: name.startswith("params_"))  # known ones first
    return {name: [row.get(name) for row in rows] for name in order}


def _row(model: str, record: TrialRecord, none: str | None) -> Iterator[tuple[str, Any]]:
    yield "model", model
    yield "trial", record.trial
    yield "state", record.state
    yield "duplicate_of", record.duplicate_of
    if record.source:
        yield "source", record.source.address
        yield "source_commit", record.source.commit
        yield "source_trial", record.source.trial
    yield "csmf_estimator", record.csmf_estimator and str(record.csmf_estimator)
    yield "n_folds", len(record.folds)
    yield "fit_seconds", record.fit_seconds
    yield "finished_at", record.finished_at or None
    yield "error", record.error
    for metric, value in record.scores.items():
        yield f"scores_{metric}", value
    for name, setting in record.params.items():
        yield f"params_{name}", none if setting is None else setting
