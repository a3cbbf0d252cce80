"""Scoring what a fit predicted: one `ExperimentResult` a test and protocol, and the baselines
that need no model."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.comparison.plan import SiteTest, TrainingSet, experiment_id
from tuner_job.comparison.result import ExperimentResult, TunedChoice
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.assessment import Predictions
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.intervals import over_compositions, over_rows
from tuner_job.evaluation.metrics import CSMF_CHANCE, chance_corrected, csmf, csmf_accuracy_of
from tuner_job.evaluation.protocols import Samples, ScoringProtocol
from tuner_job.execution.fit_runner import FitResult
from tuner_job.records import CalibrationRecord, CsmfEstimator, Interval

BASELINES = ("copy_train", "uniform", "majority")
"""The training rows' CSMF; equal fractions; the commonest training cause for every death."""
COUNT = CsmfEstimator(method="count")


def tested_rows(training: TrainingSet) -> NDArray[np.intp]:
    """All rows that the tests of a training set need, each once, ascending."""
    return np.unique(np.concatenate([test.rows for test in training.tests]))


def estimator_of(tuned: TunedChoice | None) -> CsmfEstimator:
    """How a model's CSMF is made: untuned models count."""
    return tuned.csmf_estimator if tuned else COUNT


def predictions_of(
    y: NDArray[np.int32], P: NDArray[np.floating[Any]], tuned: TunedChoice | None
) -> Predictions:
    """Predictions for test rows, with the calibration that the model's search left."""
    return Predictions(Deaths(y), P, calibration_of(tuned.calibration if tuned else None))


def calibration_of(record: CalibrationRecord | None) -> Calibration | None:
    """Read a calibration that a search has left; None where it left none."""
    return Calibration.of_record(record) if record else None


def score_tests(
    data: VaDataset,
    training: TrainingSet,
    fitted: FitResult,
    tuned: TunedChoice | None,
    protocol: ScoringProtocol,
    n_bootstrap: int,
) -> Iterator[ExperimentResult]:
    """Score one fit on each of its tests; a failed fit gives results with its error and no
    scores."""
    rows = fitted.fit.predict
    for test in training.tests:
        result = _describe(training, test, fitted.fit.model, tuned, protocol).model_copy(
            update={
                "training_time_seconds": fitted.training_seconds,
                "inference_time_seconds": fitted.inference_seconds * len(test.rows) / len(rows),
                "worker_id": fitted.worker,
                "retry_count": fitted.retries,
                "error": fitted.error,
            }
        )
        if fitted.P is None:
            yield result
            continue
        part = predictions_of(data.y[test.rows], fitted.P[np.searchsorted(rows, test.rows)], tuned)
        yield result.model_copy(update=_scores(part, estimator_of(tuned), protocol, n_bootstrap))


def score_baselines(
    data: VaDataset, training: TrainingSet, protocol: ScoringProtocol, n_bootstrap: int
) -> Iterator[ExperimentResult]:
    """Score the trivial predictions on each test of a training set."""
    trained = csmf(data.y[training.rows], data.n_causes)
    for test in training.tests:
        y = data.y[test.rows]
        for name, fractions in (
            ("copy_train", trained),
            ("uniform", np.full(data.n_causes, 1 / data.n_causes)),
        ):
            scores = _fractions_alone(y, fractions, protocol, n_bootstrap)
            yield _describe(training, test, name, None, protocol).model_copy(update=scores)
        certain = np.zeros((len(y), data.n_causes))
        certain[:, int(trained.argmax())] = 1
        scores = _scores(Predictions(Deaths(y), certain, None), COUNT, protocol, n_bootstrap)
        yield _describe(training, test, "majority", None, protocol).model_copy(update=scores)


def _scores(
    part: Predictions, estimator: CsmfEstimator, protocol: ScoringProtocol, n_bootstrap: int
) -> dict[str, object]:
    """Accuracies with their intervals, over rows or over compositions, and the other metrics."""
    if protocol.composition == "natural":
        intervals = over_rows([part], estimator, protocol.seed, n_bootstrap)
    else:
        intervals = over_compositions([part], estimator, protocol)
    samples = protocol.samples(part.y, part.P.shape[1])
    scores = part.scores(estimator, samples, part.estimate([estimator], samples)[0])
    return {
        **intervals,
        "cccsmf": scores["cccsmf_accuracy"],
        "ccc": scores["ccc"],
        "additional_metrics": {"pccc3": scores["pccc3"]},
    }


def _fractions_alone(
    y: NDArray[np.int32],
    fractions: NDArray[np.float64],
    protocol: ScoringProtocol,
    n_bootstrap: int,
) -> dict[str, object]:
    """Score fractions that were predicted without looking at any death."""
    samples = protocol.samples(y, len(fractions))
    if protocol.composition == "natural":
        accuracy = csmf_accuracy_of(_resampled(samples, n_bootstrap, protocol.seed), fractions)
        estimate, reach = (
            float(csmf_accuracy_of(samples.true, fractions)[0]),
            1.96 * float(accuracy.std(ddof=1)),
        )
        low, high = estimate - reach, min(1.0, estimate + reach)
    else:
        accuracy = csmf_accuracy_of(samples.true, fractions)
        estimate, (low, high) = (
            float(accuracy.mean()),
            map(float, np.percentile(accuracy, [2.5, 97.5])),
        )
    interval = Interval(estimate=estimate, low=low, high=high)
    return {"csmf_accuracy": interval, "cccsmf": float(chance_corrected(estimate, CSMF_CHANCE))}


def _resampled(samples: Samples, n_bootstrap: int, seed: int) -> NDArray[np.float64]:
    """True CSMFs, (n_bootstrap, n_classes), of rows drawn with replacement."""
    n_rows = samples.counts.shape[1]
    drawn = np.random.default_rng(seed).multinomial(n_rows, samples.true[0], size=n_bootstrap)
    return np.asarray(drawn / n_rows)


def _describe(
    training: TrainingSet,
    test: SiteTest,
    model: str,
    tuned: TunedChoice | None,
    protocol: ScoringProtocol,
) -> ExperimentResult:
    return ExperimentResult(
        experiment_id=experiment_id(test, model, tuned is not None, protocol.composition),
        experiment_type=test.experiment_type,
        train_site=test.train_site,
        test_site=test.test_site,
        model=model,
        training_fraction=test.fraction,
        n_train=len(training.rows),
        n_test=len(test.rows),
        tuned=tuned,
        protocol=protocol.composition,
        csmf_estimator=str(estimator_of(tuned)),
    )
