"""Judging a configuration by its out-of-fold probabilities: scores in each fold, and the CSMF
estimator that suits it.

An estimator that needs a calibration gets it, for each fold, from the other folds' rows: nothing is
judged on rows that it was fitted on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import CsmfEstimator, EstimatorName, adjust, candidates, estimate
from tuner_job.evaluation.folds import FoldIds
from tuner_job.evaluation.metrics import (
    CSMF_CHANCE,
    Causes,
    Probabilities,
    chance_corrected,
    csmf_accuracy_of,
    rank_of_truth,
)
from tuner_job.evaluation.protocols import Samples, ScoringProtocol

Floats = NDArray[np.float64]
Scores = dict[str, float]

MEAN = CsmfEstimator(method="mean")
CSMF_METRICS = ("csmf_accuracy", "cccsmf_accuracy")
"""Metrics that depend on the CSMF estimator."""


@dataclass(frozen=True)
class Assessment:
    """A configuration judged by its out-of-fold probabilities.

    Attributes
    ----------
    estimator
        The CSMF estimator that suits it best under the protocol.
    fell_back
        Whether another estimator scored higher than `mean`, but not by more than noise.
    folds
        All metrics of each fold, CSMF accuracies by `estimator`.
    csmf
        Estimator → its CSMF accuracy in each fold, of every candidate.
    """

    estimator: CsmfEstimator
    fell_back: bool
    folds: list[Scores]
    csmf: dict[str, list[float]]


def assess(
    y: Causes,
    P: Probabilities,
    folds: FoldIds,
    protocol: ScoringProtocol,
    methods: Sequence[EstimatorName],
) -> Assessment:
    """Score every candidate estimator on every fold and choose one.

    Parameters
    ----------
    y : (n_samples,)
    P : (n_samples, n_classes)
        Out-of-fold probabilities.
    folds : (n_samples,) methods
        Kinds of estimators to choose from.
    """
    tried = candidates(methods)
    parts = cross_fit(y, P, folds, tried)
    populations = [
        protocol.samples(part.y, P.shape[1], fold, len(parts)) for fold, part in enumerate(parts)
    ]
    estimates = [
        part.estimate(tried, samples) for part, samples in zip(parts, populations, strict=True)
    ]
    accuracy = np.stack(
        [
            csmf_accuracy_of(s.true, found).mean(axis=1)
            for s, found in zip(populations, estimates, strict=True)
        ]
    )
    chosen, fell_back = choose(tried, accuracy)
    scores = [
        part.scores(tried[chosen], samples, found[chosen])
        for part, samples, found in zip(parts, populations, estimates, strict=True)
    ]
    csmf = {str(estimator): accuracy[:, i].tolist() for i, estimator in enumerate(tried)}
    return Assessment(tried[chosen], fell_back, scores, csmf)


@dataclass(frozen=True, eq=False)
class Part:
    """Held-out rows, y (n_rows,) and P (n_rows, n_classes), with a calibration that did not see
    them."""

    y: Causes
    P: Probabilities
    calibration: Calibration | None

    def estimate(self, estimators: Sequence[CsmfEstimator], samples: Samples) -> Floats:
        """Estimated CSMFs, (n_estimators, n_samples, n_classes), of populations made of these
        rows."""
        return estimate(estimators, self.P, samples.counts, self.calibration)

    def scores(self, estimator: CsmfEstimator, samples: Samples, estimates: Floats) -> Scores:
        """All metrics, each as its mean over populations; see `score_samples`."""
        return score_samples(self.y, self.P, samples, estimates, self.adjusted_by(estimator))

    def adjusted_by(self, estimator: CsmfEstimator) -> Calibration | None:
        """The calibration, if this estimator takes the composition to differ from training."""
        return self.calibration if estimator.needs_calibration else None


def cross_fit(
    y: Causes, P: Probabilities, folds: FoldIds, estimators: Sequence[CsmfEstimator]
) -> list[Part]:
    """Part out-of-fold probabilities by fold, each calibrated, if an estimator needs that, on
    the other folds."""
    fit = needs_calibration(estimators)
    return [
        Part(y[out], P[out], Calibration.fit(y[~out], P[~out]) if fit else None)
        for out in (folds == fold for fold in range(int(folds.max()) + 1))
    ]


def needs_assessment(methods: Sequence[EstimatorName]) -> bool:
    """Whether a trial must be scored as a whole: with one method that needs no calibration,
    folds score alone."""
    return len(candidates(methods)) > 1


def needs_calibration(estimators: Sequence[CsmfEstimator]) -> bool:
    """Whether one of them does."""
    return any(estimator.needs_calibration for estimator in estimators)


def choose(tried: Sequence[CsmfEstimator], accuracy: Floats) -> tuple[int, bool]:
    """Choose the estimator with the highest mean accuracy, but `mean` where the gain over it may be
    noise.

    Parameters
    ----------
    accuracy : (n_folds, n_estimators)

    Returns
    -------
    The position of the chosen one, and whether another one scored higher: its mean paired
    difference to
    `mean` was not above its standard error over folds.
    """
    best = int(accuracy.mean(axis=0).argmax())
    if MEAN not in tried or tried[best] == MEAN:
        return best, False
    mean = list(tried).index(MEAN)
    gains = accuracy[:, best] - accuracy[:, mean]
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else 0.0
    return (best, False) if gains.mean() > error else (mean, True)


def screened(methods: Sequence[EstimatorName]) -> list[CsmfEstimator]:
    """Estimators by which a fold alone is judged, one a method, the most telling first.

    `mixture` is not among them where there are others: a fold has too few rows for its matrix.
    """
    order = ("em", "mean", "count") if set(methods) != {"mixture"} else ("mixture",)
    return [
        CsmfEstimator(method=m, shrinkage=float(m in ("em", "mixture")))
        for m in order
        if m in methods
    ]


def n_values_judged(objectives: Sequence[str], methods: Sequence[EstimatorName]) -> int:
    """How many values a fold is judged by: one an objective, but CSMF accuracies by each of
    `screened`."""
    kinds = len(screened(methods)) if needs_assessment(methods) else 1
    return sum(kinds if metric in CSMF_METRICS else 1 for metric in objectives)


def screen(
    y: Causes, P: Probabilities, samples: Samples, methods: Sequence[EstimatorName]
) -> dict[str, Scores]:
    """All metrics on one fold alone by each of `screened`, before the other folds are there.

    What needs a calibration takes it from the fold's own rows, which flatters it a little: good
    enough to give up poor configurations.

    Parameters
    ----------
    y : (n_rows,)
    P : (n_rows, n_classes)

    Returns
    -------
    Method → metrics.
    """
    tried = screened(methods)
    calibration = Calibration.fit(y, P) if needs_calibration(tried) else None
    found = estimate(tried, P, samples.counts, calibration)
    return {
        estimator.method: score_samples(
            y, P, samples, fractions, calibration if estimator.needs_calibration else None
        )
        for estimator, fractions in zip(tried, found, strict=True)
    }


def score_samples(
    y: Causes,
    P: Probabilities,
    samples: Samples,
    estimates: Floats,
    adjusted_by: Calibration | None = None,
) -> Scores:
    """All metrics, each as its mean over populations; see `score_each_sample`."""
    by_sample = score_each_sample(y, P, samples, estimates, adjusted_by)
    return {metric: float(values.mean()) for metric, values in by_sample.items()}


def score_each_sample(
    y: Causes,
    P: Probabilities,
    samples: Samples,
    estimates: Floats,
    adjusted_by: Calibration | None = None,
) -> dict[str, Floats]:
    """All metrics, (n_samples,) each, of populations made of the same rows.

    Parameters
    ----------
    y : (n_rows,)
    P : (n_rows, n_classes)
    estimates : (n_samples, n_classes)
        Estimated CSMFs.
    adjusted_by
        Single deaths get their cause by probabilities that are adjusted to the estimated
        composition, with this calibration; None: by `P` itself.
    """
    n_classes, counts = P.shape[1], samples.counts
    hit, near = found_causes(y, P, estimates, adjusted_by)
    size = counts.sum(axis=1)
    cod, partial = ((counts * found).sum(axis=1) / size for found in (hit, near))
    is_cause = np.eye(n_classes)[y]
    deaths, found = counts @ is_cause, (counts * hit) @ is_cause
    sensitivity = np.divide(found, deaths, out=np.full_like(deaths, np.nan), where=deaths > 0)
    accuracy = csmf_accuracy_of(samples.true, estimates)
    return {
        "csmf_accuracy": accuracy,
        "cccsmf_accuracy": chance_corrected(accuracy, CSMF_CHANCE),
        "cod_accuracy": cod,
        "ccc": np.asarray(np.nanmean(chance_corrected(sensitivity, 1 / n_classes), axis=1)),
        "pccc3": np.ones_like(cod) if n_classes <= 3 else chance_corrected(partial, 3 / n_classes),
    }


def found_causes(
    y: Causes, P: Probabilities, estimates: Floats, adjusted_by: Calibration | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the true cause is the most probable one, and among three: (n_samples or 1, n_rows)
    each."""
    if adjusted_by is None:
        ranks = rank_of_truth(y, P)[None]
    else:
        Q, prior = adjusted_by.apply(P), adjusted_by.prior
        ranks = np.stack([rank_of_truth(y, adjust(Q, prior, fractions)) for fractions in estimates])
    return ranks < 1, ranks < 3
