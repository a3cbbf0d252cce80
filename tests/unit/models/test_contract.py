"""What every family promises, whichever it is."""

import subprocess
import sys

import pytest

from tuner_job.errors import ConfigError
from tuner_job.models import FAMILIES, get_family
from tuner_job.models.base import FoldData, ModelFamily
from tuner_job.models.estimators.family import EstimatorFamily
from tuner_job.models.estimators.making import Recipe
from tuner_job.models.estimators.trust import Trust
from tuner_job.testing import CHECKS, N_CLASSES, Case, check_family, make_fold
from tuner_job.threads import threads_to_spare

VALUES = {
    "xgboost": [4, 1, 9],
    "random_forest": [6, 1, 15],
    "logistic_regression": [0.1, 0.01, 1.0],
    "naive_bayes": [0.5, 0.2, 1.0],
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
    "naive_bayes": {"smoothing": 0.5, "share": 0.8, "bins": 3},
}


def fitted_with(n: int, family: ModelFamily, fold: FoldData, params: dict[str, object]) -> bytes:
    with threads_to_spare(n):
        return family.fit(fold.X_train, fold.y_train, fold.n_classes, params, 0).to_bytes()


def estimator(*classes: str, path: str | None = None, **fixed: object) -> EstimatorFamily:
    return EstimatorFamily("own", Recipe(classes, fixed, path), Trust(("sklearn", "lightgbm")))


CASES = {name: Case(family, PARAMS[name], VALUES[name]) for name, family in FAMILIES.items()} | {
    "boosting": Case(
        estimator(
            "sklearn.ensemble.HistGradientBoostingClassifier", path="max_iter", early_stopping=False
        ),
        {"max_leaf_nodes": 7, "min_samples_leaf": 5},
        [6, 2, 12],
    ),
    "lightgbm": Case(
        estimator("lightgbm:LGBMClassifier", path="n_estimators", verbose=-1),
        {"num_leaves": 7, "min_child_samples": 5, "subsample": 0.7, "subsample_freq": 1},
        [6, 2, 12],
    ),
    "forest": Case(
        estimator("sklearn.ensemble.RandomForestClassifier", path="n_estimators"),
        {"max_features": 0.5, "class_weight": "balanced"},
        [6, 1, 15],
    ),
    "pipeline": Case(
        estimator("sklearn.preprocessing.Binarizer", "sklearn.naive_bayes.BernoulliNB"),
        {"binarizer__threshold": 0.5, "bernoullinb__alpha": 0.3},
        [None],
    ),
    "network": Case(
        estimator("sklearn.neural_network.MLPClassifier", path="max_iter", solver="lbfgs"),
        {"alpha": 0.1},
        [30, 10],
    ),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", CASES)
def test_it_keeps_its_promise(name, check):
    check(CASES[name])


@pytest.mark.parametrize("name", FAMILIES)
def test_a_model_is_the_same_whatever_threads_there_are_to_spare(name):
    fold, (family, params, values) = make_fold(), (FAMILIES[name], PARAMS[name], VALUES[name])
    whole = {**params, family.path_parameter: values[0]} if family.path_parameter else params
    alone, together = (fitted_with(n, family, fold, whole) for n in (1, 3))
    assert alone == together


def test_all_promises_are_checked_at_once():
    case = CASES["naive_bayes"]
    check_family(case.family, case.params, case.values)


class Forgetful:
    """A family that gives the points of a path in the wrong order."""

    def __init__(self, family):
        self._family = family

    def __getattr__(self, name):
        return getattr(self._family, name)

    def fit_path(self, fold, params, values, seed):
        return self._family.fit_path(fold, params, values, seed)[::-1]


def test_a_family_that_breaks_one_is_told_which():
    case = CASES["naive_bayes"]
    with pytest.raises(AssertionError, match=r"the path's point of .* must equal a fit"):
        check_family(Forgetful(case.family), case.params, case.values)


@pytest.mark.parametrize("name", FAMILIES)
def test_unknown_and_invalid_parameters_are_told_together(name):
    family, fold = FAMILIES[name], make_fold()
    wrong = {"depth": 3, family.path_parameter: -1}
    with pytest.raises(ConfigError) as caught:
        family.fit(fold.X_train, fold.y_train, N_CLASSES, wrong, seed=0)
    message = str(caught.value)
    assert message.startswith(f"{family.name}: ")
    assert "depth: is not a known key" in message
    assert f"parameters are {next(iter(family.Parameters.model_fields))}, " in message
    assert f"{family.path_parameter}: input should be greater than" in message
    assert ", got -1" in message


@pytest.mark.parametrize("name", FAMILIES)
def test_every_value_of_the_default_space_is_a_valid_parameter(name):
    family = FAMILIES[name]
    space = {name: choices for name, choices in family.default_space.items() if name != "forbid"}
    for parameter, entry in space.items():
        choices, when = (
            (entry["choices"], entry["when"]) if isinstance(entry, dict) else (entry, {})
        )
        for choice in choices:
            needs = {"l1_ratio": 0.5} if choice == "elasticnet" else {}
            family.Parameters.model_validate({**when, **needs, parameter: choice})


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
    ("naive_bayes", {"share": 0.2}, {"share": 0.4}),
    ("naive_bayes", {"share": 0.2, "bins": 8}, {"share": 0.4, "bins": 2}),
    ("naive_bayes", {"bins": 2}, {"bins": 4}),
    ("naive_bayes", {"power": 0.1}, {"power": 1}),
    ("naive_bayes", {"smoothing": 10}, {"smoothing": 1}),
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
        ("naive_bayes", {"smoothing": 1, "power": 1, "share": 1}),
    ],
)
def test_untuned_defaults_are_the_libraries(name, defaults):
    assert defaults.items() <= FAMILIES[name].Parameters().model_dump().items()


def test_an_unknown_family_is_refused_with_those_there_are():
    with pytest.raises(
        ConfigError,
        match="one of xgboost, random_forest, logistic_regression, naive_bayes; found 'svm'",
    ):
        get_family("svm")


def test_importing_the_families_loads_no_heavy_library():
    check = (
        "import sys, tuner_job.models as m; print({'xgboost', 'sklearn', 'pandas'} & "
        "set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
