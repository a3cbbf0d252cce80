"""Intervals of accuracies: over rows (other samples of the same population), over compositions
(other populations)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tuner_job.evaluation.assessment import Predictions
from tuner_job.evaluation.metrics import csmf_accuracy_of, share_of_deaths
from tuner_job.evaluation.protocols import Samples, ScoringProtocol
from tuner_job.records import CsmfEstimator, Interval
from tuner_job.types import Floats

N_RESAMPLES = 1000
_N_COSTLY = 200
"""Resamples where each takes an iteration: their standard error is then known to 5 %."""
REPORTED_DRAWS = 500
"""Compositions behind a reported interval."""
_ACCURACIES = ("csmf_accuracy", "cod_accuracy")


def over_rows(
    parts: Sequence[Predictions],
    estimator: CsmfEstimator,
    seed: int,
    n_resamples: int | None = None,
) -> dict[str, Interval]:
    """CSMF and COD accuracy of held-out rows at their own composition, each with its bootstrap
    interval.

    Rows are resampled with replacement within each part, and their CSMF is estimated anew. Several
    parts' CSMFs are averaged by their rows. Single deaths keep the cause that they got.

    The interval is the estimate ± 1.96 bootstrap standard errors, cut at 1. Percentiles would not
    do: resampling adds noise to both compositions, so resampled CSMF accuracies all lie too low. It
    speaks of other samples of this size from the same population, not of other populations.

    Returns
    -------
    ``csmf_accuracy`` and ``cod_accuracy``.
    """
    rng = np.random.default_rng(seed)
    if n_resamples is None:
        n_resamples = _N_COSTLY if estimator.needs_calibration else N_RESAMPLES
    n_classes = parts[0].P.shape[1]
    n_rows = sum(len(part.y) for part in parts)
    true = np.zeros((n_resamples + 1, n_classes))
    estimated = np.zeros_like(true)
    hits = np.zeros(len(true))
    for part in parts:
        share = len(part.y) / n_rows
        own = np.ones((1, len(part.y)))
        counts = np.concatenate([own, bootstrap_counts(len(part.y), n_resamples, rng)])
        samples = Samples(counts, counts @ np.eye(n_classes)[part.y] / len(part.y))
        found = part.estimate([estimator], samples)[0]
        hit = part.ranks(estimator, found[:1]) < 1
        true += share * samples.true
        estimated += share * found
        hits += share * share_of_deaths(counts, hit)
    return {
        "csmf_accuracy": _standard(csmf_accuracy_of(true, estimated)),
        "cod_accuracy": _standard(hits),
    }


def over_compositions(
    parts: Sequence[Predictions], estimator: CsmfEstimator, protocol: ScoringProtocol
) -> dict[str, Interval]:
    """CSMF and COD accuracy over `REPORTED_DRAWS` populations of the protocol: mean, and their
    middle 95 %.

    The interval speaks of other populations, with this many rows, and not of other models.
    """
    drawn = reported(protocol)
    by_part = []
    for number, part in enumerate(parts):
        samples = part.samples(drawn, number, len(parts))
        found = part.estimate([estimator], samples)[0]
        by_part.append(part.score_each(estimator, samples, found))
    intervals = {}
    for metric in _ACCURACIES:
        values = np.concatenate([scores[metric] for scores in by_part])
        low, high = np.percentile(values, [2.5, 97.5])
        intervals[metric] = Interval(
            estimate=float(values.mean()), low=float(low), high=float(high)
        )
    return intervals


def reported(protocol: ScoringProtocol) -> ScoringProtocol:
    """The protocol with as many populations as reports have."""
    return replace(protocol, n_draws=REPORTED_DRAWS)


def bootstrap_counts(n_rows: int, n_resamples: int, rng: np.random.Generator) -> Floats:
    """How often each row is in each resample, (n_resamples, n_rows)."""
    picked = (
        rng.integers(n_rows, size=(n_resamples, n_rows)) + n_rows * np.arange(n_resamples)[:, None]
    )
    return (
        np.bincount(picked.ravel(), minlength=n_resamples * n_rows)
        .reshape(n_resamples, n_rows)
        .astype(float)
    )


def _standard(values: Floats) -> Interval:
    """The first value ± 1.96 standard deviations of the others."""
    estimate, reach = float(values[0]), 1.96 * float(values[1:].std(ddof=1))
    return Interval(estimate=estimate, low=estimate - reach, high=min(1.0, estimate + reach))
