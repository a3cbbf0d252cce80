"""A configuration of one search space as the same model in another one."""

from typing import Any

import pytest

from tuner_job.models import FAMILIES
from tuner_job.search_space import ModelSearchSpace, carried

UNTUNED = FAMILIES["xgboost"].Parameters.model_validate({}).model_dump()


def carry(model: str, space: dict[str, Any], params: dict[str, Any]) -> dict[str, Any] | None:
    family = FAMILIES[model]
    untuned = family.Parameters.model_validate({}).model_dump()
    bound = ModelSearchSpace.model_validate(space).bind(family.Parameters)
    return carried(bound, params, untuned, untuned)


@pytest.mark.parametrize(
    ("space", "params", "same"),
    [
        ({"max_depth": [2, 3]}, {"max_depth": 3}, True),
        ({"max_depth": [2, 3]}, {"max_depth": 4}, False),
        ({"max_depth": {"low": 2, "high": 9}}, {"max_depth": 4}, True),
        ({"max_depth": {"low": 2, "high": 8, "step": 3}}, {"max_depth": 4}, False),
        ({"learning_rate": {"low": 0.1, "high": 0.5}}, {"learning_rate": 0.25}, True),
        ({"learning_rate": {"low": 0.1, "high": 0.5}}, {"learning_rate": 0.05}, False),
        # what only one side names is untuned on the other
        ({"max_depth": [3], "learning_rate": [0.1, 0.3]}, {"max_depth": 3}, True),
        ({"max_depth": [3], "learning_rate": [0.1, 0.2]}, {"max_depth": 3}, False),
        ({"max_depth": [3]}, {"max_depth": 3, "learning_rate": 0.3}, True),
        ({"max_depth": [3]}, {"max_depth": 3, "learning_rate": 0.1}, False),
        (
            {
                "max_depth": [2, 3],
                "n_estimators": [5, 9],
                "forbid": [{"max_depth": 3, "n_estimators": 9}],
            },
            {"max_depth": 3, "n_estimators": 9},
            False,
        ),
    ],
)
def test_it_is_the_same_model_or_none(
    space: dict[str, Any], params: dict[str, Any], same: bool
) -> None:
    found = carry("xgboost", space, params)
    assert (found is not None) == same
    if found is not None:
        assert {**UNTUNED, **found} == {**UNTUNED, **params}


def test_conditions_are_those_of_the_new_space() -> None:
    space = {
        "C": [0.1, 1.0],
        "penalty": ["l2", "elasticnet"],
        "l1_ratio": {"choices": [0.2, 0.8], "when": {"penalty": "elasticnet"}},
    }
    mixed = {"C": 1.0, "penalty": "elasticnet", "l1_ratio": 0.2}
    assert carry("logistic_regression", space, mixed) == mixed
    plain = {"C": 1.0, "penalty": "l2"}
    assert carry("logistic_regression", space, plain) == plain
    assert carry("logistic_regression", space, {**plain, "l1_ratio": 0.2}) is None
    assert carry("logistic_regression", {"C": [0.1, 1.0]}, plain) == {"C": 1.0}
    assert carry("logistic_regression", {"C": [0.1, 1.0]}, mixed) is None


def test_a_whole_number_becomes_one_of_a_continuum() -> None:
    found = carry(
        "xgboost", {"min_child_weight": {"low": 0.5, "high": 9.5}}, {"min_child_weight": 3}
    )
    assert found == {"min_child_weight": 3.0}
    assert type(found["min_child_weight"]) is float
