"""Intervals of cause fractions: what they hold, and that they hold."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.evaluation.populations import draw, posterior
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import estimate, likelihood_of
from tuner_job.evaluation.fractions import (
    MOST_LEVEL,
    Estimated,
    _of_each_death,
    bounds,
    draw_populations,
    fit_residual,
    interval,
)
from tuner_job.evaluation.information import resampling_error, unresolved
from tuner_job.evaluation.intervals import bootstrap_counts
from tuner_job.evaluation.protocols import ScoringProtocol, draw_samples
from tuner_job.records import SHIFTS, CsmfEstimator, ResidualRecord

BAYES = CsmfEstimator(method="bayes", limit=300)
MEAN = CsmfEstimator(method="mean")
EVERY = [
    BAYES,
    MEAN,
    CsmfEstimator(method="count"),
    CsmfEstimator(method="em", shrinkage=1),
    CsmfEstimator(method="mixture", shrinkage=0.5),
]
PROTOCOL = ScoringProtocol("dirichlet", 90, shifts=SHIFTS, sizes=(50, 1000))
TRAINED = np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.07, 0.04, 0.02])


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, np.ndarray]:
    return draw(900, len(TRAINED), seed=1, trained=TRAINED)


@pytest.fixture(scope="module")
def unseen() -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(4000) % len(TRAINED)
    return y, posterior(y, TRAINED, np.random.default_rng(2))


@pytest.mark.parametrize("estimator", EVERY, ids=str)
@pytest.mark.parametrize(("level", "least"), [(0.8, 0.72), (0.95, 0.9)])
def test_intervals_cover_the_fractions_of_deaths_never_seen(
    estimator: CsmfEstimator,
    level: float,
    least: float,
    world: tuple[np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, np.ndarray],
) -> None:
    residual = fit_residual(*world, estimator, PROTOCOL, seed=3)
    y, P = unseen
    samples = draw_samples(PROTOCOL, y, len(TRAINED), np.random.default_rng(4))
    one = Estimated.of(P, samples.counts, estimator, Calibration.fit(*world))
    low, high = bounds(one, residual, level)
    covered = ((low - 1e-12 <= samples.true) & (samples.true <= high + 1e-12)).mean()
    assert least < covered < (1 + level) / 2 + 0.06
    assert (high - low).mean() < 0.5


@pytest.mark.parametrize("estimator", EVERY, ids=str)
@pytest.mark.parametrize("known", [True, False])
def test_an_interval_holds_its_fraction_and_grows_with_the_level(
    estimator: CsmfEstimator,
    known: bool,
    world: tuple[np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, np.ndarray],
) -> None:
    residual = fit_residual(*world, estimator, PROTOCOL, seed=3, n_pools=3) if known else None
    calibration, P = Calibration.fit(*world), unseen[1]
    for deaths in (P[:1], P[:7], P[:300]):
        before = None
        for level in (0.01, 0.5, 0.8, 0.9, 0.95, MOST_LEVEL):
            found, low, high = interval(deaths, estimator, calibration, residual, level)
            assert found.sum() == pytest.approx(1)
            assert ((low >= 0) & (low <= found) & (found <= high) & (high <= 1)).all()
            if before is not None:
                assert (low <= before[0]).all()
                assert (high >= before[1]).all()
            before = low, high
        expected = estimate([estimator], deaths, np.ones((1, len(deaths))), calibration)[0, 0]
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("level", [0, -0.1, 0.995, 1, float("nan")])
def test_a_level_that_cannot_be_had_is_refused(
    level: float, world: tuple[np.ndarray, np.ndarray]
) -> None:
    with pytest.raises(ValueError, match=r"level must be above 0 and at most 0\.99, got"):
        interval(world[1], MEAN, Calibration.fit(*world), None, level)


def test_the_same_rows_and_seed_give_the_same_residual(
    world: tuple[np.ndarray, np.ndarray],
) -> None:
    first, again = (fit_residual(*world, BAYES, PROTOCOL, seed=3, n_pools=3) for _ in range(2))
    assert first == again
    assert first != fit_residual(*world, BAYES, PROTOCOL, seed=4, n_pools=3)
    assert ResidualRecord.model_validate_json(first.model_dump_json()) == first


def test_populations_are_of_all_sizes_and_of_a_part_of_the_rows(
    world: tuple[np.ndarray, np.ndarray],
) -> None:
    y, _ = world
    counts, true = draw_populations(y, len(TRAINED), PROTOCOL, n_pools=2, seed=1)
    assert sorted(set(counts.sum(axis=1))) == [50, 100, 200, 500, 1000, 2000]
    made = counts @ np.eye(len(TRAINED))[y] / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(made, true)
    half = len(counts) // 2
    seen, others = ((part > 0).any(axis=0) for part in (counts[:half], counts[half:]))
    assert 0.5 < seen.mean() <= 0.68
    assert (seen != others).any()


@pytest.mark.parametrize("composition", ["natural", "shift"])
def test_every_scheme_has_intervals(composition: str, world: tuple[np.ndarray, np.ndarray]) -> None:
    protocol = replace(PROTOCOL, composition=composition, ranges=((0, 0.4, 0.6),))
    _, true = draw_populations(world[0], len(TRAINED), protocol, n_pools=2, seed=1)
    stated = (true[:, 0] > 0.37) & (true[:, 0] < 0.63)
    assert stated.all() == (composition == "shift")
    residual = fit_residual(*world, MEAN, protocol, seed=1, n_pools=2)
    found, low, high = interval(world[1], MEAN, Calibration.fit(*world), residual, 0.95)
    assert (low < found).all()
    assert (found < high).all()


def test_causes_without_a_row_and_one_cause_alone_have_intervals() -> None:
    y, P = draw(120, 4, seed=5)
    y = np.where(y == 3, 0, y)
    for causes, proba in ((y, P), (np.zeros(60, int), np.ones((60, 1)))):
        residual = fit_residual(causes, proba, BAYES, PROTOCOL, seed=1, n_pools=3)
        found, low, high = interval(proba, BAYES, Calibration.fit(causes, proba), residual, 0.95)
        assert np.isfinite([found, low, high]).all()
        assert ((low <= found) & (found <= high)).all()


def test_certain_deaths_leave_nothing_unresolved(world: tuple[np.ndarray, np.ndarray]) -> None:
    y, P = world
    counts, n_classes = np.ones((1, len(y))), len(TRAINED)
    own = np.bincount(y)[None] / len(y)
    certain = np.eye(n_classes)[y] + 1e-9
    blurred = unresolved(likelihood_of(P, Calibration.fit(y, P)), counts, own)
    assert unresolved(certain, counts, own).max() < 0.02 * blurred.max()
    nothing = unresolved(np.ones_like(certain), counts, own)
    assert (nothing > blurred).all()


@pytest.mark.parametrize("estimator", [*EVERY[1:4], CsmfEstimator(method="em")], ids=str)
def test_the_error_over_resamples_is_that_of_the_bootstrap(
    estimator: CsmfEstimator, world: tuple[np.ndarray, np.ndarray]
) -> None:
    y, P = world
    P, calibration, counts = P[:400], Calibration.fit(y, P), np.ones((1, 400))
    found = estimate([estimator], P, counts, calibration)[0]
    error = resampling_error(P, counts, found, estimator, calibration)[0]
    resampled = bootstrap_counts(400, 200, np.random.default_rng(1))
    expected = estimate([estimator], P, resampled, calibration)[0].std(axis=0)
    np.testing.assert_allclose(error, expected, rtol=0.3)


@pytest.mark.parametrize("estimator", EVERY[:3], ids=str)
@pytest.mark.parametrize("n", [1, 3, 10, 30])
def test_intervals_of_few_deaths_hold_the_causes_that_they_have(
    estimator: CsmfEstimator, n: int, world: tuple[np.ndarray, np.ndarray]
) -> None:
    calibration = Calibration.fit(*world)
    residual = fit_residual(*world, estimator, PROTOCOL, seed=3, n_pools=3)
    rng, held, of_causes = np.random.default_rng(n), [], []
    for _ in range(60):
        y = rng.choice(len(TRAINED), n, p=TRAINED).astype(np.int32)
        P = posterior(y, TRAINED, rng)
        found, low, high = interval(P, estimator, calibration, residual, 0.95)
        assert ((low <= found) & (found <= high)).all()
        true = np.bincount(y, minlength=len(TRAINED)) / n
        inside = (low - 1e-9 <= true) & (true <= high + 1e-9)
        held += inside.tolist()
        of_causes += inside[true > 0].tolist()
    assert np.mean(held) > 0.92
    assert np.mean(of_causes) > 0.85


def test_chances_of_few_deaths_are_those_of_every_outcome() -> None:
    P = np.array([[0.6, 0.4], [0.3, 0.7], [0.5, 0.5]])
    calibration = Calibration.fit(np.arange(200) % 2, np.full((200, 2), 0.5))
    fractions = np.array([0.5, 0.5])
    for level in (0.5, 0.8, 0.95):
        low, high = _of_each_death(P, fractions, calibration, level)
        Q = likelihood_of(P, calibration) / likelihood_of(P, calibration).sum(axis=1, keepdims=True)
        chance = dict.fromkeys(range(4), 0.0)
        for outcome in itertools.product([0, 1], repeat=3):
            of_first = [q if one == 0 else 1 - q for one, q in zip(outcome, Q[:, 0], strict=True)]
            chance[outcome.count(0)] += float(np.prod(of_first))
        upto = np.cumsum(list(chance.values()))
        tail = (1 - level) / 2
        assert low[0] == np.searchsorted(upto, tail) / 3
        assert high[0] == np.searchsorted(upto, 1 - tail) / 3
