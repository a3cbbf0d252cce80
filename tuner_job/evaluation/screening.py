"""Judging a configuration by one fold alone, before the others are there: what early stopping
looks at."""

from collections.abc import Mapping, Sequence

from tuner_job.evaluation.assessment import Predictions, needs_calibration
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import LIMITS
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.metrics import COD_METRICS
from tuner_job.evaluation.protocols import Samples
from tuner_job.records import CsmfEstimator, EstimatorName, Scores
from tuner_job.types import Probabilities

_USED: dict[str, CsmfEstimator] = {
    "count": CsmfEstimator(method="count"),
    "mean": CsmfEstimator(method="mean"),
    "bayes": CsmfEstimator(method="bayes", limit=LIMITS[0]),
    "em": CsmfEstimator(method="em", shrinkage=1),
    "mixture": CsmfEstimator(method="mixture", shrinkage=1),
}


def screened(methods: Sequence[EstimatorName]) -> list[CsmfEstimator]:
    """Estimators by which a fold alone is judged, one a method, the most telling first and the
    plainest last.

    `mixture` is not among them where there are others: a fold has too few rows for its matrix.
    """
    order = ("bayes", "em", "mean", "count") if set(methods) != {"mixture"} else ("mixture",)
    return [_USED[m] for m in order if m in methods]


def screen(
    deaths: Deaths, P: Probabilities, samples: Samples, estimators: Sequence[CsmfEstimator]
) -> dict[str, Scores]:
    """All metrics on one fold alone by each estimator.

    What needs a calibration takes it from the fold's own rows, which flatters it a little: good
    enough to give up poor configurations.

    Parameters
    ----------
    deaths : (n_rows)
    P : (n_rows, n_classes)
    estimators
        Some of `screened`.

    Returns
    -------
    Method → metrics.
    """
    fit = needs_calibration(estimators)
    part = Predictions(deaths, P, Calibration.fit(deaths.y, P) if fit else None)
    found = part.estimate(estimators, samples)
    return {
        estimator.method: part.scores(estimator, samples, fractions)
        for estimator, fractions in zip(estimators, found, strict=True)
    }


def judged(by_method: Mapping[str, Scores], objectives: Sequence[str]) -> list[float]:
    """What early stopping compares of a fold: each objective, but CSMF accuracies, and metrics of
    the user's own, by every estimator of `screen`."""
    *_, plainest = by_method.values()
    values: list[float] = []
    for metric in objectives:
        if metric not in COD_METRICS:
            values += [scores[metric] for scores in by_method.values()]
        else:
            values.append(plainest[metric])
    return values


def n_values_judged(objectives: Sequence[str], methods: Sequence[EstimatorName]) -> int:
    """How many values `judged` gives."""
    n_estimators = len(screened(methods))
    return sum(1 if metric in COD_METRICS else n_estimators for metric in objectives)
