"""From trials and their out-of-fold probabilities to the records that reports are made of."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.intervals import out_of_fold_intervals
from tuner_job.evaluation.metrics import ccc_by_cause, csmf
from tuner_job.results.records import CauseRecord, ModelSummary, Scores, TrialRecord


def summarise_trial(record: TrialRecord, P: NDArray[np.floating[Any]], dataset: VaDataset, seed: int) -> ModelSummary:
    """Look at one complete trial in full.

    Parameters
    ----------
    P : (n_samples, n_classes)
        Its out-of-fold probabilities.
    """
    return ModelSummary(
        trial=record.trial,
        params=record.params,
        scores=record.scores,
        train_scores=_mean([fold.train for fold in record.folds]),
        out_of_fold=out_of_fold_intervals(dataset.y, P, seed),
        causes=_by_cause(P, dataset),
        fit_seconds=record.fit_seconds,
        schedule=record.schedule,
    )


def mean_validation(record: TrialRecord) -> Scores:
    """Mean over folds of every validation metric."""
    return _mean([fold.validation for fold in record.folds])


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
    """How many trials are complete, pruned, failed; the untuned default is not one of them."""
    counts = Counter(record.state for record in records if record.trial >= 0)
    return {state: counts[state] for state in ("complete", "pruned", "failed")}


def _mean(scores: Sequence[Scores]) -> Scores:
    return {metric: sum(s[metric] for s in scores) / len(scores) for metric in scores[0]}


def _by_cause(P: NDArray[np.floating[Any]], dataset: VaDataset) -> list[CauseRecord]:
    predicted = P.argmax(axis=1)
    n = np.bincount(dataset.y, minlength=dataset.n_causes)
    hits = np.bincount(dataset.y[predicted == dataset.y], minlength=dataset.n_causes)
    true_csmf, predicted_csmf = csmf(dataset.y, dataset.n_causes), csmf(predicted, dataset.n_causes)
    concordance = ccc_by_cause(dataset.y, predicted, dataset.n_causes)
    return [
        CauseRecord(
            cause=cause,
            n=int(n[i]),
            true_fraction=float(true_csmf[i]),
            predicted_fraction=float(predicted_csmf[i]),
            sensitivity=float(hits[i] / n[i]) if n[i] else None,
            ccc=float(concordance[i]) if n[i] else None,
        )
        for i, cause in enumerate(dataset.causes)
    ]
