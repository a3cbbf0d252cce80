"""What every family promises, whichever it is."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.models.conftest import ABSENT, N_CLASSES, make_rows
from tuner_job.errors import ConfigError, DataError, StoreError
from tuner_job.models import FAMILIES, FoldData, ModelFamily, get_family

VALUES = {
    "xgboost": [4, 1, 9],
    "random_forest": [6, 1, 15],
    "logistic_regression": [0.1, 0.01, 1.0],
}
PARAMS = {
    "xgboost": {"max_depth": 3, "subsample": 0.8, "colsample_bytree": 0.6},
    "random_forest": {"max_features": 0.5, "class_weight": "balanced"},
    # Tight, so that where a walk began makes no difference that a test could see.
    "logistic_regression": {
        "penalty": "elasticnet",
        "l1_ratio": 0.5,
        "tol": 1e-9,
        "max_iter": 5000,
    },
}


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> ModelFamily:
    return FAMILIES[request.param]


@pytest.fixture
def values(family: ModelFamily) -> list:
    return VALUES[family.name]


@pytest.fixture
def params(family: ModelFamily) -> dict:
    return PARAMS[family.name]


def single(params: dict, family: ModelFamily, value: object) -> dict:
    return {**params, family.path_parameter: value}


class TestModelFamily:
    def test_every_point_is_a_distribution_over_the_whole_cause_list(
        self, family, fold, params, values
    ):
        points = family.fit_path(fold, params, values, seed=3)
        assert len(points) == len(values)
        for point in points:
            assert point.P_validation.shape == (len(fold.X_validation), N_CLASSES)
            assert point.P_probe.shape == (len(fold.X_probe), N_CLASSES)
            for P in (point.P_validation, point.P_probe):
                np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-6)
                assert (P >= 0).all()
                assert (P[:, ABSENT] == 0).all()
                present = np.arange(N_CLASSES) != ABSENT
                assert (P[:, present].max(axis=0) > 0).all()
            assert point.fit_seconds > 0

    def test_it_learns(self, family, fold, params, values):
        point = family.fit_path(fold, params, values, seed=3)[-1]
        rows = np.random.default_rng(0).permutation(len(fold.y_train))
        shuffled = replace(fold, y_train=fold.y_train[rows], prepared={})
        chance = family.fit_path(shuffled, params, values, seed=3)[-1]
        truth = make_rows(40, seed=2)[1]
        right = point.P_validation.argmax(axis=1) == truth
        assert right.mean() > (chance.P_validation.argmax(axis=1) == truth).mean() + 0.15

    def test_a_path_equals_fits_of_single_points(self, family, fold, params, values):
        points = family.fit_path(fold, params, values, seed=3)
        for value, point in zip(values, points, strict=True):
            model = family.fit(
                fold.X_train, fold.y_train, N_CLASSES, single(params, family, value), seed=3
            )
            for P, X in ((point.P_validation, fold.X_validation), (point.P_probe, fold.X_probe)):
                if family.path_parameter == "n_estimators":
                    np.testing.assert_array_equal(model.predict_proba(X), P)
                else:
                    np.testing.assert_allclose(model.predict_proba(X), P, atol=1e-6)

    def test_a_repeated_value_is_the_same_point_and_costs_nothing(
        self, family, fold, params, values
    ):
        first, again = family.fit_path(fold, params, [values[0], values[0]], seed=3)
        np.testing.assert_array_equal(first.P_validation, again.P_validation)
        assert first.fit_seconds > 0
        assert again.fit_seconds == 0

    def test_the_result_is_a_function_of_rows_parameters_and_seed(
        self, family, fold, params, values
    ):
        prepared = dict(fold.prepared)
        once = family.fit_path(fold, params, values, seed=3)
        with_cache = family.fit_path(fold, params, values, seed=3)
        anew = family.fit_path(replace(fold, prepared=prepared), params, values, seed=3)
        assert fold.prepared or family.name == "random_forest"
        for a, b, c in zip(once, with_cache, anew, strict=True):
            np.testing.assert_array_equal(a.P_validation, b.P_validation)
            np.testing.assert_array_equal(a.P_validation, c.P_validation)
            np.testing.assert_array_equal(a.P_probe, c.P_probe)
            assert a.diagnostics == b.diagnostics == c.diagnostics

    def test_another_configuration_in_between_leaves_no_trace(self, family, fold, params, values):
        once = family.fit_path(fold, params, values, seed=3)[0]
        family.fit_path(fold, {}, values, seed=4)
        again = family.fit_path(fold, params, values, seed=3)[0]
        np.testing.assert_array_equal(once.P_validation, again.P_validation)

    def test_what_is_prepared_is_named_by_the_family(self, family, fold, params, values):
        family.fit_path(fold, params, values, seed=3)
        assert all(key.startswith(family.name) for key in fold.prepared)

    def test_a_model_survives_its_bytes(self, family, fold, params, values):
        model = family.fit(
            fold.X_train, fold.y_train, N_CLASSES, single(params, family, values[0]), seed=3
        )
        content = model.to_bytes()
        again = family.from_bytes(content)
        np.testing.assert_array_equal(
            model.predict_proba(fold.X_validation), again.predict_proba(fold.X_validation)
        )
        assert again.predict_proba(fold.X_validation).shape == (len(fold.X_validation), N_CLASSES)
        assert again.to_bytes() == content

    def test_bytes_that_are_no_such_model_are_refused(self, family):
        other = next(f for f in FAMILIES.values() if f is not family)
        X, y = make_rows(30, seed=1)
        foreign = other.fit(X, y, N_CLASSES, {}, seed=0).to_bytes()
        with pytest.raises(StoreError, match=f"of {family.name}, found .* of {other.name}"):
            family.from_bytes(foreign)
        for broken in (b"", b"PK nonsense", foreign[: len(foreign) // 2]):
            with pytest.raises(StoreError, match="cannot be read"):
                family.from_bytes(broken)

    def test_rows_with_other_columns_are_refused(self, family, fold, params):
        model = family.fit(fold.X_train, fold.y_train, N_CLASSES, {}, seed=0)
        with pytest.raises(DataError, match=r"11 columns of training, found shape \(40, 10\)"):
            model.predict_proba(fold.X_validation[:, :10])

    def test_a_single_cause_is_certain(self, family, fold, params, values):
        one = replace(fold, y_train=np.full_like(fold.y_train, 2), prepared={})
        certain = np.eye(N_CLASSES)[np.full(len(fold.X_validation), 2)]
        for point in family.fit_path(one, params, values, seed=3):
            np.testing.assert_array_equal(point.P_validation, certain)
        model = family.fit(one.X_train, one.y_train, N_CLASSES, params, seed=3)
        again = family.from_bytes(model.to_bytes())
        np.testing.assert_array_equal(again.predict_proba(fold.X_validation), certain)

    def test_two_causes_are_enough(self, family, fold, params, values):
        two = fold.y_train < 2
        small = FoldData(
            fold.X_train[two], fold.y_train[two], fold.X_validation, fold.X_probe, N_CLASSES
        )
        P = family.fit_path(small, params, values, seed=3)[-1].P_validation
        np.testing.assert_allclose(P[:, :2].sum(axis=1), 1, rtol=1e-6)
        assert (P[:, 2:] == 0).all()
        assert P[:, 0].std() > 0

    def test_codes_outside_the_cause_list_are_refused(self, family, fold):
        with pytest.raises(DataError, match=r"0 … 1, found 0 … 4"):
            family.fit(fold.X_train, fold.y_train, 2, {}, seed=0)

    def test_no_training_rows_are_refused(self, family, fold):
        with pytest.raises(DataError, match="at least one training row"):
            family.fit(fold.X_train[:0], fold.y_train[:0], N_CLASSES, {}, seed=0)

    def test_unknown_and_invalid_parameters_are_told_together(self, family, fold, values):
        wrong = {"depth": 3, family.path_parameter: -1}
        with pytest.raises(ConfigError) as caught:
            family.fit(fold.X_train, fold.y_train, N_CLASSES, wrong, seed=0)
        message = str(caught.value)
        assert message.startswith(f"{family.name}: ")
        assert "depth: is not a known key" in message
        assert f"parameters are {next(iter(family.Parameters.model_fields))}, " in message
        assert f"{family.path_parameter}: input should be greater than" in message
        assert ", got -1" in message

    def test_an_empty_path_is_refused(self, family, fold):
        with pytest.raises(ConfigError, match="at least one value"):
            family.fit_path(fold, {}, [], seed=0)

    def test_every_value_of_the_default_space_is_a_valid_parameter(self, family):
        space = {
            name: choices for name, choices in family.default_space.items() if name != "forbid"
        }
        for name, entry in space.items():
            choices, when = (
                (entry["choices"], entry["when"]) if isinstance(entry, dict) else (entry, {})
            )
            for choice in choices:
                needs = {"l1_ratio": 0.5} if choice == "elasticnet" else {}
                family.Parameters.model_validate({**when, **needs, name: choice})


SIMPLER = [
    ("xgboost", {"n_estimators": 50}, {"n_estimators": 100}),
    ("xgboost", {"max_depth": 3}, {"max_depth": 6}),
    ("xgboost", {"n_estimators": 100, "max_depth": 3}, {"n_estimators": 50, "max_depth": 9}),
    ("xgboost", {"learning_rate": 0.05}, {"learning_rate": 0.3}),
    ("xgboost", {"reg_lambda": 10}, {"reg_lambda": 1}),
    ("random_forest", {"min_samples_leaf": 4}, {"min_samples_leaf": 1}),
    ("random_forest", {"max_depth": 10}, {"max_depth": None}),
    ("random_forest", {"min_samples_split": 10}, {"min_samples_split": 2}),
    ("random_forest", {"n_estimators": 100}, {"n_estimators": 500}),
    ("logistic_regression", {"C": 0.01}, {"C": 10}),
    ("logistic_regression", {"penalty": "l1"}, {"penalty": "l2"}),
    (
        "logistic_regression",
        {"penalty": "elasticnet", "l1_ratio": 0.9},
        {"penalty": "elasticnet", "l1_ratio": 0.1},
    ),
]


@pytest.mark.parametrize(("name", "simple", "complicated"), SIMPLER)
def test_configurations_are_ordered_by_how_complicated_they_are(name, simple, complicated):
    family = FAMILIES[name]
    assert family.complexity(simple) < family.complexity(complicated)
    assert len(family.complexity(simple)) == len(family.complexity(complicated))
    assert family.complexity(simple) == family.complexity(dict(reversed(simple.items())))


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        (
            "xgboost",
            {
                "n_estimators": 100,
                "max_depth": 6,
                "learning_rate": 0.3,
                "subsample": 1,
                "reg_lambda": 1,
            },
        ),
        (
            "random_forest",
            {
                "n_estimators": 100,
                "max_depth": None,
                "min_samples_split": 2,
                "max_features": "sqrt",
            },
        ),
        ("logistic_regression", {"C": 1, "penalty": "l2", "solver": "saga", "l1_ratio": None}),
    ],
)
def test_untuned_defaults_are_the_libraries(name, defaults):
    assert defaults.items() <= FAMILIES[name].Parameters().model_dump().items()


def test_an_unknown_family_is_refused_with_those_there_are():
    with pytest.raises(
        ConfigError, match="one of xgboost, random_forest, logistic_regression; found 'svm'"
    ):
        get_family("svm")


def test_importing_the_families_loads_no_heavy_library():
    check = (
        "import sys, tuner_job.models as m; print({'xgboost', 'sklearn', 'pandas'} & "
        "set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
