"""What every CSMF estimator promises, and what the two that infer a composition maximise."""

import numpy as np
import pytest
from scipy.optimize import minimize

from tests.unit.evaluation.populations import draw, posterior
from tuner_job.evaluation import likelihood as module
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import adjust, bayes, candidates, em, estimate, mixture
from tuner_job.evaluation.likelihood import log_evidence
from tuner_job.evaluation.shifts import expected
from tuner_job.records import ESTIMATORS, CsmfEstimator, EstimatorName

K = 5
ABSENT = 3
ALL = candidates(ESTIMATORS)


@pytest.fixture(params=ALL, ids=str)
def estimator(request: pytest.FixtureRequest) -> CsmfEstimator:
    return request.param


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Iterate to the end."""
    monkeypatch.setattr(module, "TOLERANCE", 1e-13)
    monkeypatch.setattr(module, "MAX_ITERATIONS", 100_000)


def model(n_rows: int = 300, seed: int = 0) -> tuple[np.ndarray, Calibration]:
    """Probabilities, and a calibration from rows like them without any death of `ABSENT`."""
    trained = np.array([0.4, 0.3, 0.2, 0.0, 0.1])
    y, P = draw(600, K, seed + 100, trained)
    return draw(n_rows, K, seed, trained)[1], Calibration.fit(y, P)


def one(
    estimator: CsmfEstimator, P: np.ndarray, counts: np.ndarray, calibration: Calibration
) -> np.ndarray:
    return estimate([estimator], P, counts, calibration)[0]


class TestEstimator:
    def test_fractions_are_compositions_one_a_sample(self, estimator: CsmfEstimator) -> None:
        P, calibration = model()
        counts = np.random.default_rng(1).poisson(1.0, (7, len(P))).astype(float)
        found = one(estimator, P, counts, calibration)
        assert found.shape == (7, K)
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-9)

    def test_samples_are_estimated_each_by_itself(self, estimator: CsmfEstimator) -> None:
        P, calibration = model()
        counts = np.random.default_rng(1).poisson(1.0, (4, len(P))).astype(float)
        together = one(estimator, P, counts, calibration)
        alone = np.concatenate([one(estimator, P, row[None], calibration) for row in counts])
        np.testing.assert_allclose(together, alone, atol=1e-12)

    def test_the_order_of_rows_does_not_matter(self, estimator: CsmfEstimator) -> None:
        P, calibration = model()
        order = np.random.default_rng(2).permutation(len(P))
        ones = np.ones((1, len(P)))
        np.testing.assert_allclose(
            one(estimator, P, ones, calibration),
            one(estimator, P[order], ones, calibration),
            atol=1e-10,
        )

    def test_a_count_of_two_is_the_row_twice(self, estimator: CsmfEstimator) -> None:
        P, calibration = model()
        counts = np.random.default_rng(3).integers(0, 3, len(P)).astype(float)
        rows = np.repeat(P, counts.astype(int), axis=0)
        np.testing.assert_allclose(
            one(estimator, P, counts[None], calibration),
            one(estimator, rows, np.ones((1, len(rows))), calibration),
            atol=1e-10,
        )

    def test_a_population_twice_as_large_has_the_same_composition_but_for_pseudo_deaths(
        self, estimator: CsmfEstimator
    ) -> None:
        P, calibration = model()
        once, twice = (one(estimator, P, np.full((1, len(P)), n), calibration) for n in (1.0, 2.0))
        if estimator.shrinkage:
            free = one(
                estimator.model_copy(update={"shrinkage": 0.0}),
                P,
                np.ones((1, len(P))),
                calibration,
            )
            assert np.abs(twice - free).sum() < np.abs(once - free).sum()
        elif estimator.method != "bayes":  # which is held back by as much as the size asks for
            np.testing.assert_allclose(once, twice, atol=1e-10)

    def test_a_population_of_one_death_has_a_composition(self, estimator: CsmfEstimator) -> None:
        P, calibration = model(1)
        found = one(estimator, P, np.ones((1, 1)), calibration)[0]
        assert (found >= 0).all()
        assert found.sum() == pytest.approx(1)
        if not estimator.shrinkage:
            assert found.argmax() == P[0].argmax()

    def test_a_cause_that_training_lacks_is_allowed(self, estimator: CsmfEstimator) -> None:
        P, calibration = model()
        assert (P[:, ABSENT] == 0).all()
        found = one(estimator, P, np.ones((1, len(P))), calibration)[0]
        assert np.isfinite(found).all()
        assert found[ABSENT] < 0.25

    def test_perfect_probabilities_give_the_composition_exactly(
        self, estimator: CsmfEstimator
    ) -> None:
        y = np.repeat(np.arange(K), [5_000, 1_000, 3_000, 900, 100])
        trained = np.repeat(np.arange(K), 2_000)
        calibration = Calibration.fit(trained, np.eye(K)[trained])
        found = one(estimator, np.eye(K)[y], np.ones((1, len(y))), calibration)[0]
        added = estimator.shrinkage * K / len(y) + K / (estimator.limit or np.inf)
        np.testing.assert_allclose(found, np.bincount(y) / len(y), atol=2e-4 + added)

    def test_the_same_input_gives_the_same_bytes(self, estimator: CsmfEstimator) -> None:
        P, calibration = model()
        ones = np.ones((3, len(P)))
        assert (
            one(estimator, P, ones, calibration).tobytes()
            == one(estimator, P, ones, calibration).tobytes()
        )

    def test_its_name_says_which_it_is(self, estimator: CsmfEstimator) -> None:
        assert [str(other) for other in ALL].count(str(estimator)) == 1
        assert str(estimator).startswith(estimator.method)

    def test_a_missing_calibration_is_told(self, estimator: CsmfEstimator) -> None:
        P, _ = model()
        if not estimator.needs_calibration:
            assert estimate([estimator], P, np.ones((1, len(P))), None).shape == (1, 1, K)
            return
        with pytest.raises(ValueError, match="needs a calibration"):
            estimate([estimator], P, np.ones((1, len(P))), None)


def test_estimates_come_in_the_order_asked_for() -> None:
    P, calibration = model()
    ones = np.ones((1, len(P)))
    mixed = [ALL[-1], ALL[0], ALL[4], ALL[1], ALL[3]]
    found = estimate(mixed, P, ones, calibration)
    for position, estimator in enumerate(mixed):
        np.testing.assert_allclose(
            found[position], one(estimator, P, ones, calibration), atol=1e-12
        )


def maximum(objective, n_classes: int) -> np.ndarray:
    """The composition that maximises `objective`, by a general solver on the simplex's softmax."""

    def negative(z: np.ndarray) -> float:
        e = np.exp(z - z.max())
        return -objective(e / e.sum())

    found = minimize(
        negative, np.zeros(n_classes), method="BFGS", options={"gtol": 1e-10, "maxiter": 5_000}
    )
    e = np.exp(found.x - found.x.max())
    return e / e.sum()


