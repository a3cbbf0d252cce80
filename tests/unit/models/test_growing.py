"""Fits that grow step by step are the fits that `fit_path` makes at once."""

import numpy as np
import pytest

from tuner_job.models import FAMILIES, FoldData
from tuner_job.models.growing import as_continued, as_growing, full_size, replay

PARAMS = {
    "xgboost": {"subsample": 0.6, "colsample_bytree": 0.6, "learning_rate": 0.2},
    "random_forest": {"max_depth": 4, "class_weight": "balanced"},
}
GROWING = {name: grows for name, one in FAMILIES.items() if (grows := as_growing(one))}
STAGES = [
    (4, {"subsample": 0.6, "learning_rate": 0.3, "max_depth": 4}),
    (8, {"subsample": 0.6, "learning_rate": 0.3, "max_depth": 4}),
    (12, {"subsample": 0.8, "learning_rate": 0.1, "max_depth": 2, "reg_alpha": 1}),
]


@pytest.mark.parametrize("name", GROWING)
def test_fits_that_take_turns_equal_fit_path(fold: FoldData, name: str) -> None:
    family, params = GROWING[name], PARAMS[name]
    others = FoldData(
        fold.X_train[::2], fold.y_train[::2], fold.X_validation, fold.X_probe, fold.n_classes
    )
    growing, disturbing = family.start(fold, params, 3), family.start(others, params, 4)
    for size, expected in zip((5, 12), family.fit_path(fold, params, [5, 12], 3), strict=True):
        growing.grow_to(size)
        disturbing.grow_to(size)
        assert growing.size == size
        np.testing.assert_array_equal(growing.point().P_validation, expected.P_validation)
        np.testing.assert_array_equal(growing.point().P_probe, expected.P_probe)


@pytest.mark.parametrize("name", GROWING)
def test_going_on_from_bytes_adds_to_what_was_there(fold: FoldData, name: str) -> None:
    family, params = GROWING[name], PARAMS[name]
    growing = family.start(fold, params, 3)
    growing.grow_to(6)
    resumed = family.start(fold, params, 3, growing.to_bytes())
    assert resumed.size == 6
    np.testing.assert_array_equal(resumed.point().P_validation, growing.point().P_validation)


def test_a_forest_that_goes_on_is_the_forest_never_interrupted(fold: FoldData) -> None:
    family, params = GROWING["random_forest"], PARAMS["random_forest"]
    whole, first = family.start(fold, params, 3), family.start(fold, params, 3)
    whole.grow_to(12)
    first.grow_to(7)
    resumed = family.start(fold, params, 3, first.to_bytes())
    resumed.grow_to(12)
    np.testing.assert_array_equal(resumed.point().P_validation, whole.point().P_validation)


def test_a_booster_without_random_draws_goes_on_as_if_never_interrupted(fold: FoldData) -> None:
    family, params = GROWING["xgboost"], {"learning_rate": 0.2}
    first = family.start(fold, params, 3)
    first.grow_to(7)
    resumed = family.start(fold, params, 3, first.to_bytes())
    resumed.grow_to(12)
    (expected,) = family.fit_path(fold, params, [12], 3)
    np.testing.assert_array_equal(resumed.point().P_validation, expected.P_validation)


def test_a_schedule_replays_to_the_last_bit_and_its_parameters_matter(fold: FoldData) -> None:
    family = as_continued(FAMILIES["xgboost"])
    once, again = replay(family, fold, STAGES, 3), replay(family, fold, STAGES, 3)
    np.testing.assert_array_equal(once.P_validation, again.P_validation)
    unchanged = replay(family, fold, [*STAGES[:2], (12, STAGES[1][1])], 3)
    assert not np.array_equal(once.P_validation, unchanged.P_validation)
    fitted = family.fit_stages(fold.X_train, fold.y_train, fold.n_classes, STAGES, 3)
    np.testing.assert_array_equal(fitted.predict_proba(fold.X_validation), once.P_validation)


@pytest.mark.parametrize("name", GROWING)
def test_a_single_cause_grows_too(fold: FoldData, name: str) -> None:
    alone = FoldData(
        fold.X_train, np.zeros_like(fold.y_train), fold.X_validation, fold.X_probe, fold.n_classes
    )
    family = GROWING[name]
    growing = family.start(alone, {}, 0)
    growing.grow_to(3)
    resumed = family.start(alone, {}, 0, growing.to_bytes())
    resumed.grow_to(5)
    assert resumed.size == 5
    assert (resumed.point().P_validation[:, 0] == 1).all()


def test_a_size_is_the_configuration_s_own_or_the_default_s() -> None:
    assert full_size(FAMILIES["xgboost"], {"n_estimators": 7}) == 7
    assert full_size(FAMILIES["random_forest"], {}) == 100


def test_families_say_what_may_change_during_training_or_why_nothing() -> None:
    for family in FAMILIES.values():
        assert family.mutable <= set(family.Parameters.model_fields)
        assert bool(family.mutable) == (not family.why_not_mutable)
        assert not family.mutable or as_growing(family)
