"""From trials and their out-of-fold probabilities to the records that reports are made of."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.assessment import Predictions, assess, cross_fit
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.intervals import over_compositions, over_rows
from tuner_job.evaluation.metrics import ccc_by_cause, csmf, sensitivity
from tuner_job.evaluation.protocols import Samples
from tuner_job.problem import Prepared
from tuner_job.records import (
    CauseRecord,
    CsmfEstimator,
    EstimatorName,
    FoldRecord,
    ModelSummary,
    Scores,
    Step,
    StopReason,
    TrialRecord,
)


@dataclass(frozen=True)
class Summarising:
    """A trial that is being looked at.

    Attributes
    ----------
    estimator
        The CSMF estimator that suits it best.
    summary
        Waits for what is found.
    """

    estimator: CsmfEstimator
    summary: Callable[[], ModelSummary]


def summarise_trial(
    record: TrialRecord,
    P: NDArray[np.floating[Any]],
    prepared: Prepared,
    methods: Sequence[EstimatorName],
    begin: Callable[..., Callable[[], Any]],
) -> Summarising:
    """Begin to look at one complete trial in full.

    Parameters
    ----------
    P : (n_validated, n_classes)
        Its out-of-fold probabilities.
    methods
        CSMF estimators to choose from: those of the search, or `count` alone for how models are
        used untuned.
    begin
        As `Workers.begin`.
    """
    folds, protocol = prepared.validated_folds, prepared.protocol
    assessment = assess(prepared.validated, P, folds, protocol, methods)
    estimator = assessment.estimator
    same = record.folds and estimator == scored_by(record, prepared.config)
    parts = cross_fit(prepared.validated, P, folds, [estimator])
    drawn = protocol.composition != "natural"
    rows = begin(over_rows, parts, estimator, prepared.config.seed)
    compositions = begin(over_compositions, parts, estimator, protocol) if drawn else dict

    def summary() -> ModelSummary:
        return ModelSummary(
            trial=record.trial,
            params=record.params,
            scores=mean_scores(assessment.folds),
            folds=assessment.folds,
            train_scores=mean_scores([fold.train for fold in record.folds]) if same else {},
            csmf_estimator=estimator,
            out_of_fold=rows(),
            over_compositions=compositions(),
            by_estimator={
                name: sum(values) / len(values) for name, values in assessment.csmf.items()
            },
            causes=_by_cause(parts, estimator, prepared.search_data),
            fit_seconds=record.fit_seconds,
            source=record.source,
            schedule=record.schedule,
        )

    return Summarising(estimator, summary)


def default_step(record: TrialRecord, P: NDArray[np.floating[Any]], prepared: Prepared) -> Step:
    """Look at the untuned default as the search scored it: by the CSMF estimator that suits it.

    Parameters
    ----------
    P : (n_validated, n_classes)
        Its out-of-fold probabilities.
    """
    folds = [one.validation for one in sorted(record.folds, key=lambda one: one.fold)]
    return Step(
        name="default",
        csmf_estimator=scored_by(record, prepared.config),
        scores=mean_scores(folds),
        folds=folds,
        calibration=Calibration.fit(prepared.validated_y, P).record(),
    )


def steps_of(counted: ModelSummary, default: Step, tuned: ModelSummary) -> list[Step]:
    """The way from the default as it is used today to what was tuned."""
    first, last = (
        Step(name=name, csmf_estimator=one.csmf_estimator, scores=one.scores, folds=one.folds)
        for name, one in (("default_counted", counted), ("tuned", tuned))
    )
    return [first, default, last]


def scored_by(record: TrialRecord, config: ExperimentConfig) -> CsmfEstimator:
    """The CSMF estimator behind a trial's scores."""
    return record.csmf_estimator or CsmfEstimator(method=config.validation.csmf_estimators[0])


def mean_validation(folds: Sequence[FoldRecord]) -> Scores:
    """Mean over folds of every validation metric."""
    return mean_scores([fold.validation for fold in folds])


