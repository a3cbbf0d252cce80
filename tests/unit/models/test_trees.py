"""Tree families equal their library's own estimator, to the last bit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from tests.unit.models.conftest import ABSENT, N_CLASSES
from tuner_job.models import FoldData, get_family

few = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
path = st.lists(st.integers(1, 12), min_size=1, max_size=3)


def assert_equal_to(
    estimator, fold: FoldData, family: str, params: dict, values: list[int], seed: int
):
    points = get_family(family).fit_path(fold, params, values, seed)
    codes = np.delete(np.arange(N_CLASSES), ABSENT)
    for value, point in zip(values, points, strict=True):
        model = estimator(n_estimators=value, random_state=seed, n_jobs=1, **params)
        model.fit(fold.X_train, np.searchsorted(codes, fold.y_train))
        for X, P in ((fold.X_validation, point.P_validation), (fold.X_probe, point.P_probe)):
            np.testing.assert_array_equal(P[:, codes], model.predict_proba(X))


class TestXGBoost:
    @few
    @given(
        values=path,
        seed=st.integers(0, 2**31 - 1),
        params=st.fixed_dictionaries(
            {
                "max_depth": st.sampled_from([3, 12]),
                "learning_rate": st.sampled_from([0.01, 0.3]),
                "subsample": st.sampled_from([0.6, 1.0]),
                "colsample_bytree": st.sampled_from([0.6, 1.0]),
            },
            optional={
                "reg_alpha": st.sampled_from([0.01, 1]),
                "gamma": st.just(0.2),
                "max_bin": st.just(16),
                "min_child_weight": st.just(3),
                "max_delta_step": st.just(1),
                "colsample_bylevel": st.just(0.7),
                "max_leaves": st.just(5),
                "grow_policy": st.just("lossguide"),
            },
        ),
    )
    def test_equals_the_estimator(self, fold, values, seed, params):
        assert_equal_to(XGBClassifier, fold, "xgboost", params, values, seed)

    def test_untuned_defaults_are_the_library_s(self, fold):
        assert_equal_to(XGBClassifier, fold, "xgboost", {}, [7], 0)


class TestRandomForest:
    @few
    @given(
        values=path,
        seed=st.integers(0, 2**31 - 1),
        params=st.fixed_dictionaries(
            {
                "max_depth": st.sampled_from([None, 4]),
                "min_samples_split": st.sampled_from([2, 10]),
                "min_samples_leaf": st.sampled_from([1, 4]),
                "max_features": st.sampled_from(["sqrt", "log2", 0.8, 1.0]),
                "class_weight": st.sampled_from([None, "balanced_subsample"]),
            },
            optional={
                "criterion": st.just("entropy"),
                "max_samples": st.just(0.5),
                "max_leaf_nodes": st.just(6),
                "min_impurity_decrease": st.just(0.01),
            },
        ),
    )
    def test_equals_the_estimator(self, fold, values, seed, params):
        assert_equal_to(RandomForestClassifier, fold, "random_forest", params, values, seed)

    @pytest.mark.parametrize("n_trees", [50, 51, 120])
    def test_equals_the_estimator_where_trees_are_forgotten_in_between(self, fold, n_trees):
        assert_equal_to(RandomForestClassifier, fold, "random_forest", {}, [n_trees], 0)

    def test_missing_values_take_the_branch_they_take_in_the_library(self, fold):
        model = get_family("random_forest").fit(
            fold.X_train, fold.y_train, N_CLASSES, {"n_estimators": 20}, 5
        )
        peer = RandomForestClassifier(20, random_state=5).fit(fold.X_train, fold.y_train)
        X = np.where(np.random.default_rng(0).random(fold.X_validation.shape) < 0.5, np.nan, 1.0)
        codes = np.delete(np.arange(N_CLASSES), ABSENT)
        P = model.predict_proba(X.astype(np.float32))
        np.testing.assert_array_equal(P[:, codes], peer.predict_proba(X.astype(np.float32)))

    def test_a_share_of_one_is_every_column_also_when_written_as_an_integer(self, fold):
        family = get_family("random_forest")
        whole, share = (family.fit_path(fold, {"max_features": one}, [3], 0)[0] for one in (1, 1.0))
        np.testing.assert_array_equal(whole.P_validation, share.P_validation)
        assert_equal_to(
            RandomForestClassifier, fold, "random_forest", {"max_features": 1.0}, [3], 0
        )
