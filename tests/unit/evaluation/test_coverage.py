"""What is told of how intervals hold."""

import numpy as np
import pytest

from tests.unit.evaluation.populations import draw
from tuner_job.evaluation.coverage import interval_score, measure_coverage
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.records import SHIFTS, CoverageRecord, CsmfEstimator

PROTOCOL = ScoringProtocol("dirichlet", 90, shifts=SHIFTS)
TRAINED = np.array([0.4, 0.2, 0.15, 0.1, 0.1, 0.05])


@pytest.fixture(scope="module")
def told() -> list[CoverageRecord]:
    y, P = draw(1500, 6, seed=1, trained=TRAINED)
    return measure_coverage(y, P, np.arange(1500) % 5, CsmfEstimator(method="mean"), PROTOCOL, 1)


def _of(told: list[CoverageRecord], method: str, level: float) -> CoverageRecord:
    whole = [one for one in told if one.size == one.fraction == "every"]
    return next(one for one in whole if (one.method, one.level) == (method, level))


def test_intervals_beat_resampling_and_constant_width(told: list[CoverageRecord]) -> None:
    for level in (0.8, 0.95):
        ours, resampled, constant = (
            _of(told, method, level) for method in ("interval", "resampling", "constant")
        )
        assert level - 0.08 < ours.coverage < level + 0.1
        assert resampled.coverage < ours.coverage - 0.2  # the mean does not follow a shift
        assert constant.coverage == pytest.approx(ours.coverage, abs=0.02)
        assert ours.score < min(resampled.score, constant.score)


def test_cells_make_up_the_whole(told: list[CoverageRecord]) -> None:
    whole = _of(told, "interval", 0.95)
    cells = [
        one for one in told if (one.method, one.level) == ("interval", 0.95) and one.size != "every"
    ]
    assert {one.size for one in cells} == {"50", "200", "all"}
    assert sum(one.n for one in cells) == whole.n
    covered = sum(one.n * one.coverage for one in cells) / whole.n
    assert covered == pytest.approx(whole.coverage)
    wide, narrow = (_of(told, "interval", level).width for level in (0.95, 0.8))
    assert wide > narrow


def test_sizes_that_folds_are_too_small_for_are_left_out() -> None:
    y, P = draw(300, 4, seed=2)
    told = measure_coverage(y, P, np.arange(300) % 5, CsmfEstimator(method="mean"), PROTOCOL, 1)
    assert {one.size for one in told} == {"50", "all", "every"}
    assert not measure_coverage(y, P, 0 * y, CsmfEstimator(method="mean"), PROTOCOL, 1)


def test_the_interval_score_is_width_and_a_fine() -> None:
    true, low, high = np.array([0.5, 0.1, 0.9]), np.full(3, 0.4), np.full(3, 0.6)
    np.testing.assert_allclose(interval_score(true, low, high, 0.8), [0.2, 3.2, 3.2])
