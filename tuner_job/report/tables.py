"""The report's tables: rows of plain values, written out by the template."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner_job.evaluation.steps import LABELS, SHOWN
from tuner_job.records import (
    DEFAULT_TRIAL,
    CauseRecord,
    CoverageRecord,
    ExperimentSummary,
    Interval,
    Scores,
    StudySummary,
    TrialRecord,
)
from tuner_job.report.text import baseline_label
from tuner_job.report.trials import Trials

MAX_TRIALS = 50
MAX_ERRORS = 20
_ERROR_LENGTH = 2000


@dataclass(frozen=True)
class ResultRow:
    """One configuration, or one baseline, of the table of results."""

    name: str
    kind: str
    """``default``, ``tuned`` or ``baseline``."""
    trial: int | None
    """None of a baseline and of an ensemble."""
    tested: dict[str, Interval]
    """Over drawn compositions, or over rows; see `ModelSummary.tested`."""
    scores: Scores
    difference: float | None
    """Tuned minus default in the first objective."""
    fit_seconds: float | None
    below_copy_train: bool


_LEVEL = 0.95
_FRACTIONS = ("small", "middle", "large")


@dataclass(frozen=True)
class EstimatorRow:
    """One CSMF estimator and the mean CSMF accuracy that it gives; None where it was not tried."""

    name: str
    default: float | None
    """With the default's parameters."""
    tuned: float | None
    scores_default: bool
    """Whether the untuned default is scored by it."""
    chosen: bool
    """Whether the tuned configuration is."""


@dataclass(frozen=True)
class HoldoutRow:
    """Scores on deaths that the search never saw."""

    model: str
    kind: str
    """A step, or ``copy_train``."""
    label: str
    scores: Scores


@dataclass(frozen=True)
class ParameterRow:
    """One parameter of the default and of the tuned configuration; `None` is a value, so
    presence is told."""

    name: str
    default: Any
    tuned: Any
    in_default: bool
    in_tuned: bool

    @property
    def changed(self) -> bool:
        """Whether tuning chose another value than the default's."""
        return (self.in_default, self.default) != (self.in_tuned, self.tuned)


def score_metrics(summary: ExperimentSummary) -> list[str]:
    """Return the metrics shown as means over folds: the objectives, then those that baselines
    have."""
    objectives = [metric for study in summary.studies for metric in study.objectives]
    return list(dict.fromkeys([*objectives, "csmf_accuracy", "cod_accuracy"]))


def holdout_metrics(summary: ExperimentSummary) -> list[str]:
    """Return the metrics shown of the hold-out: those above, and those of the steps."""
    return list(dict.fromkeys([*score_metrics(summary), *SHOWN]))


def difference(study: StudySummary) -> float | None:
    """Return the tuned minus the default mean score in the first objective; None if either is
    unknown."""
    objective = study.objectives[0]
    if objective not in study.best.scores or objective not in study.default.scores:
        return None
    return study.best.scores[objective] - study.default.scores[objective]


def result_rows(summary: ExperimentSummary) -> list[ResultRow]:
    """Return default and tuned of each model, then the baselines."""
    rows = []
    for study in summary.studies:
        for kind, one in (("default", study.default), ("tuned", study.best)):
            gained = difference(study) if kind == "tuned" else None
            below = summary.is_below_copying(one)
            rows.append(
                ResultRow(
                    study.model,
                    kind,
                    None if study.members else one.trial,
                    one.tested,
                    one.scores,
                    gained,
                    one.fit_seconds,
                    below,
                )
            )
    for name, scores in summary.baselines.items():
        rows.append(
            ResultRow(name, "baseline", None, {}, scores, None, None, below_copy_train=False)
        )
    return rows


def compositions_drawn(summary: ExperimentSummary) -> bool:
    """Whether configurations were tested in populations of drawn compositions."""
    return any(
        one.over_compositions for study in summary.studies for one in (study.default, study.best)
    )