def pareto_front(records: Sequence[TrialRecord], objectives: Sequence[str]) -> list[int]:
    """Numbers of the complete trials that no other one beats in all objectives."""
    complete = [r for r in records if r.state == "complete" and r.duplicate_of is None]
    if not complete:
        return []
    scores = np.array([[record.scores[o] for o in objectives] for record in complete])
    front = []
    for record, own in zip(complete, scores, strict=True):
        dominated = ((scores >= own).all(axis=1) & (scores > own).any(axis=1)).any()
        if not dominated:
            front.append(record.trial)
    return front


def count_states(records: Sequence[TrialRecord]) -> dict[Any, int]:
    """How many of the trials are complete, pruned, failed; the untuned default is not
    one of them, nor are trials of other experiments."""
    own = [record for record in records if record.trial >= 0 and record.source is None]
    counts = Counter(record.state for record in own)
    return {state: counts[state] for state in ("complete", "pruned", "failed")}


def count_repeated(records: Sequence[TrialRecord]) -> dict[Any, int]:
    """How many of the trials, by state, are of a configuration that was tried before."""
    return count_states([record for record in records if record.duplicate_of is not None])


def count_known(records: Sequence[TrialRecord]) -> dict[str, int]:
    """Address → trials of that experiment among these, the untuned default not counted."""
    return dict(Counter(r.source.address for r in records if r.source and r.trial >= 0))


def spent(records: Sequence[TrialRecord]) -> float:
    """Seconds of fitting, those of other experiments' trials not counted."""
    return sum(record.fit_seconds for record in records if record.source is None)


def why_ended(
    config: ExperimentConfig,
    model: str,
    planned: int | None,
    records: Sequence[TrialRecord],
    reason: StopReason,
) -> StopReason:
    """Why a model's search ended.

    Parameters
    ----------
    planned
        Trials that were to be run; None: nobody knew.
    reason
        Why the searches of all models ended together.
    """
    n_run = sum(count_states(records).values())
    if reason != "finished" and (planned is None or n_run < planned):
        return reason
    n_known = sum(count_known(records).values())
    if n_known + n_run - sum(count_repeated(records).values()) == config.space(model).count():
        return "exhausted"
    limit = config.budget.max_trials
    asked = None if config.tuning.search_method == "grid" else config.tuning.n_trials
    is_limited = limit is not None and limit <= n_run and (asked is None or limit < asked)
    return "max_trials" if is_limited else "finished"


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Mean of each metric; empty if there are no scores."""
    metrics = scores[0] if scores else ()
    return {metric: sum(s[metric] for s in scores) / len(scores) for metric in metrics}


def _by_cause(
    parts: Sequence[Predictions], estimator: CsmfEstimator, dataset: VaDataset
) -> list[CauseRecord]:
    """What became of each cause at the composition of the data, the parts' CSMFs averaged by
    their rows."""
    n_causes = dataset.n_causes
    y = np.concatenate([part.y for part in parts])
    own = [Samples(np.ones((1, len(part.y))), csmf(part.y, n_causes)[None]) for part in parts]
    estimates = [
        part.estimate([estimator], samples)[0] for part, samples in zip(parts, own, strict=True)
    ]
    hit = np.concatenate(
        [part.ranks(estimator, found)[0] < 1 for part, found in zip(parts, estimates, strict=True)]
    )
    predicted = np.average(
        np.concatenate(estimates), axis=0, weights=[len(part.y) for part in parts]
    )
    n = np.bincount(y, minlength=n_causes)
    found = sensitivity(y, np.ones((1, len(y))), hit, n_causes)[0]
    concordance = ccc_by_cause(found)
    true = csmf(y, n_causes)
    return [
        CauseRecord(
            cause=cause,
            n=int(n[i]),
            true_fraction=float(true[i]),
            predicted_fraction=float(predicted[i]),
            sensitivity=float(found[i]) if n[i] else None,
            ccc=float(concordance[i]) if n[i] else None,
        )
        for i, cause in enumerate(dataset.causes)
    ]
