"""Properties of generated search spaces: lists, ranges, conditions, forbidden combinations."""

import itertools
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from tuner_job.search.samplers.grid import GridSampler
from tuner_job.search.samplers.optuna import OptunaSampler, named_sampler
from tuner_job.search.samplers.perturb import perturb
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.trial import Trial
from tuner_job.search_space import Choices, Configuration, ModelSearchSpace, Range, SearchSpace

THOROUGH = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
BRIEF = settings(THOROUGH, max_examples=12)


class Schema(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int = 1
    b: float = 1.0
    c: str | None = "x"
    d: int = 1
    e: float | str = 0.5
    n: int = 1


NUMBERS = [0.1, 0.2, 0.30, 0.7, 1.0, 2.5]
VALUES: dict[str, st.SearchStrategy[list[Any]]] = {
    "c": st.lists(
        st.sampled_from(["x", "y", None, "1", "none"]), min_size=1, max_size=4, unique=True
    ),
    "e": st.lists(st.sampled_from([0.5, "sqrt", 1.0, "1"]), min_size=1, max_size=3, unique=True),
    **{
        k: st.lists(st.sampled_from([1, 2, 3, 5, 8]), min_size=1, max_size=4, unique=True)
        for k in "adn"
    },
    "b": st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4, unique=True),
}


@st.composite
def integers_between(draw: st.DrawFn, log: bool) -> dict[str, Any]:
    low = draw(st.integers(1, 5))
    step = (
        {"log": True} if log else draw(st.sampled_from([{}, {"step": 1}, {"step": 2}, {"step": 3}]))
    )
    return {"low": low, "high": low + draw(st.integers(1, 6)), **step}


@st.composite
def decimals_between(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.sampled_from([0.09, 0.1, 0.3, 1, -0.7]))
    return {
        "low": low,
        "high": low + draw(st.sampled_from([0.3, 0.91, 1])),
        "step": draw(st.sampled_from([0.07, 0.1])),
    }


def values_of(parameter: Any) -> list[Any]:
    """What a condition may name, worked out apart from the code under test."""
    if isinstance(parameter, list):
        return parameter
    if "step" in parameter and isinstance(parameter["step"], float):
        return [parameter["low"]]
    return list(range(parameter["low"], parameter["high"] + 1, parameter.get("step", 1)))


@st.composite
def contents(draw: st.DrawFn, log: bool = False) -> dict[str, Any]:
    """A space as it stands in a file; `log`: with logarithmic ranges of integers, which no grid
    lists."""
    names = draw(st.lists(st.sampled_from("abcden"), min_size=1, max_size=5, unique=True))
    content: dict[str, Any] = {}
    for name in sorted(names):
        kinds = [VALUES[name]]
        kinds += (
            [integers_between(log)]
            if name in "adn"
            else [decimals_between()]
            if name == "b"
            else []
        )
        content[name] = draw(st.one_of(kinds))
    plain = dict(content)
    order = draw(st.permutations(names))
    for i, name in enumerate(order[1:], start=1):
        if draw(st.booleans()):
            other = draw(st.sampled_from(order[:i]))
            wanted = draw(
                st.lists(
                    st.sampled_from(values_of(plain[other])), min_size=1, max_size=2, unique=True
                )
            )
            own = {"choices": plain[name]} if isinstance(plain[name], list) else plain[name]
            content[name] = {**own, "when": {other: wanted if len(wanted) > 1 else wanted[0]}}
    rules = []
    for _ in range(draw(st.integers(0, 4))):
        named = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        rules.append({name: draw(st.sampled_from(values_of(plain[name]))) for name in named})
    return {**content, "forbid": rules} if rules else content


def bound(content: dict[str, Any]) -> SearchSpace:
    """Bind a space; one that forbids everything is none."""
    try:
        return ModelSearchSpace.model_validate(content).bind(Schema)
    except ValueError as error:
        assume("`forbid` excludes every configuration" not in str(error))
        raise


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def exists(parameter: Choices | Range, chosen: Configuration) -> bool:
    wanted = {k: v if isinstance(v, list) else [v] for k, v in (parameter.when or {}).items()}
    return all(
        k in chosen and any(same(chosen[k], v) for v in options) for k, options in wanted.items()
    )


def is_valid(space: SearchSpace, configuration: Configuration) -> bool:
    """Written anew, as plainly as can be."""
    for name, parameter in space.parameters.items():
        if exists(parameter, configuration) != (name in configuration):
            return False
        if name not in configuration:
            continue
        value = configuration[name]
        if isinstance(parameter, Choices):
            if not any(same(value, choice) for choice in parameter.choices):
                return False
        elif not (isinstance(value, int | float) and parameter.low <= value <= parameter.high):
            return False
    return not any(
        all(k in configuration and same(configuration[k], v) for k, v in rule.items())
        for rule in space.forbid
    )