@dataclass(frozen=True)
class CoverageRow:
    """How often the 95 % intervals of fractions held the true one, in populations of one size."""

    size: str
    by_fraction: list[CoverageRecord | None]
    """Of small, middle and large fractions."""


def coverage_rows(study: StudySummary) -> list[CoverageRow]:
    """Coverage of the model's own 95 % intervals, by size of population; none where it was not
    measured."""
    found: dict[tuple[str, str], CoverageRecord] = {
        (one.size, one.fraction): one
        for one in study.coverage
        if one.method == "interval" and one.level == _LEVEL and one.fraction != "every"
    }
    sizes = list(dict.fromkeys(size for size, _ in found))
    return [
        CoverageRow(size, [found.get((size, fraction)) for fraction in _FRACTIONS])
        for size in sizes
    ]


def interval_methods(study: StudySummary) -> list[CoverageRecord]:
    """The model's intervals and the simpler ones that they are to beat, on all populations."""
    return [
        one
        for one in study.coverage
        if one.size == "every" and one.fraction == "every" and one.level == _LEVEL
    ]


def estimator_rows(study: StudySummary, trials: Trials) -> list[EstimatorRow]:
    """Return every CSMF estimator that was tried; none where there was nothing to choose."""
    if len(study.best.by_estimator) < 2:
        return []
    untuned = trials[DEFAULT_TRIAL].csmf if DEFAULT_TRIAL in trials else {}  # not of an ensemble
    tried = {name: float(np.mean(values)) for name, values in untuned.items()}
    default = study.default.by_estimator | tried
    used, chosen = str(study.default.csmf_estimator), str(study.best.csmf_estimator)
    return [
        EstimatorRow(
            name, default.get(name), study.best.by_estimator.get(name), name == used, name == chosen
        )
        for name in dict.fromkeys([*default, *study.best.by_estimator])
    ]


def holdout_rows(summary: ExperimentSummary) -> list[HoldoutRow]:
    """Return each step and copy-train of each model on the hold-out; none without one."""
    labels: list[tuple[str, str]] = [*LABELS.items()]
    labels.append(("copy_train", baseline_label("copy_train")))
    return [
        HoldoutRow(study.model, kind, label, study.holdout[kind])
        for study in summary.studies
        for kind, label in labels
        if kind in study.holdout
    ]


def parameter_rows(study: StudySummary) -> list[ParameterRow]:
    """Return every parameter of the default or the tuned configuration; what the search did not
    touch stays as the default has it."""
    default = study.default.params
    tuned = default | study.best.params
    return [
        ParameterRow(name, default.get(name), tuned.get(name), name in default, name in tuned)
        for name in dict.fromkeys([*tuned, *default])
    ]


def cause_rows(study: StudySummary) -> list[tuple[CauseRecord, CauseRecord | None]]:
    """Return each cause under the tuned model and under the default, the commonest first."""
    untuned = {cause.cause: cause for cause in study.default.causes}
    ranked = sorted(study.best.causes, key=lambda c: (-c.true_fraction, c.cause))
    return [(cause, untuned.get(cause.cause)) for cause in ranked]


def top_trials(trials: Trials) -> list[TrialRecord]:
    """Return the best complete trials, at most `MAX_TRIALS`."""
    return trials.ranked()[:MAX_TRIALS]


def parameter_names(trials: Sequence[TrialRecord]) -> list[str]:
    """Return the parameters of these trials in order of appearance."""
    return list(dict.fromkeys(name for trial in trials for name in trial.params))


def error_rows(trials: Trials) -> list[tuple[str, list[int]]]:
    """Return each error and the trials that ended in it, the commonest first."""
    grouped: dict[str, list[int]] = defaultdict(list)
    for trial in trials.failed:
        grouped[(trial.error or "no error was recorded")[:_ERROR_LENGTH]].append(trial.trial)
    return sorted(grouped.items(), key=lambda item: (-len(item[1]), item[1][0]))
