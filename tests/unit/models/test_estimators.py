"""Any estimator as a family: how it is made, which paths are trusted, and what it may not do."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from tuner_job.errors import ConfigError
from tuner_job.models.estimators.family import EstimatorFamily
from tuner_job.models.estimators.filling import Filling
from tuner_job.models.estimators.making import Recipe
from tuner_job.models.estimators.ways import (
    Rows,
    averaged,
    grown,
    in_classes,
    is_sound,
    staged,
    truncated,
    ways_of,
)
from tuner_job.testing import make_fold

BOOSTING = "sklearn.ensemble.HistGradientBoostingClassifier"
FOREST = "sklearn.ensemble.RandomForestClassifier"
NETWORK = "sklearn.neural_network.MLPClassifier"
LIGHT = "lightgbm:LGBMClassifier"
OWN = """
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
import numpy as np

def scaled(C=0.5):
    return make_pipeline(StandardScaler(), LogisticRegression(C=C))

class Wrong(ClassifierMixin, BaseEstimator):
    def __init__(self, how="none", size=3):
        self.how, self.size = how, size
    def fit(self, X, y):
        self.classes_ = np.unique(y)[::-1]
        return self
    def predict_proba(self, X):
        P = np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
        P[:, 0] += 0.1; P[:, -1] -= 0.1
        match self.how:
            case "nan": P[0, 0] = np.nan
            case "negative": P[0, :2] = -0.1, 2 / len(self.classes_) + 0.1
            case "sum": P *= 2
            case "shape": P = P[:, 1:]
            case "rows": P = P[:, 0]
            case "none": pass
        return P

