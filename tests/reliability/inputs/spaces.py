"""Search spaces that cannot be searched, and large ones that must be counted at once."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.reliability.case import (
    ONLY_ACCEPTED,
    ONLY_REFUSED,
    REFUSED_OR_ACCEPTED,
    Case,
    Outcome,
)
from tests.reliability.samples import experiment, put

GROUP = "search spaces"

_REFUSED: dict[str, dict[str, Any]] = {
    "empty": {},
    "only forbid": {"forbid": [{"max_depth": 3}]},
    "no choices": {"max_depth": []},
    "an unknown parameter": {"depth": [3]},
    "a parameter that is null": {"max_depth": {"low": None, "high": 3}},
    "choices and bounds": {"max_depth": {"choices": [3], "low": 1, "high": 2}},
    "choices that are text": {"max_depth": "deep"},
    "choices equal as numbers": {"max_depth": [3, 3.0]},
    "choices twice": {"max_depth": [3, 3]},
    "a choice out of bounds": {"n_estimators": [0, 10]},
    "a choice of nan": {"max_features": [float("nan"), 0.5]},
    "a choice of infinity": {"max_features": [float("inf"), 0.5]},
    "a choice of 10⁴⁰⁰": {"n_estimators": [10**400]},
    "a choice of true": {"n_estimators": [True, 10]},
    "a choice of a list": {"n_estimators": [[1], 10]},
    "a choice of a fraction": {"n_estimators": [1.5, 10]},
    "reversed": {"n_estimators": {"low": 30, "high": 10}},
    "low is high": {"n_estimators": {"low": 30, "high": 30}},
    "low is text": {"n_estimators": {"low": "x", "high": 30}},
    "low is nan": {"max_features": {"low": float("nan"), "high": 0.5}},
    "high is infinity": {"max_features": {"low": 0.1, "high": float("inf")}},
    "high is 10⁴⁰⁰": {"n_estimators": {"low": 1, "high": 10**400}},
    "low out of bounds": {"n_estimators": {"low": -5, "high": 30}},
    "high out of bounds": {"max_features": {"low": 0.5, "high": 1.5}},
    "without high": {"n_estimators": {"low": 1}},
    "step of 0": {"n_estimators": {"low": 1, "high": 9, "step": 0}},
    "step below 0": {"n_estimators": {"low": 1, "high": 9, "step": -1}},
    "step of nan": {"max_features": {"low": 0.1, "high": 0.9, "step": float("nan")}},
    "step of infinity": {"max_features": {"low": 0.1, "high": 0.9, "step": float("inf")}},
    "step of a fraction for an integer": {"n_estimators": {"low": 1, "high": 9, "step": 0.5}},
    "bounds of a fraction for an integer": {"n_estimators": {"low": 1.5, "high": 9.5}},
    "bounds of a fraction and a step of 1": {"n_estimators": {"low": 1.5, "high": 9.5, "step": 1}},
    "step and log": {"n_estimators": {"low": 1, "high": 9, "step": 1, "log": True}},
    "log from 0": {"min_samples_leaf": {"low": 0, "high": 9, "log": True}},
    "log below 0": {"max_features": {"low": -1.0, "high": 0.5, "log": True}},
    "log is text": {"n_estimators": {"low": 1, "high": 9, "log": "maybe"}},
    "when of nothing":
        {"max_depth": {"choices": [3, 4], "when": {"nope": 1}}, "n_estimators": [5, 10]},
    "when of itself": {"max_depth": {"choices": [3, 4], "when": {"max_depth": 3}}},
    "when in a circle": {
        "max_depth": {"choices": [3, 4], "when": {"n_estimators": 5}},
        "n_estimators": {"choices": [5, 10], "when": {"max_depth": 3}},
    },
    "when of a value that never is": {
        "max_depth": [3, 4],
        "n_estimators": {"choices": [5, 10], "when": {"max_depth": 7}},
    },
    "when of no values":
        {"max_depth": [3, 4], "n_estimators": {"choices": [5, 10], "when": {"max_depth": []}}},
    "when is a list": {"max_depth": [3, 4], "n_estimators": {"choices": [5, 10], "when": [3]}},
    "forbid is text": {"max_depth": [3, 4], "forbid": "no"},
    "forbid is a map": {"max_depth": [3, 4], "forbid": {"max_depth": 3}},
    "forbid of nothing": {"max_depth": [3, 4], "forbid": [{"nope": 3}]},
    "forbid of an empty map": {"max_depth": [3, 4], "forbid": [{}]},
    "forbid of a value that never is": {"max_depth": [3, 4], "forbid": [{"max_depth": 7}]},
    "forbid of everything": {"max_depth": [3], "forbid": [{"max_depth": 3}]},
    "forbid of everything in parts":
        {"max_depth": [3, 4], "forbid": [{"max_depth": 3}, {"max_depth": 4}]},
    "forbid of everything, in two parameters": {
        "max_depth": [3, 4],
        "n_estimators": [5, 10],
        "forbid": [{"max_depth": d, "n_estimators": n} for d in (3, 4) for n in (5, 10)],
    },
    "forbid of a whole range": {
        "n_estimators": {"low": 1, "high": 4},
        "forbid": [{"n_estimators": n} for n in (1, 2, 3, 4)],
    },
    "forbid outside a range":
        {"n_estimators": {"low": 1, "high": 4}, "forbid": [{"n_estimators": 9}]},
    "forbid between the steps": {
        "n_estimators": {"low": 10, "high": 40, "step": 10},
        "forbid": [{"n_estimators": 15}],
    },
    "forbid of a list": {"max_depth": [3, 4], "forbid": [{"max_depth": [[3]]}]},
}  # fmt: skip

_LARGE: dict[str, Any] = {
    "n_estimators": {"low": 1, "high": 50_000},
    "min_samples_leaf": {"low": 1, "high": 10**6},
    "max_features": {"low": 0.1, "high": 0.9, "step": 1e-5},
}
_HUGE: dict[str, dict[str, Any]] = {
    "10¹⁵ configurations": _LARGE,
    "10¹⁵, with a combination forbidden": {
        **_LARGE,
        "forbid": [{"n_estimators": 5, "min_samples_leaf": 5}],
    },
    "10¹⁵, with values forbidden": {
        **_LARGE,
        "forbid": [{"n_estimators": n} for n in range(1, 200)],
    },
    "10¹⁵, with conditions": {
        **_LARGE,
        "min_samples_leaf": {"low": 1, "high": 10**6, "when": {"n_estimators": 7}},
    },
    "one range of 10⁹": {"n_estimators": {"low": 1, "high": 10**9}},
    "steps of 10⁻⁹": {"max_features": {"low": 0.1, "high": 0.9, "step": 1e-9}},
    "steps of 10⁻³⁰⁰": {"max_features": {"low": 0.1, "high": 0.9, "step": 1e-300}},
    "20,000 choices": {"n_estimators": list(range(1, 20_001))},
    "3,000 forbidden combinations": {
        "n_estimators": list(range(1, 101)),
        "max_depth": list(range(1, 101)),
        "forbid": [{"n_estimators": 1 + i % 100, "max_depth": 1 + i // 100} for i in range(3000)],
    },
}


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, space in _REFUSED.items():
        yield _case("refused", name, space, ONLY_REFUSED, names=("random_forest|line ",))
    for name, space in _HUGE.items():
        methods = {
            "random": ONLY_ACCEPTED if name.startswith("10¹⁵") else REFUSED_OR_ACCEPTED,
            "bayesian": REFUSED_OR_ACCEPTED,
        }
        for method, allowed in methods.items():
            yield _case(f"huge, {method}", name, space, allowed, method)
        if "choices" not in name and "combinations" not in name:
            yield _case("huge, grid", name, space, ONLY_REFUSED, "grid", ("random_forest",))
    fine = {"max_features": {"low": 0.09, "high": 1, "step": 0.07}}
    yield _case("borders", "a step that ends on the border", fine, ONLY_ACCEPTED, "grid")
    fine = {"max_features": {"low": 0.1, "high": 0.95, "step": 0.1}}
    yield _case("borders", "a step that ends before the border", fine, REFUSED_OR_ACCEPTED, "grid")
    fine = {"max_features": {"low": 0.1, "high": 0.2, "step": 0.5}}
    yield _case("borders", "a step longer than the range", fine, REFUSED_OR_ACCEPTED, "grid")
    ranged = {
        "max_depth": [3, 4],
        "n_estimators": {"low": 5, "high": 6},
        "forbid": [{"max_depth": 3, "n_estimators": 5}],
    }
    yield _case("forbid", "of a range is counted", ranged, ONLY_ACCEPTED, "grid", says="3 trials")
    ranged = {
        "max_depth": {"low": 3, "high": 4},
        "n_estimators": {"low": 5, "high": 6},
        "forbid": [{"max_depth": 3}],
    }
    yield _case("forbid", "of one range is counted", ranged, ONLY_ACCEPTED, "grid", says="2 trials")
    ranged = {"n_estimators": {"low": 10, "high": 40, "step": 10}, "forbid": [{"n_estimators": 20}]}
    yield _case(
        "forbid", "of a stepped range is counted", ranged, ONLY_ACCEPTED, "grid", says="3 trials"
    )


def _case(
    kind: str,
    name: str,
    space: dict[str, Any],
    allowed: frozenset[str],
    method: str = "random",
    names: tuple[str, ...] = (),
    says: str = "",
) -> Case:
    content = experiment(
        tuning={"search_method": method, "search_spaces": {"random_forest": space}}
    )

    def check(folder: Path, outcome: Outcome) -> Iterator[str]:
        if says not in outcome.out:
            yield f"says not `{says}`: {outcome.out!r}"

    argv = ("validate", "experiment.yaml")
    return Case(GROUP, kind, name, argv, partial(put, content=content), allowed, names, check=check)