def log_likelihood(
    counts: np.ndarray, likelihood: np.ndarray, pseudo: np.ndarray, pi: np.ndarray
) -> float:
    return float(counts @ np.log(likelihood @ pi) + pseudo @ np.log(np.maximum(pi, 1e-300)))


def assert_stationary(
    counts: np.ndarray, likelihood: np.ndarray, pseudo: np.ndarray, pi: np.ndarray
) -> None:
    """The conditions of Karush, Kuhn and Tucker, which are sufficient here: the problem is
    concave."""
    gradient = likelihood.T @ (counts / (likelihood @ pi)) + np.divide(
        pseudo, pi, out=pseudo * 0, where=pi > 1e-12
    )
    multiplier = counts.sum() + pseudo.sum()
    inside = pi > 1e-6
    np.testing.assert_allclose(gradient[inside], multiplier, rtol=1e-5)
    assert (gradient[~inside] <= multiplier * (1 + 1e-5)).all()


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("shrinkage", [0.0, 0.5, 4.0])
@pytest.mark.parametrize("towards", ["uniform", "mean"])
def test_em_maximises_the_likelihood_with_pseudo_deaths(shrinkage: float, towards: str) -> None:
    rng = np.random.default_rng(5)
    prior = rng.dirichlet(np.full(K, 5.0))
    Q = posterior(rng.choice(K, 200, p=rng.dirichlet(np.ones(K))), prior, rng, sharpness=1.5)
    pseudo = shrinkage * K * (np.full(K, 1 / K) if towards == "uniform" else Q.mean(axis=0))
    counts = rng.poisson(1.5, len(Q)).astype(float)
    found = em(Q, counts[None], prior, pseudo[None, None])[0, 0]
    assert_stationary(counts, Q / prior, pseudo, found)
    reference = maximum(lambda pi: log_likelihood(counts, Q / prior, pseudo, pi), K)
    best = log_likelihood(counts, Q / prior, pseudo, reference)
    assert log_likelihood(counts, Q / prior, pseudo, found) >= best - 1e-9
    if shrinkage:  # without it, a fraction may be 0, which the reference only comes near
        np.testing.assert_allclose(found, reference, atol=1e-6)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("shrinkage", [0.0, 0.5])
def test_mixture_comes_closest_to_the_mean_probabilities(shrinkage: float) -> None:
    y, P = draw(800, K, 1)
    matrix = Calibration.fit(y, P).matrix
    true = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    average = true @ matrix
    pseudo = np.full(K, shrinkage)
    found = mixture(average[None], np.array([400.0]), matrix, pseudo[None, None])[0, 0]
    assert_stationary(400 * average, matrix.T, pseudo, found)
    reference = maximum(lambda pi: log_likelihood(400 * average, matrix.T, pseudo, pi), K)
    np.testing.assert_allclose(found, reference, atol=1e-6)
    if not shrinkage:
        np.testing.assert_allclose(found, true, atol=1e-6)


