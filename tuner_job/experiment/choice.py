"""Which finished trial a search commits, and what is known of how good it really is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.errors import RunError
from tuner_job.evaluation.selection import optimism, within_one_standard_error
from tuner_job.problem import Prepared
from tuner_job.records import StopReason, StudySummary, TrialRecord
from tuner_job.types import Floats


def choose_trial(
    config: ExperimentConfig, model: str, records: Sequence[TrialRecord], reason: StopReason
) -> TrialRecord:
    """Return the trial that is committed, be it the default: the best one, or the simplest near it.

    Raises
    ------
    RunError
        No trial is complete.
    """
    complete = complete_trials(records)
    if not complete:
        raise RunError(f"{model}: no trial was complete when the search ended ({reason})")
    metric = config.tuning.objectives[0]
    rank: list[Any] = []
    match config.tuning.selection:
        case "one_standard_error":
            rank = [config.family(model).complexity(record.params) for record in complete]
        case "cod_within_standard_error":
            rank = [-record.scores["cod_accuracy"] for record in complete]
    if rank:
        return complete[within_one_standard_error(_by_fold(complete, metric), rank)]
    return max(
        complete, key=lambda record: (record.scores[metric], record.trial >= 0, -record.trial)
    )


def complete_trials(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those with scores of their own."""
    return [
        record for record in records if record.state == "complete" and record.duplicate_of is None
    ]


def on_these_folds(prepared: Prepared, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those that can be compared: earlier versions also held out sites that are too small, and what
    was run again may have failed."""
    sizes = np.bincount(prepared.validated_folds).tolist()
    return [record for record in records if record.may_have_run_on(sizes)]


def estimate_optimism(records: Sequence[TrialRecord], metric: str) -> float | None:
    """How much the best score owes to being the best of many configurations, and of many CSMF
    estimators.

    See `tuner_job.evaluation.selection.optimism`.
    """
    complete = complete_trials(records)
    if metric == "csmf_accuracy" and any(record.csmf for record in complete):
        return optimism(
            np.array([values for record in complete for values in record.csmf.values()])
        )
    return optimism(_by_fold(complete, metric)) if complete else None


def pooled_optimism(members: Sequence[StudySummary], exponents: Floats) -> float | None:
    """How much a pool's score owes to its members being the best of many.

    Its exponents are cross-fitted and add nothing. What luck its members had is estimated as the
    mean of their own optimism, each as it weighs in the pool; a member that was not chosen of
    several had none. The pool averages luck too, so this is rather too much.

    Returns
    -------
    None if it is not known of any member.
    """
    if all(study.optimism is None for study in members):
        return None
    return float(np.average([study.optimism or 0.0 for study in members], weights=exponents))


def _by_fold(records: Sequence[TrialRecord], metric: str) -> NDArray[np.float64]:
    return np.array([[fold.validation[metric] for fold in record.folds] for record in records])
