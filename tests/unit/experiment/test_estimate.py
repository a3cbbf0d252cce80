"""How long a run is said to take, from what fits are said to take."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.unit.stored import run
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.experiment import estimate
from tuner_job.experiment.estimate import estimate_run
from tuner_job.models.base import PathPoint
from tuner_job.problem import Prepared, prepare

SPACE = {"n_estimators": [100, 200, 300, 400], "max_depth": [2, 3, 4]}
EXPERIMENT: dict[str, Any] = {
    "name": "exp",
    "data": {"format": "synthetic", "synthetic": {"n_samples": 60, "n_causes": 3}},
    "models": ["random_forest"],
    "tuning": {
        "search_method": "random",
        "n_trials": 10,
        "cv_folds": 2,
        "early_stopping": "none",
        "search_spaces": {"random_forest": SPACE},
    },
}


def prepared(budget: dict[str, Any] | None = None, **tuning: Any) -> Prepared:
    content = {**EXPERIMENT, "tuning": {**EXPERIMENT["tuning"], **tuning}, "budget": budget or {}}
    return prepare(ExperimentConfig.model_validate(content))


@pytest.fixture
def two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two CPUs, on which a fit takes two seconds."""
    monkeypatch.setattr(estimate.machine, "n_cpus", lambda: 2)
    monkeypatch.setattr(estimate, "_mean_fit", lambda *_: 2.0)


@pytest.mark.usefixtures("two_seconds")
def test_fits_of_all_trials_are_counted() -> None:
    assert estimate_run(prepared()).models == {"random_forest": 2 * 11 * 2.0 / 2}
    grid = estimate_run(prepared(search_method="grid"))
    assert grid.models == {"random_forest": 2 * (1 + 12 / 4) * 2.0 / 2}, "a fit serves a path"
    stops = estimate_run(prepared(early_stopping="paired", lag=5)).models["random_forest"]
    assert stops == pytest.approx(2 * (1 + 5 + 0.8 * 5) * 2.0 / 2)


@pytest.mark.usefixtures("two_seconds")
def test_a_budget_ends_it_sooner() -> None:
    free = estimate_run(prepared())
    assert not free.by_budget
    for budget in ({"timeout": "7s"}, {"cpu_seconds": 14}):
        cut = estimate_run(prepared(budget))
        assert cut.by_budget
        assert cut.seconds == pytest.approx((free.seconds or 0) - 22 + 7)
    assert not estimate_run(prepared({"timeout": "1h"})).by_budget


@pytest.mark.usefixtures("two_seconds")
def test_what_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_mean_fit", lambda *_: None)
    assert estimate_run(prepared()).seconds is None
    assert estimate_run(prepared({"timeout": "7s"})).seconds == pytest.approx(17)


class Family:
    """A fit of it takes a tenth of a second, and a hundredth for each tree."""

    path_parameter = "n_estimators"
    path_is_nested = True

    class Parameters:
        @staticmethod
        def model_validate(params: dict[str, Any]) -> Any:
            return type("Whole", (), {"model_dump": lambda self: params})()

    def __init__(self) -> None:
        self.values: tuple[int, ...] = ()

    def fit_path(self, fold: Any, params: Any, values: tuple[int, ...], seed: int) -> Any:
        self.values = values
        before = (0, *values)
        return [
            PathPoint(*(cast(Any, None),) * 2, (0.1 if not i else 0) + 0.01 * (n - before[i]))
            for i, n in enumerate(values)
        ]


def test_a_part_of_a_path_tells_how_long_the_whole_takes() -> None:
    family = Family()
    took = estimate._fit(cast(Any, family), cast(Any, None), {"n_estimators": 500}, 1)
    assert took == pytest.approx(0.1 + 0.01 * 500)
    assert max(family.values) <= 50
    took = estimate._fit(cast(Any, family), cast(Any, None), {"n_estimators": 10}, 1)
    assert (took, family.values) == (pytest.approx(0.1 + 0.01 * 10), (10,))


@pytest.mark.slow
def test_validate_says_it_and_can_leave_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(EXPERIMENT))
    monkeypatch.setattr(estimate, "SECONDS", 0.0)
    said = run("validate", path).stdout
    assert "a run takes about " in said
    assert "an estimate from a few quick fits" in said
    document = json.loads(run("validate", path, "--json").stdout)
    assert set(document["estimate"]) == set(asdict(estimate_run(prepared())))
    assert document["estimate"]["models"]["random_forest"] > 0
    assert "a run takes" not in run("validate", path, "--no-estimate").stdout
    assert "estimate" not in json.loads(run("validate", path, "--json", "--no-estimate").stdout)


def test_an_ensemble_takes_no_fits_and_an_estimator_its_own() -> None:
    content = {
        **EXPERIMENT,
        "models": ["naive_bayes", "tree", "ensemble"],
        "estimators": {"tree": {"class": "sklearn.tree.DecisionTreeClassifier"}},
        "tuning": {**EXPERIMENT["tuning"], "search_spaces": {"tree": {"max_depth": [2, 3]}}},
    }
    found = estimate_run(prepare(ExperimentConfig.model_validate(content)))
    assert found.models.keys() == {"naive_bayes", "tree"}
    assert all(seconds for seconds in found.models.values())
