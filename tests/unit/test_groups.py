"""Cause fractions of groups, with intervals."""

import numpy as np
import pytest

from tests.unit.test_prediction import model, shifted
from tuner_job.data.labels import Grouping
from tuner_job.evaluation.csmf import candidates
from tuner_job.prediction.groups import csmf_by_group
from tuner_job.records import ESTIMATORS, CsmfEstimator

MEAN = CsmfEstimator(method="mean")


@pytest.mark.parametrize("estimator", candidates(ESTIMATORS)[::3], ids=str)
def test_intervals_hold_their_fraction_and_are_the_same_each_time(
    estimator: CsmfEstimator,
) -> None:
    tuned, P = model(estimator), shifted(150)[1]
    fractions, low, high = tuned.csmf_interval(P)
    np.testing.assert_array_equal(fractions, tuned.estimate_csmf(P))
    assert ((low >= 0) & (low <= fractions) & (fractions <= high) & (high <= 1)).all()
    assert (high - low).max() > 0.01
    for again, before in zip(tuned.csmf_interval(P), (fractions, low, high), strict=True):
        np.testing.assert_array_equal(again, before)


def test_an_interval_is_as_wide_as_the_standard_error_says_and_grows_with_its_level() -> None:
    tuned, P = model(MEAN), shifted(400)[1]
    _, low, high = tuned.csmf_interval(P)
    wide = 2 * 1.96 * P.std(axis=0) / np.sqrt(len(P))
    np.testing.assert_allclose(high - low, wide, rtol=0.25)
    _, lower, higher = tuned.csmf_interval(P, level=0.5)
    assert (higher - lower < high - low).all()


def grouping(codes: list[int]) -> Grouping:
    return Grouping("sex", "sex", ("f", "m"), np.array(codes, np.int32))


def test_each_group_is_estimated_alone_and_few_deaths_are_marked() -> None:
    tuned, P = model(MEAN), shifted(90)[1]
    codes = [0] * 30 + [1] * 60
    found = csmf_by_group(tuned, P, [grouping(codes)])
    first, second = found.groups["sex"]
    assert [(one.by, one.group, one.n, one.few) for one in found] == [
        ("all", "all", 90, False), ("sex", "f", 30, True), ("sex", "m", 60, False)
    ]  # fmt: skip
    np.testing.assert_allclose(first.fractions, P[:30].mean(axis=0))
    np.testing.assert_allclose(second.fractions, P[30:].mean(axis=0))
    assert found.gap("sex").size < 1e-9, "mean probabilities add up"


def test_the_gap_is_the_largest_difference_of_a_cause_weighted_by_deaths() -> None:
    tuned, P = model(CsmfEstimator(method="em", shrinkage=4.0)), shifted(90)[1]
    found = csmf_by_group(tuned, P, [grouping([0] * 30 + [1] * 60)])
    first, second = (one.fractions for one in found.groups["sex"])
    apart = (30 * first + 60 * second) / 90 - found.whole.fractions
    gap = found.gap("sex")
    assert gap.size == pytest.approx(np.abs(apart).max())
    assert gap.size > 1e-4
    assert gap.cause == np.abs(apart).argmax()
    assert gap.whole == found.whole.fractions[gap.cause]
