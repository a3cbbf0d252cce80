"""How well fractions can be estimated, by how many deaths there are and how different they are."""

import numpy as np
import pytest

from tests.unit.evaluation.populations import draw
from tuner_job.evaluation.curve import (
    OutOfFold,
    by_population,
    expected_accuracy,
    sizes_up_to,
)
from tuner_job.evaluation.metrics import csmf
from tuner_job.records import SHIFTS, CsmfEstimator, Interval, PopulationScore

K = 5
TRAINED = np.array([0.45, 0.25, 0.15, 0.1, 0.05])
BAYES = CsmfEstimator(method="bayes", limit=300)


@pytest.fixture(scope="module")
def scores() -> list[PopulationScore]:
    y, P = draw(1_200, K, 3, TRAINED)
    flat = np.tile(csmf(y, K), (len(y), 1))  # a default that knows no more than the training CSMF
    return by_population(OutOfFold(y, P, flat), BAYES, seed=1)


def test_every_size_has_every_shift(scores: list[PopulationScore]) -> None:
    assert [(one.n_deaths, one.shift) for one in scores] == [
        (size, shift) for size in (50, 100, 200, 500, 1_000, 1_200) for shift in SHIFTS
    ]
    assert sizes_up_to(30) == [30]
    assert sizes_up_to(100) == [50, 100]


def test_more_deaths_are_estimated_better_and_copying_gets_worse_with_the_shift(
    scores: list[PopulationScore],
) -> None:
    for shift in SHIFTS:
        mine = [one for one in scores if one.shift == shift]
        assert mine[0].csmf_accuracy.estimate < mine[-1].csmf_accuracy.estimate
        for one in mine:
            assert one.csmf_accuracy.low <= one.csmf_accuracy.estimate <= one.csmf_accuracy.high
            assert one.default_counted < one.counted, "a default that knows nothing"
    copied = {one.shift: one.copy_train for one in scores if one.n_deaths == 1_000}
    assert copied["near"] > copied["moderate"] > copied["any"]


def test_the_same_rows_give_the_same_scores(scores: list[PopulationScore]) -> None:
    y, P = draw(1_200, K, 3, TRAINED)
    again = by_population(OutOfFold(y, P, np.tile(csmf(y, K), (len(y), 1))), BAYES, seed=1)
    assert again == scores


def test_between_sizes_it_goes_evenly_on_a_logarithmic_scale() -> None:
    def score(n_deaths: int, value: float) -> PopulationScore:
        interval = Interval(estimate=value, low=0, high=1)
        return PopulationScore(
            n_deaths=n_deaths, shift="near", csmf_accuracy=interval,
            default_counted=0, counted=0, mean=0, copy_train=0,
        )  # fmt: skip

    tested = [score(1_000, 0.9), score(10, 0.5)]
    assert expected_accuracy(tested, 100, "near") == pytest.approx(0.7)
    assert expected_accuracy(tested, 2, "near") == pytest.approx(0.5)
    assert expected_accuracy(tested, 100_000, "near") == pytest.approx(0.9)
    assert expected_accuracy(tested, 100, "any") is None
