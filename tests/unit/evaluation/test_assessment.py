"""Judging a configuration: scores agree with the plain metrics, estimators are chosen without
peeking."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.evaluation import oracle
from tests.unit.evaluation.populations import draw, posterior
from tuner_job.evaluation.assessment import (
    MEAN,
    Predictions,
    assess,
    choose,
    cross_fit,
    score_probes,
)
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import candidates
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.folds import stratified
from tuner_job.evaluation.metrics import METRICS
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.evaluation.screening import judged, n_values_judged, screen, screened
from tuner_job.records import ESTIMATORS, SHIFTS, CsmfEstimator, EstimatorName

K = 6
TRAINED = np.array([0.35, 0.25, 0.15, 0.1, 0.1, 0.05])
COUNT = CsmfEstimator(method="count")
DIRICHLET = ScoringProtocol("dirichlet", n_draws=30)


@pytest.mark.parametrize("seed", range(5))
def test_on_the_rows_as_they_are_scores_are_the_plain_metrics(seed: int) -> None:
    y, P = draw(137, K, seed, TRAINED)
    part = Predictions(Deaths(y), P, None)
    samples = part.samples(ScoringProtocol())
    found = part.estimate([COUNT], samples)[0]
    assert part.scores(COUNT, samples, found) == pytest.approx(oracle.scores(y, P), abs=1e-14)


def test_scores_of_a_population_are_the_plain_metrics_of_its_rows() -> None:
    y, P = draw(200, K, 1, TRAINED)
    part = Predictions(Deaths(y), P, None)
    samples = part.samples(DIRICHLET)
    scores = part.score_each(COUNT, samples, part.estimate([COUNT], samples)[0])
    for number, counts in enumerate(samples.counts[:5].astype(int)):
        expected = oracle.scores(np.repeat(y, counts), np.repeat(P, counts, axis=0))
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
    part = Predictions(Deaths(y), P, calibration)
    samples = part.samples(ScoringProtocol())
    raw, adjusted = (
        part.scores(one, samples, part.estimate([one], samples)[0])
        for one in (COUNT, CsmfEstimator(method="em"))
    )
    assert adjusted["cod_accuracy"] > raw["cod_accuracy"] + 0.03
    assert adjusted["csmf_accuracy"] > raw["csmf_accuracy"] + 0.1


@pytest.mark.parametrize(
    "estimator",
    [COUNT, MEAN, *(one for one in candidates(ESTIMATORS) if one.method == "em")],
    ids=str,
)
def test_an_estimator_s_scores_are_those_of_its_formula_death_by_death(
    estimator: CsmfEstimator,
) -> None:
    y, P = draw(150, K, 1, TRAINED, sharpness=1.2)
    calibration = Calibration.fit(*draw(300, K, 2, TRAINED, sharpness=1.2))
    part = Predictions(Deaths(y), P, calibration)
    samples = part.samples(ScoringProtocol("dirichlet", n_draws=5))
    scores = part.scores(estimator, samples, part.estimate([estimator], samples)[0])
    expected = oracle.scores_by(estimator, y, P, samples, calibration)
    assert scores == pytest.approx(expected, abs=1e-9)


def test_a_fold_s_calibration_does_not_see_its_rows() -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, K, 300)
    P = rng.dirichlet(np.ones(K), 300)  # knows nothing
    folds = stratified(y, 3, 1)
    planted = np.where(
        (folds == 0)[:, None], 0.7 * np.eye(K)[y] + 0.05, P
    )  # but in fold 0 it knows all
    blind, *_ = cross_fit(Deaths(y), P, folds, [CsmfEstimator(method="em")])
    part, other, _ = cross_fit(Deaths(y), planted, folds, [CsmfEstimator(method="em")])
    assert part.calibration is not None
    assert blind.calibration is not None
    assert other.calibration is not None
    np.testing.assert_array_equal(part.calibration.matrix, blind.calibration.matrix)
    assert part.calibration.temperature == blind.calibration.temperature
    assert np.trace(other.calibration.matrix) > np.trace(part.calibration.matrix) + 0.5
    assert (part.y == y[folds == 0]).all()


def test_what_needs_no_calibration_gets_none() -> None:
    y, P = draw(90, K, 1, TRAINED)
    parts = cross_fit(Deaths(y), P, stratified(y, 3, 1), [COUNT, MEAN])
    assert [part.calibration for part in parts] == [None] * 3


def test_the_estimator_is_chosen_under_the_protocol() -> None:
    y, P = draw(1_500, K, 4, TRAINED, sharpness=1.3)
    folds = stratified(y, 5, 1)
    shifted = assess(Deaths(y), P, folds, DIRICHLET, ESTIMATORS)
    natural = assess(Deaths(y), P, folds, ScoringProtocol(), ESTIMATORS)
    assert shifted.estimator.needs_calibration
    assert natural.estimator == MEAN
    stated = replace(DIRICHLET, shifts=("near",), sizes=(30, 200))
    assert assess(Deaths(y), P, folds, stated, ["bayes"]).estimator.shift == "near"
    unknown = replace(DIRICHLET, shifts=SHIFTS, sizes=(30, 200))
    assert assess(Deaths(y), P, folds, unknown, ["bayes"]).estimator.shift is None
    assert list(shifted.csmf) == [str(estimator) for estimator in candidates(ESTIMATORS, "any")]
    chosen = shifted.csmf[str(shifted.estimator)]
    assert [fold["csmf_accuracy"] for fold in shifted.folds] == pytest.approx(chosen)


def test_one_method_without_shrinkages_is_taken_as_it_is() -> None:
    y, P = draw(120, K, 4, TRAINED)
    assert assess(Deaths(y), P, stratified(y, 3, 1), DIRICHLET, ["count"]).estimator == COUNT


class TestTrainingRows:
    """Each fold's model knows its training rows well, and the rows held out as well as it may."""

    def probes(self, sharpness: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, list]:
        y, P = draw(900, K, 5, TRAINED, sharpness=1.2)
        folds = stratified(y, 3, 1)
        rng = np.random.default_rng(6)
        rows = [rng.permutation(np.flatnonzero(folds != fold))[:300] for fold in range(3)]
        return y, P, folds, [(Deaths(y[r]), posterior(y[r], TRAINED, rng, sharpness)) for r in rows]

    @pytest.mark.parametrize("method", ["em", "bayes"])
    def test_are_scored_by_the_chosen_estimator_calibrated_as_for_the_held_out_rows(
        self, method: EstimatorName
    ) -> None:
        y, P, folds, probes = self.probes(3.0)
        found = assess(Deaths(y), P, folds, DIRICHLET, [method], probes)
        assert found.estimator.method == method
        for fold, (probed, P_probe) in enumerate(probes):
            out = folds == fold
            others = Calibration.fit(y[~out], P[~out])
            for own, (rows, said) in (
                (found.folds[fold], (y[out], P[out])),
                (found.train[fold], (probed.y, P_probe)),
            ):
                samples = DIRICHLET.samples(rows, K, fold, 3)
                expected = oracle.scores_by(found.estimator, rows, said, samples, others)
                assert own == pytest.approx(expected, abs=1e-9 if method == "em" else 1e-4)

    def test_have_no_say_in_the_choice(self) -> None:
        y, P, folds, probes = self.probes(3.0)
        with_them = assess(Deaths(y), P, folds, DIRICHLET, ESTIMATORS, probes)
        without = assess(Deaths(y), P, folds, DIRICHLET, ESTIMATORS)
        assert (without.folds, without.csmf) == (with_them.folds, with_them.csmf)
        assert without.estimator == with_them.estimator
        assert without.train == []

    def test_the_held_out_rows_themselves_leave_no_gap(self) -> None:
        y, P, folds, _ = self.probes(3.0)
        em = CsmfEstimator(method="em", shrinkage=1.0)
        parts = cross_fit(Deaths(y), P, folds, [em])
        same = score_probes([(part.deaths, part.P) for part in parts], parts, em, DIRICHLET)
        found = assess(Deaths(y), P, folds, DIRICHLET, ["em"])
        assert [one["csmf_accuracy"] for one in same] == found.csmf[str(em)]


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

    def test_beside_bayes_a_lead_must_be_twice_its_error(self) -> None:
        bayes = [CsmfEstimator(method="bayes", limit=limit) for limit in (300, 100)]

        def found(*leads: float) -> tuple[int, bool]:
            accuracy = np.stack([np.full(3, 0.7), 0.7 + np.array(leads)], axis=1)
            return choose(bayes, accuracy, bayes[0])

        assert found(0.01, 0.02, 0.03) == (1, False)  # 0.02, with a standard error of 0.0058
        assert found(0.0, 0.02, 0.04) == (0, True)  # with one of 0.0115
        assert found(-0.01, 0.0, 0.0) == (0, False)

    def test_without_mean_the_best_is_taken(self) -> None:
        accuracy = np.array([[0.9, 0.7], [0.5, 0.69]])
        assert choose([COUNT, CsmfEstimator(method="em")], accuracy) == (0, False)


