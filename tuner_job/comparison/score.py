"""Scoring what a fit predicted: one `ExperimentResult` a test, and the baselines that need no model."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tuner_job.comparison.plan import SiteTest, TrainingSet, experiment_id
from tuner_job.comparison.result import ExperimentResult, TunedChoice
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.assessment import Part
from tuner_job.evaluation.csmf import CsmfEstimator
from tuner_job.evaluation.intervals import over_rows
from tuner_job.evaluation.metrics import ccc, cccsmf_accuracy, csmf, csmf_accuracy_of, score
from tuner_job.execution.fit_runner import Fitted
from tuner_job.results.records import Interval

COUNT = CsmfEstimator(method="count")
BASELINES = ("copy_train", "uniform", "majority")
"""The training rows' CSMF; equal fractions; the commonest training cause for every death."""


def tested_rows(training: TrainingSet) -> NDArray[np.intp]:
    """All rows that the tests of a training set need, each once, ascending."""
    return np.unique(np.concatenate([test.rows for test in training.tests]))


def score_tests(
    data: VaDataset, training: TrainingSet, fitted: Fitted, tuned: TunedChoice | None, n_bootstrap: int, seed: int
) -> Iterator[ExperimentResult]:
    """Score one fit on each of its tests; a failed fit gives results with its error and no scores."""
    rows = tested_rows(training)
    for test in training.tests:
        result = _describe(training, test, fitted.fit.model, tuned).model_copy(
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
        P, y = fitted.P[np.searchsorted(rows, test.rows)], data.y[test.rows]
        intervals = over_rows([Part(y, P, None)], COUNT, seed, n_bootstrap)
        all_metrics = score(y, P)
        yield result.model_copy(
            update={
                "csmf_accuracy": intervals["csmf_accuracy"],
                "cod_accuracy": intervals["cod_accuracy"],
                "cccsmf": cccsmf_accuracy(y, P),
                "ccc": ccc(y, P),
                "additional_metrics": {"pccc3": all_metrics["pccc3"]},
            }
        )


def score_baselines(data: VaDataset, training: TrainingSet, n_bootstrap: int, seed: int) -> Iterator[ExperimentResult]:
    """Score the trivial predictions on each test of a training set."""
    trained = csmf(data.y[training.rows], data.n_causes)
    commonest = int(trained.argmax())
    for test in training.tests:
        y = data.y[test.rows]
        for name, fractions in (("copy_train", trained), ("uniform", np.full(data.n_causes, 1 / data.n_causes))):
            yield _describe(training, test, name, None).model_copy(
                update=_fractions_alone(y, fractions, n_bootstrap, seed)
            )
        certain = np.zeros((len(y), data.n_causes))
        certain[:, commonest] = 1
        intervals = over_rows([Part(y, certain, None)], COUNT, seed, n_bootstrap)
        yield _describe(training, test, "majority", None).model_copy(
            update={**intervals, "cccsmf": cccsmf_accuracy(y, certain), "ccc": ccc(y, certain)}
        )


def _fractions_alone(
    y: NDArray[np.int32], fractions: NDArray[np.float64], n_bootstrap: int, seed: int
) -> dict[str, object]:
    """Score fractions that were predicted without looking at any death."""
    true = csmf(y, len(fractions))
    estimate = float(csmf_accuracy_of(true, fractions))
    draws = np.random.default_rng(seed).multinomial(len(y), true, size=n_bootstrap) / len(y)
    reach = 1.96 * float(csmf_accuracy_of(draws, np.broadcast_to(fractions, draws.shape)).std(ddof=1))
    chance = 1 - np.exp(-1)
    interval = Interval(estimate=estimate, low=estimate - reach, high=min(1.0, estimate + reach))
    return {"csmf_accuracy": interval, "cccsmf": float((estimate - chance) / (1 - chance))}


def _describe(training: TrainingSet, test: SiteTest, model: str, tuned: TunedChoice | None) -> ExperimentResult:
    return ExperimentResult(
        experiment_id=experiment_id(test, model, tuned is not None),
        experiment_type=test.experiment_type,
        train_site=test.train_site,
        test_site=test.test_site,
        model=model,
        training_fraction=test.fraction,
        n_train=len(training.rows),
        n_test=len(test.rows),
        tuned=tuned,
    )
