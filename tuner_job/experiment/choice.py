"""Which finished trial a search commits, and what is known of how good it really is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.experiment import ExperimentConfig, ModelName
from tuner_job.errors import RunError
from tuner_job.evaluation.assessment import Part
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.intervals import reported
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.evaluation.selection import optimism, within_one_standard_error
from tuner_job.execution.fit_runner import Fit, run_fits
from tuner_job.models import FAMILIES
from tuner_job.problem import Prepared
from tuner_job.records import ModelSummary, Scores, StopReason, TrialRecord

OutOfFold = Mapping[tuple[ModelName, int], NDArray[np.floating[Any]]]
"""(model, trial) → its out-of-fold probabilities, (n_searched, n_classes)."""


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
            rank = [FAMILIES[model].complexity(record.params) for record in complete]
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


def score_held_out(
    prepared: Prepared, models: Mapping[ModelName, Mapping[str, ModelSummary]], P: OutOfFold
) -> dict[str, dict[str, Scores] | RunError]:
    """Fit on the searched rows and score on those that the search never saw.

    Parameters
    ----------
    models
        Model → ``default`` and ``tuned``.
    P
        Out-of-fold probabilities, from which calibrations are fitted.

    Returns
    -------
    Model → ``default``, ``tuned`` and ``copy_train`` → metrics, or why one cannot be fitted; empty
    without a hold-out.
    """
    if not prepared.held_out.any():
        return {}
    train, test = np.flatnonzero(~prepared.held_out), np.flatnonzero(prepared.held_out)
    wanted = {(model, one.trial): one for model, kinds in models.items() for one in kinds.values()}
    fits = [
        Fit(
            key,
            key[0],
            dict(one.params),
            train,
            test,
            [(stage.size, stage.params) for stage in one.schedule],
        )
        for key, one in wanted.items()
    ]
    budget = prepared.config.budget
    predicted = {
        fitted.fit.key: fitted
        for fitted in run_fits(
            prepared.dataset, fits, prepared.config.seed, budget.memory_per_task, None
        )
    }
    y, searched = prepared.dataset.y[test], prepared.search_data.y
    samples = reported(prepared.protocol).samples(y, prepared.dataset.n_causes)
    copied = csmf(searched, prepared.dataset.n_causes)
    scores: dict[str, dict[str, Scores] | RunError] = {}
    for model, kinds in models.items():
        told = {
            "copy_train": {"csmf_accuracy": float(csmf_accuracy_of(samples.true, copied).mean())}
        }
        scores[model] = told
        for kind, one in kinds.items():
            fitted = predicted[model, one.trial]
            if fitted.P is None:
                scores[model] = RunError(
                    f"{model}: {kind} cannot be fitted for the hold-out: {fitted.error}"
                )
                break
            part = Part(y, fitted.P, Calibration.fit(searched, P[model, one.trial]))
            found = part.estimate([one.csmf_estimator], samples)[0]
            told[kind] = part.scores(one.csmf_estimator, samples, found)
    return scores


def _by_fold(records: Sequence[TrialRecord], metric: str) -> NDArray[np.float64]:
    return np.array([[fold.validation[metric] for fold in record.folds] for record in records])
