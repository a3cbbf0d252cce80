"""Searches as a journal of Optuna's, for what reads one: optuna-dashboard above all."""

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, create_trial

from tuner_job.records import DEFAULT_TRIAL, TrialRecord
from tuner_job.search.samplers.optuna.translation import STATES, distribution
from tuner_job.search_space import Choices, Range

_WRITER = "va-tuning"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Searched:
    """The search of one model, to be written as a study.

    Attributes
    ----------
    parameters
        What its search space declares; a parameter that is not in it is written among a trial's
        attributes.
    records
        Its trials in order, with or without the untuned default, which is none of the study.
    told
        Attributes of the study.
    """

    name: str
    objectives: Sequence[str]
    parameters: Mapping[str, Choices | Range]
    records: Sequence[TrialRecord]
    told: Mapping[str, Any] = field(default_factory=dict)


def journal_of(searches: Iterable[Searched]) -> bytes:
    """Write searches as the file of a `JournalStorage`, a study each; the same bytes each time."""
    backend = _Lines()
    storage = JournalStorage(backend)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        for one in searches:
            study = optuna.create_study(
                study_name=one.name,
                storage=storage,
                directions=["maximize"] * len(one.objectives),
            )
            study.set_metric_names(list(one.objectives))
            for name, value in one.told.items():
                study.set_user_attr(name, value)
            study.add_trials(list(_trials(one)))
    return backend.content()


class _Lines(BaseJournalBackend):
    """A journal in memory."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """What was written from a number on."""
        return map(json.loads, self._lines[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write what was done."""
        self._lines += [json.dumps(one, separators=(",", ":")) for one in logs]

    def content(self) -> bytes:
        """The file; who wrote a line, which is another name each time, is left out."""
        lines = ({**json.loads(line), "worker_id": _WRITER} for line in self._lines)
        return "".join(f"{json.dumps(one, separators=(',', ':'))}\n" for one in lines).encode()


def _trials(searched: Searched) -> Iterator[FrozenTrial]:
    by_number = {record.trial: record for record in searched.records}
    for record in searched.records:
        if record.trial == DEFAULT_TRIAL:
            continue
        original = by_number.get(record.trial if record.duplicate_of is None
                                 else record.duplicate_of, record)  # fmt: skip
        yield _as_trial(searched, record, original)


def _as_trial(searched: Searched, record: TrialRecord, original: TrialRecord) -> FrozenTrial:
    """Put a trial in Optuna's form; a repeated one has the result of its original."""
    params, distributions, others = {}, {}, {}
    for name, value in record.params.items():
        parameter = searched.parameters.get(name)
        if parameter is not None and parameter.holds(value):
            params[name], distributions[name] = value, _distribution(parameter)
        else:
            others[name] = value
    complete = record.state == "complete" and set(searched.objectives) <= set(original.scores)
    state = STATES[record.state if complete or record.state != "complete" else "failed"]
    found = create_trial(
        state=state,
        values=[original.scores[name] for name in searched.objectives] if complete else None,
        params=params,
        distributions=distributions,
        user_attrs=_attributes(record, original, others),
        intermediate_values=dict(enumerate(_means(searched, original))),
    )
    ended = datetime.fromisoformat(record.finished_at) if record.finished_at else _BEGINNING
    found.datetime_complete = ended
    found.datetime_start = ended - timedelta(seconds=record.fit_seconds)
    return found


def _distribution(parameter: Choices | Range) -> BaseDistribution:
    """The values themselves, and not their positions, as people are to read them."""
    if isinstance(parameter, Choices):
        return CategoricalDistribution(parameter.choices)
    return distribution(parameter)


def _means(searched: Searched, record: TrialRecord) -> list[float]:
    """Mean of the objective over the first 1, 2 … folds; of several objectives Optuna keeps
    none."""
    metric, total = searched.objectives[0], 0.0
    means: list[float] = []
    if len(searched.objectives) > 1:
        return []
    for n, fold in enumerate(record.folds, start=1):
        if metric not in fold.validation:
            return means
        total += fold.validation[metric]
        means.append(total / n)
    return means


def _attributes(
    record: TrialRecord, original: TrialRecord, others: Mapping[str, Any]
) -> dict[str, Any]:
    found = {
        "trial": record.trial,
        "CSMF by": original.csmf_estimator and str(original.csmf_estimator),
        "source": str(record.source) if record.source else None,
        "source_commit": record.source.commit if record.source else None,
        "duplicate_of": record.duplicate_of,
        "error": record.error,
        "fit_seconds": record.fit_seconds,
    }
    scores = {f"mean {metric}": value for metric, value in original.scores.items()}
    known = {name: value for name, value in found.items() if value is not None}
    return {**known, **scores, **others}