def key(configuration: Configuration) -> str:
    return repr(sorted(configuration.items()))


def by_brute_force(space: SearchSpace) -> list[Configuration]:
    """Every combination of every value or absence, sifted."""
    absent = object()
    options = [
        [*(p.members or ()), absent] if p.when else list(p.members or ())
        for p in space.parameters.values()
    ]
    combinations = (
        dict(zip(space.parameters, values, strict=True)) for values in itertools.product(*options)
    )
    present = (
        {k: v for k, v in combination.items() if v is not absent} for combination in combinations
    )
    return [configuration for configuration in present if is_valid(space, configuration)]


@THOROUGH
@given(contents())
def test_counting_indexing_and_listing_agree_with_sifting_all_combinations(
    content: dict[str, Any],
) -> None:
    space = bound(content)
    assume(np.prod([len(p.members or ()) + 1 for p in space.parameters.values()]) < 20_000)
    wanted = {key(configuration) for configuration in by_brute_force(space)}
    listed = list(space.configurations())
    assert len(listed) == space.count() == len(wanted)
    assert {key(configuration) for configuration in listed} == wanted
    assert [space.configuration(i) for i in range(len(listed))] == listed
    assert all(space.holds(configuration) for configuration in listed)
    assert sorted(space.indices(np.random.default_rng(1))) == list(range(len(listed)))


@pytest.mark.slow
@THOROUGH
@given(contents(log=True), st.integers(0, 99))
def test_random_draws_are_valid_distinct_and_reach_everything(
    content: dict[str, Any], seed: int
) -> None:
    space = bound(content)
    size = space.count()
    assert size is not None
    assume(size < 3000)
    drawn = [configuration for (configuration,) in iter(RandomSampler(space, seed).ask, None)]
    assert len({key(configuration) for configuration in drawn}) == len(drawn) == size
    assert all(is_valid(space, configuration) for configuration in drawn)


@THOROUGH
@given(contents(), st.integers(0, 99))
def test_a_grid_that_is_not_listed_holds_the_same_batches(
    content: dict[str, Any], seed: int
) -> None:
    space = bound(content)
    assume((space.count() or 0) < 2000)
    with pytest.MonkeyPatch.context() as patch:
        listed = list(iter(GridSampler(space, "n", seed).ask, None))
        patch.setattr("tuner_job.search.samplers.grid.LISTED", 0)
        drawn = list(iter(GridSampler(space, "n", seed).ask, None))
    assert sum(map(len, drawn)) == space.count()
    assert sorted(map(repr, drawn)) == sorted(map(repr, listed))


@BRIEF
@given(contents(log=True), st.sampled_from(["tpe", "nsgaii", "random"]), st.integers(0, 9))
def test_samplers_propose_what_is_valid(content: dict[str, Any], sampler: str, seed: int) -> None:
    space = bound(content)
    tuned = OptunaSampler(space, named_sampler(sampler, seed), 1)
    for number in range(14):
        asked = tuned.ask()[0]
        assert is_valid(space, asked), asked
        trial = Trial(number, number, asked, "complete")
        trial.scores = (hash(key(trial.params)) % 97 / 97,)
        trial.fold_scores = [trial.scores] * 2
        tuned.tell([trial])


@THOROUGH
@given(contents(log=True), st.sets(st.sampled_from("abcden")), st.integers(0, 99))
def test_a_changed_configuration_stays_in_the_space(
    content: dict[str, Any], mutable: set[str], seed: int
) -> None:
    space, rng = bound(content), np.random.default_rng(seed)
    before = space.sample(rng)
    for _ in range(5):
        after = perturb(before, space, mutable, rng)
        assert is_valid(space, after)
        assert {k: v for k, v in after.items() if k not in mutable} == {
            k: v for k, v in before.items() if k not in mutable
        }


@THOROUGH
@given(contents(log=True))
def test_a_space_survives_being_written(content: dict[str, Any]) -> None:
    space = bound(content)
    again = bound(yaml.safe_load(yaml.safe_dump(content)))
    assert again.parameters == space.parameters
    assert again.forbid == space.forbid
    assert again.count() == space.count()


@THOROUGH
@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
    st.floats(1e-4, 1e3),
    st.integers(0, 10**9),
)
def test_steps_stay_within_their_bounds_and_apart(
    low: float, span: float, step: float, at: int
) -> None:
    assume(low + span > low)
    values = Range(low=low, high=low + span, step=step).members
    assert values is not None
    i = at % len(values)
    assert low <= values[0] <= values[i] <= values[-1] <= low + span
    assert len({*values[max(i - 1, 0) : i + 2]}) == len(values[max(i - 1, 0) : i + 2])
    assert Range(low=low, high=low + span, step=step).position(values[i]) == i
