"""Judging a configuration: scores agree with the plain metrics, estimators are chosen without
peeking."""

import numpy as np
import pytest

from tests.unit.evaluation.populations import draw, posterior
from tuner_job.evaluation import metrics
from tuner_job.evaluation.assessment import (
    MEAN,
    assess,
    choose,
    cross_fit,
    n_values_judged,
    score_each_sample,
    score_samples,
    screen,
    screened,
)
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import ESTIMATORS, CsmfEstimator, candidates, estimate
from tuner_job.evaluation.folds import stratified
from tuner_job.evaluation.protocols import ScoringProtocol

K = 6
TRAINED = np.array([0.35, 0.25, 0.15, 0.1, 0.1, 0.05])
COUNT = CsmfEstimator(method="count")
DIRICHLET = ScoringProtocol("dirichlet", n_draws=30)


@pytest.mark.parametrize("seed", range(5))
def test_on_the_rows_as_they_are_scores_are_the_plain_metrics(seed: int) -> None:
    y, P = draw(137, K, seed, TRAINED)
    samples = ScoringProtocol().samples(y, K)
    found = estimate([COUNT], P, samples.counts, None)[0]
    assert score_samples(y, P, samples, found) == pytest.approx(metrics.score(y, P), abs=1e-15)


def test_scores_of_a_population_are_the_plain_metrics_of_its_rows() -> None:
    y, P = draw(200, K, 1, TRAINED)
    samples = DIRICHLET.samples(y, K)
    found = estimate([COUNT], P, samples.counts, None)[0]
    scores = score_each_sample(y, P, samples, found)
    for number, counts in enumerate(samples.counts[:5].astype(int)):
        expected = metrics.score(np.repeat(y, counts), np.repeat(P, counts, axis=0))
        assert {metric: values[number] for metric, values in scores.items()} == pytest.approx(
            expected, abs=1e-12
        )


def test_causes_of_single_deaths_are_found_better_when_adjusted_to_the_estimated_composition() -> (
    None
):
    y, P = draw(3_000, K, 1, TRAINED, sharpness=1.2)
    calibration = Calibration.fit(y, P)
    rng = np.random.default_rng(2)
    y = rng.choice(K, 1_000, p=TRAINED[::-1])
    P = posterior(y, TRAINED, rng, sharpness=1.2)
    samples = ScoringProtocol().samples(y, K)
    em = estimate([CsmfEstimator(method="em")], P, samples.counts, calibration)[0]
    raw, adjusted = (
        score_samples(y, P, samples, em, by)["cod_accuracy"] for by in (None, calibration)
    )
    assert adjusted > raw + 0.03
    assert metrics.csmf_accuracy_of(samples.true, em)[0] > metrics.csmf_accuracy(y, P) + 0.1


def test_a_fold_s_calibration_does_not_see_its_rows() -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, K, 300)
    P = rng.dirichlet(np.ones(K), 300)  # knows nothing
    folds = stratified(y, 3, 1)
    planted = np.where(
        (folds == 0)[:, None], 0.7 * np.eye(K)[y] + 0.05, P
    )  # but in fold 0 it knows all
    blind, *_ = cross_fit(y, P, folds, [CsmfEstimator(method="em")])
    part, other, _ = cross_fit(y, planted, folds, [CsmfEstimator(method="em")])
    assert part.calibration is not None
    assert blind.calibration is not None
    assert other.calibration is not None
    np.testing.assert_array_equal(part.calibration.matrix, blind.calibration.matrix)
    assert part.calibration.temperature == blind.calibration.temperature
    assert np.trace(other.calibration.matrix) > np.trace(part.calibration.matrix) + 0.5
    assert (part.y == y[folds == 0]).all()


def test_what_needs_no_calibration_gets_none() -> None:
    y, P = draw(90, K, 1, TRAINED)
    parts = cross_fit(y, P, stratified(y, 3, 1), [COUNT, MEAN])
    assert [part.calibration for part in parts] == [None] * 3


def test_the_estimator_is_chosen_under_the_protocol() -> None:
    y, P = draw(1_500, K, 4, TRAINED, sharpness=1.3)
    folds = stratified(y, 5, 1)
    shifted = assess(y, P, folds, DIRICHLET, ESTIMATORS)
    natural = assess(y, P, folds, ScoringProtocol(), ESTIMATORS)
    assert shifted.estimator.needs_calibration
    assert natural.estimator in (MEAN, CsmfEstimator(method="em", shrinkage=16, towards="mean"))
    assert list(shifted.csmf) == [str(estimator) for estimator in candidates(ESTIMATORS)]
    chosen = shifted.csmf[str(shifted.estimator)]
    assert [fold["csmf_accuracy"] for fold in shifted.folds] == pytest.approx(chosen)


def test_one_method_without_shrinkages_is_taken_as_it_is() -> None:
    y, P = draw(120, K, 4, TRAINED)
    assert assess(y, P, stratified(y, 3, 1), DIRICHLET, ["count"]).estimator == COUNT


class TestChoose:
    TRIED = [COUNT, MEAN, CsmfEstimator(method="em")]

    def choose(
        self, em: list[float], mean: list[float], count: list[float] | None = None
    ) -> tuple[str, bool]:
        chosen, fell_back = choose(self.TRIED, np.array([count or [0.0] * len(em), mean, em]).T)
        return self.TRIED[chosen].method, fell_back

    def test_a_steady_gain_is_taken(self) -> None:
        assert self.choose(em=[0.81, 0.83, 0.80], mean=[0.70, 0.71, 0.70]) == ("em", False)

    def test_a_gain_that_may_be_noise_is_not(self) -> None:
        assert self.choose(em=[0.90, 0.60, 0.65], mean=[0.70, 0.71, 0.70]) == ("mean", True)

    def test_where_mean_is_best_nothing_fell_back(self) -> None:
        assert self.choose(em=[0.5, 0.5], mean=[0.7, 0.7]) == ("mean", False)

    def test_of_equals_mean_is_taken(self) -> None:
        assert self.choose(em=[0.7, 0.7], mean=[0.7, 0.7]) == ("mean", False)

    def test_count_has_to_beat_mean_too(self) -> None:
        assert self.choose(em=[0.1] * 3, mean=[0.7, 0.7, 0.7], count=[0.9, 0.71, 0.5]) == (
            "mean",
            True,
        )

    def test_without_mean_the_best_is_taken(self) -> None:
        accuracy = np.array([[0.9, 0.7], [0.5, 0.69]])
        assert choose([COUNT, CsmfEstimator(method="em")], accuracy) == (0, False)


def test_a_fold_is_screened_by_one_estimator_a_method_but_mixture() -> None:
    assert [str(e) for e in screened(ESTIMATORS)] == ["em(1)", "mean", "count"]
    assert [str(e) for e in screened(["mixture"])] == ["mixture(1)"]
    assert n_values_judged(["csmf_accuracy", "cod_accuracy"], ESTIMATORS) == 4
    assert n_values_judged(["csmf_accuracy"], ["count"]) == 1
    y, P = draw(90, K, 1, TRAINED)
    scores = screen(y, P, DIRICHLET.samples(y, K), ESTIMATORS)
    assert list(scores) == ["em", "mean", "count"]
    assert set(scores["count"]) == set(metrics.METRICS)
