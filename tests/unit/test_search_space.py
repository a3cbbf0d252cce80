from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from tuner_job.models import FAMILIES
from tuner_job.search_space import ModelSearchSpace, SearchSpace


class Schema(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int = 1
    b: float = 1.0
    kind: str = "x"
    share: float | None = None


def space(content: dict[str, Any]) -> SearchSpace:
    return ModelSearchSpace.model_validate(content).bind(Schema)


@pytest.mark.parametrize(
    ("model", "count"),
    # xgboost 4·4·4·3·3·4·4; forest 4·4·3·3·4; C × (l1, l2 with 2 solvers each, elasticnet with 3
    # ratios)
    [
        ("xgboost", 9216),
        ("random_forest", 576),
        ("logistic_regression", 6 * (2 * 2 + 3)),
        ("naive_bayes", 5 * 5 * 4 * 3),
    ],
)
def test_default_spaces_count_valid_distinct_configurations(model: str, count: int) -> None:
    family = FAMILIES[model]
    bound = ModelSearchSpace.model_validate(family.default_space).bind(family.Parameters)
    found = {tuple(sorted(c.items(), key=str)) for c in bound.configurations()}
    assert bound.count() == count == len(found)


def test_l1_ratio_only_with_elasticnet_and_liblinear_never_with_it() -> None:
    family = FAMILIES["logistic_regression"]
    bound = ModelSearchSpace.model_validate(family.default_space).bind(family.Parameters)
    for configuration in bound.configurations():
        assert ("l1_ratio" in configuration) == (configuration["penalty"] == "elasticnet")
        assert (configuration["penalty"], configuration["solver"]) != ("elasticnet", "liblinear")


def test_samples_are_valid_and_reach_everything() -> None:
    bound = space(
        {"a": [1, 2], "kind": ["x", "y"], "share": {"choices": [0.5], "when": {"kind": "y"}}}
    )
    rng = np.random.default_rng(0)
    seen = Counter(repr(sorted(bound.sample(rng).items())) for _ in range(200))
    assert len(seen) == bound.count() == 4


def test_ranges_list_their_steps_and_keep_their_type() -> None:
    bound = space({"a": {"low": 1, "high": 7, "step": 3}, "b": {"low": 0, "high": 1, "step": 0.5}})
    values = {name: list(parameter.values or ()) for name, parameter in bound.parameters.items()}
    assert values == {"a": [1, 4, 7], "b": [0.0, 0.5, 1.0]}
    assert all(isinstance(value, float) for value in values["b"])


@pytest.mark.parametrize("log", [True, False])
def test_ranges_are_sampled_within_their_bounds_on_their_scale(log: bool) -> None:
    bound = space(
        {"a": {"low": 1, "high": 100, "log": log}, "b": {"low": 0.001, "high": 1000, "log": log}}
    )
    rng = np.random.default_rng(0)
    samples = [bound.sample(rng) for _ in range(2000)]
    a, b = (np.array([s[name] for s in samples], dtype=float) for name in ("a", "b"))
    assert a.min() == 1
    assert a.max() == 100
    assert b.min() >= 0.001
    assert b.max() <= 1000
    assert np.median(b) == pytest.approx(1 if log else 500, rel=0.3)
    assert bound.count() is None


def test_the_order_of_keys_does_not_matter() -> None:
    one = space({"a": [1, 2], "b": [1, 2.0 + 1]})
    other = space({"b": [1.0, 3], "a": [1, 2]})
    assert list(one.configurations()) == list(other.configurations())
    assert list(one.sample(np.random.default_rng(1))) == ["a", "b"]


def test_a_single_value_is_fixed() -> None:
    assert list(space({"a": 3, "kind": "y"}).configurations()) == [{"a": 3, "kind": "y"}]


def test_forbidden_combinations_with_more_than_two_parameters() -> None:
    bound = space(
        {
            "a": [1, 2],
            "b": [1.0, 2.0],
            "kind": ["x", "y"],
            "forbid": [{"a": 1, "b": 2.0, "kind": "y"}],
        }
    )
    assert bound.count() == 7
    rng = np.random.default_rng(0)
    assert {"a": 1, "b": 2.0, "kind": "y"} not in [bound.sample(rng) for _ in range(200)]


def test_a_written_out_space_is_the_same_space() -> None:
    family = FAMILIES["logistic_regression"]
    bound = ModelSearchSpace.model_validate(family.default_space).bind(family.Parameters)
    written = {
        name: parameter.model_dump(mode="json") for name, parameter in bound.parameters.items()
    }
    again = ModelSearchSpace.model_validate({**written, "forbid": bound.forbid}).bind(
        family.Parameters
    )
    assert list(again.configurations()) == list(bound.configurations())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": {"low": 1}}, "high"),
        ({"a": {"low": 0, "high": 1, "log": True}}, "low must be above 0 on a logarithmic scale"),
        ({"a": {"low": 1, "high": 5, "log": True, "step": 1}}, "step and log exclude each other"),
        ({"a": [1, 1]}, "choices must be distinct"),
    ],
)
def test_malformed_parameters(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ModelSearchSpace.model_validate(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {
                "kind": {"choices": ["x"], "when": {"a": 1}},
                "a": {"choices": [1], "when": {"kind": "x"}},
            },
            "in a circle",
        ),
        ({"a": {"choices": [1], "when": {"size": 2}}}, "a.when: size is not in this space"),
        ({"a": [1], "forbid": [{"kind": "z"}]}, r"forbid\[0\]: kind is not in this space"),
    ],
)
def test_contradictions(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        space(content)
