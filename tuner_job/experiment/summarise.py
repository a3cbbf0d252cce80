"""From trials and their out-of-fold probabilities to the records that reports are made of."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.assessment import Predictions, assess, cross_fit
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
    TrialRecord,
)


def summarise_trial(
    record: TrialRecord,
    P: NDArray[np.floating[Any]],
    prepared: Prepared,
    methods: Sequence[EstimatorName],
) -> ModelSummary:
    """Look at one complete trial in full.

    Parameters
    ----------
    P : (n_validated, n_classes)
        Its out-of-fold probabilities.
    methods
        CSMF estimators to choose from: those of the search, or `count` alone for how models are
        used untuned.
    """
    y, folds, protocol = prepared.validated_y, prepared.validated_folds, prepared.protocol
    assessment = assess(y, P, folds, protocol, methods)
    estimator = assessment.estimator
    same = estimator == scored_by(record, prepared.config)
    parts = cross_fit(y, P, folds, [estimator])
    return ModelSummary(
        trial=record.trial,
        params=record.params,
        scores=_mean(assessment.folds),
        folds=assessment.folds,
        train_scores=_mean([fold.train for fold in record.folds]) if same else {},
        csmf_estimator=estimator,
        out_of_fold=over_rows(parts, estimator, prepared.config.seed),
        over_compositions=over_compositions(parts, estimator, protocol)
        if protocol.composition != "natural"
        else {},
        by_estimator={name: sum(values) / len(values) for name, values in assessment.csmf.items()},
        causes=_by_cause(parts, estimator, prepared.search_data),
        fit_seconds=record.fit_seconds,
        schedule=record.schedule,
    )


def scored_by(record: TrialRecord, config: ExperimentConfig) -> CsmfEstimator:
    """The CSMF estimator behind a trial's scores."""
    return record.csmf_estimator or CsmfEstimator(method=config.validation.csmf_estimators[0])


def mean_validation(folds: Sequence[FoldRecord]) -> Scores:
    """Mean over folds of every validation metric."""
    return _mean([fold.validation for fold in folds])


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
    one of them."""
    counts = Counter(record.state for record in records if record.trial >= 0)
    return {state: counts[state] for state in ("complete", "pruned", "failed")}


def _mean(scores: Sequence[Scores]) -> Scores:
    return {metric: sum(s[metric] for s in scores) / len(scores) for metric in scores[0]}


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
