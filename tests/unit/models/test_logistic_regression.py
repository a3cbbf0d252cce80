"""The solver finds scikit-learn's minimum, and says so when it does not."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Peer
from sklearn.multiclass import OneVsRestClassifier

from tests.unit.models.conftest import ABSENT, N_CLASSES
from tuner_job.errors import ConfigError
from tuner_job.models import get_family
from tuner_job.models.elastic_net import Objective, minimise
from tuner_job.models.scaling import Scaling

FAMILY = get_family("logistic_regression")


@pytest.fixture
def problem(fold):
    codes = np.delete(np.arange(N_CLASSES), ABSENT)
    return Scaling.of(fold.X_train).design(fold.X_train), np.searchsorted(codes, fold.y_train)


def objective(Z, y, C, l1_ratio, loss):
    penalised = np.ones((Z.shape[1], 1)) / (C * len(Z))
    if loss == "multinomial":
        penalised[-1] = 0
    return Objective(
        Z, np.eye(y.max() + 1)[y], l1_ratio * penalised, (1 - l1_ratio) * penalised, loss
    )


def assert_same_minimum(problem, target, peer_W):
    solution = minimise(target, np.zeros_like(peer_W), tol=1e-7, max_iter=5000)
    found, peer = (target.at(W).value for W in (solution.W, peer_W))
    assert solution.converged
    assert found <= peer * (1 + 1e-9)
    assert found == pytest.approx(peer, rel=1e-4)
    np.testing.assert_allclose(target.at(solution.W).P, target.at(peer_W).P, atol=5e-3)


class TestMinimise:
    @pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
    def test_multinomial_agrees_with_saga(self, problem, C, l1_ratio):
        Z, y = problem
        peer = Peer(C=C, l1_ratio=l1_ratio, solver="saga", tol=1e-7, max_iter=20000, random_state=0)
        peer.fit(Z[:, :-1].astype(np.float64), y)
        W = np.column_stack([peer.coef_, peer.intercept_]).T
        assert_same_minimum(problem, objective(Z, y, C, l1_ratio, "multinomial"), W)

    @pytest.mark.parametrize("l1_ratio", [0, 1])
    @pytest.mark.parametrize("C", [0.1, 10.0])
    def test_one_vs_rest_agrees_with_liblinear(self, problem, C, l1_ratio):
        Z, y = problem
        peer = Peer(
            C=C, l1_ratio=l1_ratio, solver="liblinear", tol=1e-6, max_iter=5000, random_state=0
        )
        peers = OneVsRestClassifier(peer).fit(Z[:, :-1].astype(np.float64), y).estimators_
        W = np.column_stack([np.append(one.coef_, one.intercept_) for one in peers])
        assert_same_minimum(problem, objective(Z, y, C, l1_ratio, "one_vs_rest"), W)

    def test_l1_sets_weights_to_exactly_zero_and_l2_does_not(self, problem):
        Z, y = problem
        zeros = []
        for l1_ratio in (1.0, 0.0):
            target = objective(Z, y, 0.1, l1_ratio, "multinomial")
            W = minimise(target, np.zeros((Z.shape[1], 4)), tol=1e-6, max_iter=1000).W
            zeros.append((W[:-1] == 0).mean())
        assert zeros[0] > 0.3
        assert zeros[1] == 0

    def test_a_weight_that_the_data_pull_less_than_the_penalty_stays_zero(self, problem):
        Z, y = problem
        target = objective(Z, y, 1e-4, 1.0, "multinomial")
        W = minimise(target, np.zeros((Z.shape[1], 4)), tol=1e-8, max_iter=1000).W
        assert (W[:-1] == 0).all()
        np.testing.assert_allclose(
            target.at(W).P, np.bincount(y) / len(y) * np.ones((len(y), 1)), atol=1e-6
        )

    def test_the_gradient_is_the_slope_of_the_value(self, problem):
        Z, y = problem
        W = np.random.default_rng(0).normal(size=(Z.shape[1], 4))
        for loss in ("multinomial", "one_vs_rest"):
            target = objective(Z, y, 1.0, 0.5, loss)
            for index in ((0, 0), (3, 2), (-1, 1)):
                up, down = W.copy(), W.copy()
                up[index] += 1e-5
                down[index] -= 1e-5
                slope = (target.at(up).value - target.at(down).value) / 2e-5
                assert target.subgradient(target.at(W))[index] == pytest.approx(slope, rel=1e-5)

    @pytest.mark.parametrize("tol", [1e-4, 1e-6, 1e-9])
    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    def test_a_minimum_found_in_single_precision_holds_in_double(self, problem, l1_ratio, tol):
        Z, y = problem
        target = objective(Z, y, 10.0, l1_ratio, "multinomial")
        solution = minimise(target, np.zeros((Z.shape[1], 4)), tol=tol, max_iter=5000)
        assert solution.converged
        assert (
            np.abs(target.subgradient(target.at(solution.W))).max()
            == solution.optimality_gap
            <= tol
        )

    def test_a_tolerance_below_rounding_ends_without_convergence(self, problem):
        Z, y = problem
        target = objective(Z, y, 1.0, 0.5, "multinomial")
        solution = minimise(target, np.zeros((Z.shape[1], 4)), tol=1e-300, max_iter=5000)
        assert not solution.converged
        assert solution.optimality_gap < 1e-6


class TestFitPath:
    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"penalty": "l1"},
            {"penalty": "elasticnet", "l1_ratio": 0.1},
            {"solver": "liblinear"},
        ],
    )
    def test_says_what_was_minimised_and_how_closely(self, fold, params):
        for point in FAMILY.fit_path(fold, params, [1.0, 0.01], seed=0):
            assert point.diagnostics["converged"] is True
            assert 0 <= point.diagnostics["optimality_gap"] <= 1e-4
            assert point.diagnostics["solver"] == "owl-qn"
            loss = "one_vs_rest" if params.get("solver") == "liblinear" else "multinomial"
            assert point.diagnostics["objective"] == loss

    def test_a_fit_cut_short_says_so_and_warns_of_nothing(self, fold):
        (point,) = FAMILY.fit_path(fold, {"max_iter": 2}, [100.0], seed=0)
        assert point.diagnostics["converged"] is False
        assert point.diagnostics["optimality_gap"] > 1e-4

    def test_one_vs_rest_rows_are_the_normalised_binary_probabilities(self, fold, problem):
        Z, y = problem
        peer = OneVsRestClassifier(Peer(C=0.5, solver="liblinear", tol=1e-8)).fit(Z[:, :-1], y)
        params = {"solver": "liblinear", "tol": 1e-8}
        (point,) = FAMILY.fit_path(fold, params, [0.5], seed=0)
        codes = np.delete(np.arange(N_CLASSES), ABSENT)
        expected = peer.predict_proba(Scaling.of(fold.X_train).design(fold.X_probe)[:, :-1])
        np.testing.assert_allclose(point.P_probe[:, codes], expected, atol=1e-4)


class TestParameters:
    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"penalty": "elasticnet"}, "penalty elasticnet needs l1_ratio"),
            ({"l1_ratio": 0.5}, "l1_ratio is for penalty elasticnet only, got penalty l2"),
            (
                {"penalty": "elasticnet", "l1_ratio": 0.5, "solver": "liblinear"},
                "penalty elasticnet needs solver saga, the multinomial objective",
            ),
            ({"C": float("inf")}, "C: input should be a finite number, got inf"),
            (
                {"penalty": "none"},
                "penalty: input should be 'l1', 'l2' or 'elasticnet', got 'none'",
            ),
        ],
    )
    def test_contradictions_are_refused(self, fold, params, message):
        with pytest.raises(ConfigError) as caught:
            FAMILY.fit(fold.X_train, fold.y_train, N_CLASSES, params, seed=0)
        assert message in str(caught.value)


class TestScaling:
    def test_training_columns_have_mean_0_and_deviation_1(self, fold):
        Z = Scaling.of(fold.X_train).design(fold.X_train)
        np.testing.assert_allclose(Z[:, :-1].mean(axis=0, dtype=np.float64), 0, atol=1e-7)
        np.testing.assert_allclose(Z[:, :-1].std(axis=0, dtype=np.float64), 1, rtol=1e-6)
        assert (Z[:, -1] == 1).all()

    def test_constant_and_never_observed_columns_are_dropped(self, fold):
        scaling = Scaling.of(fold.X_train)
        assert not {9, 10} & set(scaling.kept)
        assert set(range(9)) <= set(scaling.kept)

    def test_a_missing_value_is_the_training_mean(self, fold):
        scaling = Scaling.of(fold.X_train)
        row = np.full((1, fold.X_train.shape[1]), np.nan, np.float32)
        np.testing.assert_allclose(scaling.design(row)[0, :9], 0, atol=1e-12)

    def test_columns_missing_together_share_one_indicator(self):
        rng = np.random.default_rng(0)
        X = rng.random((200, 4)).astype(np.float32)
        X[:40, :2] = np.nan  # a fifth of the rows, two columns alike
        X[:4, 2] = np.nan  # too few to say anything
        scaling = Scaling.of(X)
        assert len(scaling.indicated) == 1
        assert scaling.indicated[0] in (0, 1)
        indicator = scaling.design(X)[:, 4]
        assert len(np.unique(indicator.round(9))) == 2
        assert (indicator[:40] > 0).all()

    def test_validation_rows_have_no_say(self, fold):
        changed = fold.X_validation * 100
        a = FAMILY.fit_path(fold, {}, [1.0], seed=0)[0]
        other = type(fold)(fold.X_train, fold.y_train, changed, fold.X_probe, N_CLASSES)
        b = FAMILY.fit_path(other, {}, [1.0], seed=0)[0]
        np.testing.assert_array_equal(a.P_probe, b.P_probe)