not_callable = 3
"""


def recipe(*classes: str, path: str | None = None, **fixed: object) -> Recipe:
    return Recipe(classes, fixed, path, {"va_own": OWN})


def rows() -> Rows:
    fold = make_fold()
    X = Filling.of(fold.X_train, takes_missing=False).apply(fold.X_train)
    return Rows(X, np.searchsorted(np.unique(fold.y_train), fold.y_train).astype(np.int32), X[:40])


@pytest.mark.parametrize(
    ("made", "params", "sound"),
    [
        (recipe(BOOSTING, path="max_iter", early_stopping=False), {"max_leaf_nodes": 7}, [staged]),
        (recipe(LIGHT, path="n_estimators", verbose=-1), {"min_child_samples": 3}, [truncated]),
        (
            recipe(LIGHT, path="n_estimators", verbose=-1),
            {"boosting_type": "dart", "min_child_samples": 3, "learning_rate": 0.5},
            [],
        ),
        (  # a hundred rows are too few for any split
            recipe(LIGHT, path="n_estimators", verbose=-1),
            {"boosting_type": "dart", "min_child_samples": 40, "skip_drop": 0.0, "drop_rate": 0.5},
            [],
        ),
        (recipe(FOREST, path="n_estimators"), {}, [averaged]),
        (
            recipe("sklearn.ensemble.BaggingClassifier", path="n_estimators"),
            {"max_features": 0.5},
            [grown],
        ),
        (recipe("xgboost.XGBClassifier", path="n_estimators"), {}, [truncated]),
        (recipe(NETWORK, path="max_iter"), {}, []),
        (recipe("sklearn.linear_model.LogisticRegression", path="max_iter"), {}, []),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_path_is_gone_along_only_where_it_gives_what_single_fits_give(
    made: Recipe, params: dict[str, object], sound: list[Callable[..., object]]
) -> None:
    def make(more: dict[str, object]) -> object:
        full = {"n_estimators": 5} if made.path == "n_estimators" else {}
        return made.make({**full, **params, **more}, seed=3)

    few = rows().few(100)
    assert len(few.y) <= 100
    assert set(few.y) == set(rows().y)
    offered = ways_of(make({}), str(made.path))
    assert [way for way in offered if is_sound(way, make, str(made.path), rows(), 9)][:1] == sound


def test_an_early_stop_along_a_path_is_that_of_single_fits() -> None:
    family = EstimatorFamily("own", recipe(BOOSTING, path="max_iter", early_stopping=True))
    params = {"n_iter_no_change": 2, "learning_rate": 1.0, "validation_fraction": 0.3}
    fold = make_fold()
    along = family.fit_path(fold, params, [3, 40], 3)
    for size, point in zip((3, 40), along, strict=True):
        (alone,) = family.fit_path(make_fold(), params, [size], 3)
        np.testing.assert_array_equal(alone.P_validation, point.P_validation)


def test_seed_and_threads_are_set_in_every_step_unless_the_seed_is_fixed() -> None:
    made = recipe("sklearn.decomposition.TruncatedSVD", FOREST).make({}, seed=7).get_params()
    assert made["truncatedsvd__random_state"] == made["randomforestclassifier__random_state"] == 7
    assert made["randomforestclassifier__n_jobs"] == 1
    fixed = recipe(FOREST, random_state=1).make({}, seed=7).get_params()
    assert (fixed["random_state"], fixed["n_jobs"]) == (1, 1)


def test_parameters_have_the_library_s_defaults_but_for_what_is_fixed_or_the_search_s_own() -> None:
    fields = recipe(BOOSTING, max_depth=3).parameters()().model_dump()
    assert fields["learning_rate"] == 0.1
    assert fields["max_iter"] == 100
    assert not {"max_depth", "random_state"} & fields.keys()
    assert "n_jobs" not in recipe(FOREST).parameters().model_fields
    steps = recipe("sklearn.preprocessing.Binarizer", "sklearn.naive_bayes.BernoulliNB")
    assert {"binarizer__threshold", "bernoullinb__alpha"} <= steps.parameters().model_fields.keys()
    assert "logisticregression__C" in recipe("va_own:scaled").parameters().model_fields
    assert recipe("va_own:scaled", C=2.0).make({}).get_params()["logisticregression__C"] == 2.0


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (recipe(BOOSTING, path="max_itr"), "path: max_itr: is not .*; did you mean max_iter?"),
        (recipe(BOOSTING, path="learning_rate"), "path: must name a whole number that fits grow"),
        (recipe(BOOSTING, max_itr=3), "fixed.max_itr: is not a parameter of .*did you mean"),
        (recipe(LIGHT, num_leafs=3), "fixed.num_leafs: did you mean num_leaves?"),
        (recipe(FOREST, n_jobs=4), "fixed.n_jobs: is 1 in every fit"),
        (recipe("sklearn.svm.LinearSVC"), "is no estimator with probabilities: it lacks predict_"),
        (recipe("sklearn.ensemble.VotingClassifier"), "cannot be made: TypeError"),
        (recipe("va_own:not_callable"), "must be a class, or a function that returns an estim"),
        (recipe("math.gamma"), "cannot be made: TypeError"),
        (recipe("va_own:Wrongs"), "va_own has no Wrongs; did you mean Wrong?"),
        (recipe("sklearn.preprocessing.Binarizer", "sklearn.svm.LinearSVC"), "it lacks predict_"),
    ],
)
def test_what_cannot_be_made_is_told_in_one_sentence(made: Recipe, told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("?", r"\?")) as caught:
        made.parameters()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("nan", "not finite, or below 0"),
        ("negative", "not finite, or below 0"),
        ("sum", "sum to 2, not to 1"),
        ("shape", "a row a death and a column a cause"),
        ("rows", "a row a death and a column a cause"),
    ],
)
def test_probabilities_that_are_none_fail_the_fit(how: str, told: str) -> None:
    family = EstimatorFamily("own", recipe("va_own:Wrong", how=how))
    with pytest.raises(FloatingPointError, match=told):
        family.fit_path(make_fold(), {}, [None], 3)


def test_columns_follow_classes() -> None:
    (point,) = EstimatorFamily("own", recipe("va_own:Wrong")).fit_path(make_fold(), {}, [None], 3)
    # the first column is that of the last cause
    np.testing.assert_allclose(point.P_validation[0], [0.15, 0.25, 0.25, 0, 0.35])


class Shuffled(ClassifierMixin, BaseEstimator):
    classes_ = np.array([0, 2])


def test_classes_must_be_the_causes() -> None:
    with pytest.raises(FloatingPointError, match="classes_ must be the causes"):
        in_classes(Shuffled(), np.full((3, 2), 0.5))


@pytest.mark.parametrize(
    ("name", "takes"), [(BOOSTING, True), (LIGHT, True), (FOREST, True), (NETWORK, False)]
)
def test_whether_missing_answers_are_taken_is_found_out(name: str, takes: bool) -> None:
    fixed = {"verbose": -1} if name == LIGHT else {}
    assert EstimatorFamily("own", recipe(name, **fixed)).takes_missing is takes


def test_missing_answers_are_the_mode_or_the_mean_and_unseen_columns_nothing() -> None:
    nan = np.nan
    X = np.array([[1, 1, 5, nan], [1, 0, 7, nan], [0, nan, nan, nan], [nan, nan, 9, nan]], "f4")
    np.testing.assert_array_equal(Filling.of(X, False).values, [1, 0, 7, 0])
    np.testing.assert_array_equal(Filling.of(X, True).values, [nan, nan, nan, 0])
    filled = Filling.of(X, True).apply(X)
    np.testing.assert_array_equal(filled[:, 3], 0)
    np.testing.assert_array_equal(np.isnan(filled[:, :3]), np.isnan(X[:, :3]))


def test_fits_do_not_warn_and_tell_what_did_not_converge() -> None:
    family = EstimatorFamily("own", recipe(NETWORK, path="max_iter"))
    few, more = family.fit_path(make_fold(), {"alpha": 10.0}, [3, 2000], 3)
    assert few.diagnostics == {"converged": False}
    assert more.diagnostics == {}


def test_a_larger_size_is_less_simple_and_nothing_else_is_known() -> None:
    family = EstimatorFamily("own", recipe(BOOSTING, path="max_iter"))
    assert family.complexity({"max_iter": 10}) < family.complexity({}) == (100.0,)
    assert EstimatorFamily("own", recipe(BOOSTING)).complexity({"max_iter": 10}) == (0.0,)