@pytest.mark.slow
def test_a_fold_is_screened_by_one_estimator_a_method_but_mixture() -> None:
    assert [str(e) for e in screened(ESTIMATORS)] == ["bayes(300)", "em(1)", "mean", "count"]
    assert [str(e) for e in screened(["mixture"])] == ["mixture(1)"]
    assert n_values_judged(["csmf_accuracy", "cod_accuracy"], ESTIMATORS) == 5
    assert n_values_judged(["csmf_accuracy"], ["count"]) == 1
    y, P = draw(90, K, 1, TRAINED)
    samples = DIRICHLET.samples(y, K)
    scores = screen(Deaths(y), P, samples, screened(ESTIMATORS))
    assert list(scores) == ["bayes", "em", "mean", "count"]
    assert set(scores["count"]) == set(METRICS)
    for estimator in screened(ESTIMATORS):
        expected = oracle.scores_by(estimator, y, P, samples, Calibration.fit(y, P))
        near = 1e-4 if estimator.method == "bayes" else 1e-9
        assert scores[estimator.method] == pytest.approx(expected, abs=near)


def test_early_stopping_looks_at_csmf_accuracy_by_every_estimator_and_else_by_the_plainest() -> (
    None
):
    by_method = {
        "em": {"csmf_accuracy": 0.9, "cod_accuracy": 0.6},
        "count": {"csmf_accuracy": 0.7, "cod_accuracy": 0.5},
    }
    assert judged(by_method, ["cod_accuracy", "csmf_accuracy"]) == [0.5, 0.9, 0.7]
    assert len(judged(by_method, ["csmf_accuracy"])) == n_values_judged(
        ["csmf_accuracy"], ["em", "count"]
    )
