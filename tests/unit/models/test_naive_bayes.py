"""Naive Bayes counts what it should, leaves out what is missing, and is finite for any row."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import BernoulliNB

from tests.unit.models.conftest import ABSENT, N_CLASSES, make_rows
from tuner_job.errors import ConfigError
from tuner_job.models import FoldData, get_family
from tuner_job.models.answers import Counted
from tuner_job.models.classes import PresentClasses
from tuner_job.models.items import ROWS_AT_ONCE, Items

FAMILY = get_family("naive_bayes")
NAN = np.float32(np.nan)


def fitted(X: np.ndarray, y: np.ndarray, n_classes: int = N_CLASSES, **params: Any) -> Any:
    return FAMILY.fit(X.astype(np.float32), y.astype(np.int32), n_classes, params, seed=0)


def by_hand(
    X: np.ndarray, y: np.ndarray, rows: np.ndarray, smoothing: float, power: float
) -> np.ndarray:
    """The formula, cell by cell, of yes/no items and causes that all have deaths."""
    P = np.empty((len(rows), y.max() + 1))
    for i, row in enumerate(rows):
        for cause in range(P.shape[1]):
            logs = [np.log((y == cause).mean())]
            for j in np.flatnonzero(~np.isnan(row)):
                answered = ~np.isnan(X[:, j])
                same = answered & (X[:, j] == row[j])
                given = (same & (y == cause)).sum() + 2 * smoothing * same.sum() / answered.sum()
                whole = (answered & (y == cause)).sum() + 2 * smoothing
                logs.append(power * np.log(given / whole))
            P[i, cause] = np.exp(sum(logs))
    return P / P.sum(axis=1, keepdims=True)


class TestProbabilities:
    @pytest.mark.parametrize("smoothing", [1e-3, 1.0, 7.5])
    def test_agree_with_scikit_learn_where_items_are_as_often_yes_as_no(self, smoothing):
        rng = np.random.default_rng(0)
        half = (rng.random((150, 30)) < rng.random(30)).astype(np.float32)
        X, y = np.vstack([half, 1 - half]), rng.integers(0, 6, 300)
        rows = (rng.random((80, 30)) < 0.3).astype(np.float32)
        expected = BernoulliNB(alpha=smoothing).fit(X, y).predict_proba(rows)
        found = fitted(X, y, 6, smoothing=smoothing).predict_proba(rows)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)

    @pytest.mark.parametrize(("smoothing", "power"), [(1.0, 1.0), (0.01, 0.3), (20.0, 0.7)])
    def test_are_those_of_the_formula_with_missing_answers(self, smoothing, power):
        X, y = make_rows(200, seed=1)
        X, rows = X[:, :8], make_rows(20, seed=2)[0][:, :8]
        found = fitted(X, y, smoothing=smoothing, power=power).predict_proba(rows)
        np.testing.assert_allclose(found, by_hand(X, y, rows, smoothing, power), atol=1e-12)

    def test_a_missing_answer_says_nothing(self):
        X, y = make_rows(200, seed=1)
        rows = X[:20].copy()
        rows[:, 3] = np.nan
        without = np.delete(X, 3, axis=1)
        np.testing.assert_allclose(
            fitted(X, y).predict_proba(rows),
            fitted(without, y).predict_proba(np.delete(rows, 3, axis=1)),
            atol=1e-12,
        )

    def test_a_row_without_answers_has_the_shares_of_the_training_deaths(self, fold):
        row = np.full((1, fold.X_train.shape[1]), NAN)
        shares = np.bincount(fold.y_train, minlength=N_CLASSES) / len(fold.y_train)
        for power in (0.1, 1.0):
            model = fitted(fold.X_train, fold.y_train, power=power)
            np.testing.assert_allclose(model.predict_proba(row)[0], shares, atol=1e-12)

    def test_a_small_power_leaves_hardly_more_than_these_shares(self, fold):
        shares = np.bincount(fold.y_train, minlength=N_CLASSES) / len(fold.y_train)
        P = fitted(fold.X_train, fold.y_train, power=1e-9).predict_proba(fold.X_validation)
        np.testing.assert_allclose(P, np.tile(shares, (len(P), 1)), atol=1e-6)

    @pytest.mark.parametrize("params", [{}, {"smoothing": 1e-6}, {"smoothing": 1e6}, {"bins": 256}])
    def test_are_finite_whatever_the_row(self, fold, params):
        X = fold.X_train.copy()
        X[:50, 8] = np.linspace(-3e38, 3e38, 50)
        X[3, 8], X[4, 8] = np.inf, -np.inf
        width = X.shape[1]
        odd = [np.full(width, value) for value in (0, 1, 0.5, 3e38, -3e38, np.inf, -np.inf, NAN)]
        model = fitted(X, fold.y_train, **params)
        P = model.predict_proba(np.array(odd, np.float32))
        assert np.isfinite(P).all()
        np.testing.assert_allclose(P.sum(axis=1), 1)
        again = FAMILY.from_bytes(model.to_bytes()).predict_proba(np.array(odd, np.float32))
        np.testing.assert_array_equal(P, again)

    @pytest.mark.parametrize("value", [0.0, 1.0, 7.0, np.nan])
    def test_columns_that_all_say_the_same_leave_the_shares(self, fold, value):
        same = replace(fold, X_train=np.full_like(fold.X_train, value))
        shares = np.bincount(fold.y_train, minlength=N_CLASSES) / len(fold.y_train)
        for share in (0.1, 1.0):
            (point,) = FAMILY.fit_path(same, {"share": share}, [1.0], seed=0)
            np.testing.assert_allclose(point.P_validation, np.tile(shares, (40, 1)), atol=1e-12)
        model = fitted(same.X_train, fold.y_train)
        again = FAMILY.from_bytes(model.to_bytes())
        np.testing.assert_allclose(again.predict_proba(fold.X_probe)[0], shares, atol=1e-12)

    def test_a_cause_whose_deaths_never_answered_an_item_takes_it_from_all_deaths(self):
        X = np.array([[1], [1], [0], [0], [NAN], [NAN]])
        y = np.array([0, 0, 1, 1, 2, 2])
        P = fitted(X, y, 3, smoothing=1e-6).predict_proba(np.array([[1], [0]], np.float32))
        np.testing.assert_allclose(P, [[2 / 3, 0, 1 / 3], [0, 2 / 3, 1 / 3]], atol=1e-5)

    def test_many_rows_are_predicted_as_few_are(self):
        X, y = make_rows(ROWS_AT_ONCE + 50, seed=1)
        model = fitted(X, y)
        P = model.predict_proba(X)
        assert P.shape == (len(X), N_CLASSES)
        np.testing.assert_allclose(P[-60:], model.predict_proba(X[-60:]), atol=1e-12)
        few = Counted.of(X[-50:], y[-50:], PresentClasses.of(y[-50:], N_CLASSES), 4)
        many = Counted.of(
            np.tile(X[-50:], (100, 1)), np.tile(y[-50:], 100), PresentClasses.of(y, N_CLASSES), 4
        )
        np.testing.assert_array_equal(many.counts, 100 * few.counts)


class TestPath:
    def test_every_power_is_the_fit_alone_to_the_last_bit(self, fold):
        values = [0.7, 0.05, 1.0, 0.3]
        params = {"smoothing": 3, "share": 0.6, "bins": 5}
        alone = [
            FAMILY.fit_path(replace(fold, prepared={}), params, [value], seed=0)[0]
            for value in values
        ]
        FAMILY.fit_path(fold, {"bins": 3}, [0.2], seed=0)
        for one, shared in zip(alone, FAMILY.fit_path(fold, params, values, seed=0), strict=True):
            np.testing.assert_array_equal(one.P_validation, shared.P_validation)
            np.testing.assert_array_equal(one.P_probe, shared.P_probe)
            assert one.diagnostics == shared.diagnostics

    def test_another_smoothing_or_share_counts_nothing_again(self, fold, monkeypatch):
        FAMILY.fit_path(fold, {}, [1.0], seed=0)
        monkeypatch.setattr(Items, "of", None)  # counting would begin with it
        FAMILY.fit_path(fold, {"smoothing": 5, "share": 0.5}, [0.5], seed=0)

    def test_it_says_how_many_items_were_kept(self, fold):
        found = [
            FAMILY.fit_path(fold, {"share": share}, [1.0], seed=0)[0].diagnostics["items"]
            for share in (0.01, 0.5, 1.0)
        ]
        assert found == [1, 4, 9]  # of 11 columns one is constant and one never observed

    def test_held_out_rows_have_no_say(self, fold):
        other = replace(fold, X_validation=fold.X_validation * 100, prepared={})
        a, b = (FAMILY.fit_path(one, {"share": 0.5}, [1.0], seed=0)[0] for one in (fold, other))
        np.testing.assert_array_equal(a.P_probe, b.P_probe)


class TestSelection:
    def test_keeps_the_items_that_say_most_of_the_cause(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 4, 400)
        X = rng.random((400, 12)) < 0.5
        X[:, 5] = y == 2
        X[:, 7] = (y < 2) ^ (rng.random(400) < 0.1)
        X = X.astype(np.float32)
        assert list(fitted(X, y, 4, share=2 / 12).fitted.items.columns) == [5, 7]

    def test_what_is_seldom_answered_says_little(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 400)
        X = np.column_stack([y, y ^ (rng.random(400) < 0.1)]).astype(np.float32)
        X[20:, 0] = np.nan
        assert list(fitted(X, y, 2, share=0.5).fitted.items.columns) == [1]


class TestItems:
    @staticmethod
    def edges(values: list[float], n_bins: int) -> list[float]:
        return list(Items.of(np.array(values, np.float32)[:, None], n_bins).edges)

    def test_yes_and_no_have_one_edge_and_what_does_not_vary_has_none(self):
        assert self.edges([0, 1, NAN, 0], 4) == [1]
        assert self.edges([1, 1, NAN], 4) == self.edges([5, 5], 4) == self.edges([NAN], 4) == []

    def test_few_values_are_an_answer_each(self):
        assert self.edges([3, 1, 2, 2, NAN], 3) == [2, 3]

    def test_bins_hold_about_as_many_deaths_each(self):
        values = np.random.default_rng(0).permutation(1000).astype(np.float32)
        items = Items.of(values[:, None], 4)
        counts = np.bincount((values[:, None] >= items.edges).sum(axis=1))
        np.testing.assert_allclose(counts, 250, atol=1)

    @pytest.mark.parametrize("n_bins", [2, 3, 8])
    def test_a_frequent_value_takes_no_bin_from_the_others(self, n_bins):
        values = [0.0] * 900 + list(range(1, 101))
        edges = self.edges(values, n_bins)
        assert len(edges) == n_bins - 1
        assert edges[0] == 1
        assert self.edges([-value for value in values], n_bins)[-1] == 0

    def test_every_answer_has_a_death(self):
        rng = np.random.default_rng(0)
        for n_bins in (2, 3, 5, 16):
            X = rng.geometric(rng.uniform(0.05, 0.9, 30), (200, 30)).astype(np.float32)
            items = Items.of(X, n_bins)
            y = np.zeros(200, np.int32)
            counted = Counted.of(X, y, PresentClasses.of(y, 1), n_bins)
            assert (counted.counts > 0).all()
            assert counted.counts.sum() == 200 * len(items.columns)
            assert np.bincount(items.owners).max() <= n_bins - 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"power": 0}, "power: input should be greater than 0, got 0"),
        ({"power": 1.5}, "power: input should be less than or equal to 1, got 1.5"),
        ({"smoothing": 0}, "smoothing: input should be greater than or equal to 0.000001, got 0"),
        ({"smoothing": float("inf")}, "smoothing: input should be a finite number, got inf"),
        ({"share": 0}, "share: input should be greater than 0, got 0"),
        ({"bins": 1}, "bins: input should be greater than or equal to 2, got 1"),
        ({"bins": 2.5}, "bins: "),
        ({"alpha": 1}, "alpha: is not a known key"),
    ],
)
def test_other_parameters_are_refused(fold: FoldData, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        fitted(fold.X_train, fold.y_train, **params)
    assert message in str(caught.value)


def test_a_cause_absent_from_training_stays_at_0(fold: FoldData) -> None:
    P = fitted(fold.X_train, fold.y_train).predict_proba(fold.X_validation)
    assert (P[:, ABSENT] == 0).all()
