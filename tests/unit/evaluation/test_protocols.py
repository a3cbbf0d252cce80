"""Which populations held-out rows become."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_job.evaluation.metrics import csmf
from tuner_job.evaluation.protocols import (
    Samples,
    ScoringProtocol,
    draw_within,
    resample,
)
from tuner_job.evaluation.shifts import concentration, draw_shifted
from tuner_job.records import SHIFTS

K = 4
Y = np.repeat(np.arange(K), [50, 30, 15, 5])
NATURAL = csmf(Y, K)
PROTOCOLS = [
    ScoringProtocol("natural"),
    ScoringProtocol("dirichlet", n_draws=60),
    ScoringProtocol("shift", n_draws=60, ranges=((1, 0.5, 0.7), (3, 0.1, 0.1))),
    ScoringProtocol("dirichlet", n_draws=60, shifts=SHIFTS, sizes=(20, 80)),
    ScoringProtocol("dirichlet", n_draws=60, shifts=("near",), sizes=(70, 1_000)),
]


def true_of(samples: Samples, y: np.ndarray) -> np.ndarray:
    """CSMF of the rows that are in each population."""
    return (
        samples.counts
        @ np.eye(samples.true.shape[1])[y]
        / samples.counts.sum(axis=1, keepdims=True)
    )


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: f"{one.composition} {one.sizes}")
class TestProtocol:
    def test_populations_are_as_large_as_is_said_and_have_the_csmf_that_is_said(
        self, protocol: ScoringProtocol
    ) -> None:
        samples = protocol.samples(Y, K)
        least, most = (min(n, len(Y)) for n in protocol.sizes or (len(Y), len(Y)))
        assert (samples.counts.sum(axis=1).min(), samples.counts.sum(axis=1).max()) == (least, most)
        assert (samples.counts == samples.counts.astype(int)).all()
        np.testing.assert_allclose(true_of(samples, Y), samples.true, atol=1e-12)

    def test_all_trials_get_the_very_same_ones(self, protocol: ScoringProtocol) -> None:
        assert protocol.samples(Y, K, 1, 3) is protocol.samples(Y.copy().astype(np.int64), K, 1, 3)

    def test_the_same_seed_gives_the_same_bytes_and_folds_differ(
        self, protocol: ScoringProtocol
    ) -> None:
        from tuner_job.evaluation.protocols import _kept_samples

        first = protocol.samples(Y, K, 0, 2)
        _kept_samples.cache_clear()
        again = protocol.samples(Y, K, 0, 2)
        assert again is not first
        assert (again.counts.tobytes(), again.true.tobytes()) == (
            first.counts.tobytes(),
            first.true.tobytes(),
        )
        if protocol.composition != "natural":
            assert protocol.samples(Y, K, 1, 2).counts.tobytes() != first.counts.tobytes()

    def test_folds_share_the_draws(self, protocol: ScoringProtocol) -> None:
        shared = 1 if protocol.composition == "natural" else 20
        assert len(protocol.samples(Y, K, 2, 3).counts) == shared

    def test_a_cause_without_rows_is_in_no_population(self, protocol: ScoringProtocol) -> None:
        y = np.where(Y == 3, 0, Y)
        samples = protocol.samples(y, K)
        assert (samples.true[:, 3] == 0).all()
        np.testing.assert_allclose(samples.true.sum(axis=1), 1)


def test_natural_is_the_rows_as_they_are() -> None:
    samples = ScoringProtocol().samples(Y, K)
    assert (samples.counts == 1).all()
    assert samples.true.tolist() == [NATURAL.tolist()]


def test_dirichlet_compositions_have_the_mean_and_variance_of_their_distribution() -> None:
    drawn = draw_shifted(NATURAL, ["any"], 20_000, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    np.testing.assert_allclose(drawn.mean(axis=0), 1 / K, atol=0.005)
    np.testing.assert_allclose(drawn.var(axis=0), (1 / K) * (1 - 1 / K) / (K + 1), rtol=0.04)
    present = draw_shifted(np.array([0.5, 0.0, 0.5]), SHIFTS, 50, np.random.default_rng(1))
    assert (present[:, 1] == 0).all()


def test_the_nearer_a_shift_the_nearer_are_compositions_to_training() -> None:
    drawn = draw_shifted(NATURAL, SHIFTS, 30_000, np.random.default_rng(1))
    for number, shift in enumerate(SHIFTS):
        alpha = concentration(shift, NATURAL)
        expected = alpha / alpha.sum()
        mine = drawn[number :: len(SHIFTS)]
        np.testing.assert_allclose(mine.mean(axis=0), expected, atol=0.01)
        variance = expected * (1 - expected) / (alpha.sum() + 1)
        np.testing.assert_allclose(mine.var(axis=0), variance, rtol=0.06)
    assert concentration("near", NATURAL).sum() == pytest.approx(10 * K)
    assert concentration("moderate", NATURAL).sum() == pytest.approx(K)


def test_each_strength_of_shift_has_small_and_large_populations() -> None:
    protocol = ScoringProtocol("dirichlet", n_draws=30, shifts=SHIFTS, sizes=(10, 100))
    sizes = protocol.samples(Y, K).counts.sum(axis=1).reshape(10, 3)
    assert (sizes == sizes[:, :1]).all()
    assert sizes[:, 0].tolist() == np.geomspace(10, 100, 10).round().tolist()


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.integers(1, 400), st.integers(0, 99))
def test_populations_are_within_one_death_of_their_composition(
    weights: list[float], n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    y = np.concatenate([[0, 1, 2], rng.integers(0, 3, n)])
    composition = (np.array(weights) + 0.01) / (np.sum(weights) + 0.03)
    samples = resample(y, composition[None], rng)
    assert samples.counts.sum() == len(y)
    assert np.abs(samples.true[0] - composition).max() < 1 / len(y) + 1e-12


def test_rounding_to_whole_deaths_favours_no_cause() -> None:
    composition = np.tile([0.55, 0.333, 0.1, 0.017], (4_000, 1))
    samples = resample(Y, composition, np.random.default_rng(2))
    np.testing.assert_allclose(samples.true.mean(axis=0), composition[0], atol=0.0005)


def test_rows_are_drawn_evenly_within_their_cause() -> None:
    samples = resample(Y, np.tile(NATURAL, (4_000, 1)), np.random.default_rng(3))
    np.testing.assert_allclose(samples.counts.mean(axis=0), 1, atol=0.1)
    assert samples.counts.max() > 3, "with replacement"


def test_stated_fractions_are_exact_and_the_others_keep_their_proportions() -> None:
    protocol = ScoringProtocol("shift", n_draws=30, ranges=((0, 0.1, 0.1), (3, 0.2, 0.4)))
    samples = protocol.samples(Y, K)
    assert np.abs(samples.true[:, 0] - 0.1).max() <= 1 / len(Y)
    assert samples.true[:, 3].min() >= 0.2 - 1 / len(Y)
    assert samples.true[:, 3].max() <= 0.4 + 1 / len(Y)
    assert np.ptp(samples.true[:, 3]) > 0.1
    drawn = draw_within(NATURAL, protocol.ranges, 30, np.random.default_rng(1))
    np.testing.assert_allclose(drawn[:, 1] / drawn[:, 2], 2)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6),
    st.booleans(),
    st.integers(0, 1000),
)
def test_ranges_hold_wherever_they_can(
    bounds: list[tuple[float, float]], others: bool, seed: int
) -> None:
    low, high = (np.array([pick(pair) for pair in bounds]) for pick in (min, max))
    low = low / max(1.0, 1.1 * low.sum())  # so that they leave room
    high = np.maximum(low, high)
    if not others and high.sum() < 1:
        high[0] += 1 - high.sum()
    natural = np.full(len(bounds) + others, 1 / (len(bounds) + others))
    ranges = [(i, float(a), float(b)) for i, (a, b) in enumerate(zip(low, high, strict=True))]
    drawn = draw_within(natural, ranges, 5, np.random.default_rng(seed))
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    assert (drawn[:, : len(bounds)] >= low - 1e-9).all()
    assert (drawn[:, : len(bounds)] <= high + 1e-9).all()


def test_ranges_that_leave_nobody_to_share_the_rest_are_scaled() -> None:
    drawn = draw_within(
        np.array([0.5, 0.5]), [(0, 0.1, 0.1), (1, 0.3, 0.3)], 2, np.random.default_rng(1)
    )
    np.testing.assert_allclose(drawn, [[0.25, 0.75]] * 2)