def test_em_needs_few_of_the_iterations_that_it_has() -> None:
    P, calibration = model(500)
    ones = np.ones((1, len(P)))
    rough = one(CsmfEstimator(method="em"), P, ones, calibration)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TOLERANCE", 1e-12)
        patch.setattr(module, "MAX_ITERATIONS", 50_000)
        np.testing.assert_allclose(
            rough, one(CsmfEstimator(method="em"), P, ones, calibration), atol=2e-3
        )


def test_adjusted_probabilities_are_those_of_a_model_trained_at_the_composition() -> None:
    prior, other = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])
    y = np.array([0, 1, 2, 2, 1])
    at_prior, at_other = (
        posterior(y, composition, np.random.default_rng(4)) for composition in (prior, other)
    )
    np.testing.assert_allclose(adjust(at_prior, prior, other), at_other, atol=1e-12)


def evidence_by_integration(
    counts: np.ndarray, likelihood: np.ndarray, alpha: np.ndarray, power: float
) -> float:
    """Of two causes: how likely the sample is, over the whole of a Beta distribution."""
    share = (np.arange(200_000) + 0.5) / 200_000
    pi = np.stack([share, 1 - share])
    logs = power * (counts @ np.log(likelihood @ pi)) + (alpha - 1) @ np.log(pi)
    prior = (alpha - 1) @ np.log(pi)
    return float(np.log(np.exp(logs - logs.max()).sum()) + logs.max()) - float(
        np.log(np.exp(prior - prior.max()).sum()) + prior.max()
    )


@pytest.mark.slow
@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("power", [1.0, 0.3])
def test_evidence_is_what_integration_gives(power: float) -> None:
    rng = np.random.default_rng(8)
    prior = np.array([0.7, 0.3])
    for true in (0.3, 0.7):
        Q = posterior(rng.choice(2, 150, p=[true, 1 - true]), prior, rng, sharpness=1.0)
        counts = rng.poisson(1.0, len(Q)).astype(float)
        alphas = np.array([[1.0, 1.0], [1.4, 0.6], [14.0, 6.0], [140.0, 60.0]])
        pi = module.most_likely(counts[None], Q / prior, (alphas / power)[:, None], prior)
        found = log_evidence(counts[None], Q / prior, alphas, np.full((4, 1), power), pi)[:, 0]
        exact = [evidence_by_integration(counts, Q / prior, alpha, power) for alpha in alphas]
        np.testing.assert_allclose(found, exact, atol=0.2)


def test_a_sample_that_says_nothing_is_as_likely_under_every_hypothesis() -> None:
    alphas, weights = expected(None, np.array([0.6, 0.3, 0.1]))
    none = np.ones((40, 3))
    pi = alphas / alphas.sum(axis=1, keepdims=True)
    found = log_evidence(np.ones((1, 40)), none, alphas, np.ones((4, 1)), pi[:, None])
    np.testing.assert_allclose(found, 0, atol=1e-9)
    average = bayes(none, np.ones((1, 40)), alphas, weights, [300.0])[0, 0]
    np.testing.assert_allclose(average, weights @ pi, atol=1e-4)


@pytest.mark.parametrize("n_populations", [2, 70])
@pytest.mark.parametrize("method", ["em", "bayes"])
def test_a_population_is_estimated_alike_alone_and_among_others(
    method: EstimatorName, n_populations: int
) -> None:
    rng = np.random.default_rng(3)
    P, calibration = model(60)
    counts = rng.multinomial(50, np.full(60, 1 / 60), n_populations).astype(float)
    counts[-1] *= 100  # one that comes to its end much later than the others
    together = estimate(candidates([method]), P, counts, calibration)
    alone = [estimate(candidates([method]), P, row[None], calibration)[:, 0] for row in counts]
    np.testing.assert_allclose(together, np.stack(alone, axis=1), rtol=0, atol=1e-12)


def test_few_deaths_near_training_are_held_to_it_and_many_elsewhere_are_not() -> None:
    rng = np.random.default_rng(4)
    trained, other = np.array([0.5, 0.3, 0.1, 0.07, 0.03]), np.array([0.05, 0.1, 0.1, 0.25, 0.5])
    y, P = draw(1_500, K, 1, trained)
    calibration = Calibration.fit(y, P)
    near = posterior(rng.choice(K, 50, p=trained), trained, rng, sharpness=1.0)
    far = posterior(rng.choice(K, 1_000, p=other), trained, rng, sharpness=1.0)
    unknown, weak = CsmfEstimator(method="bayes", limit=300), CsmfEstimator(method="em")

    def error(estimator: CsmfEstimator, P: np.ndarray, true: np.ndarray) -> float:
        return float(np.abs(one(estimator, P, np.ones((1, len(P))), calibration)[0] - true).sum())

    assert error(unknown, near, trained) < 0.75 * error(weak, near, trained)
    assert error(unknown, far, other) < 0.5 * np.abs(trained - other).sum()
    for_sure = CsmfEstimator(method="bayes", limit=300, shift="near")
    assert error(for_sure, near, trained) < error(unknown, near, trained) + 1e-9
    assert error(for_sure, far, other) > error(unknown, far, other)
