"""What asha and pbt do not compose with is refused at validation, in one sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.stored import run
from tuner_job.config.experiment import ExperimentConfig

REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {"search_method": "asha", "scoring_metric": ["csmf_accuracy", "ccc"]},
        {},
        "search_method: asha compares one score: for several objectives use optuna",
    ),
    *(
        (
            {"search_method": "asha", "early_stopping": rule},
            {},
            f"search_method: asha stops configurations itself: leave out early_stopping: {rule}",
        )
        for rule in ("paired", "median", "wilcoxon")
    ),
    (
        {"search_method": "pbt", "early_stopping": "paired"},
        {},
        "search_method: pbt stops nothing: leave out early_stopping: paired",
    ),
    ({"search_method": "asha", "sampler": "qmc"}, {}, "sampler: qmc needs search_method: optuna"),
    (
        {"search_method": "pbt", "n_trials": 3},
        {},
        "search_method: pbt needs a population, n_trials, of at least 4; got 3",
    ),
    (
        {"search_method": "pbt"},
        {"max_trials": 2},
        "budget.max_trials: pbt needs a population of at least 4, got 2",
    ),
    (
        {"search_method": "pbt", "n_trials": 8},
        {"max_concurrent_trials": 2},
        "budget.max_concurrent_trials: must not be below pbt's population of 8, whose members "
        "take turns on the CPUs that there are; got 2",
    ),
    (
        {"search_method": "random"},
        {"cpus_per_trial": 2},
        "budget.cpus_per_trial: is for search_method asha or pbt; random makes a task "
        "on one CPU of each fold",
    ),
]
UNFIT = {
    "random_forest": "its trees know nothing of each other",
    "logistic_regression": "its fit has one minimum, wherever it begins",
    "naive_bayes": "it is counted, not trained",
}


def config(
    tuning: dict[str, Any], models: tuple[str, ...] = ("xgboost",), **budget: Any
) -> ExperimentConfig:
    content = {"name": "e", "data": {"format": "synthetic"}, "models": list(models)}
    return ExperimentConfig.model_validate({**content, "tuning": tuning, "budget": budget})


def message(tuning: dict[str, Any], models: tuple[str, ...] = ("xgboost",), **budget: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        config(tuning, models, **budget)
    (problem,) = caught.value.errors()
    return problem["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(("tuning", "budget", "expected"), REFUSED)
def test_what_does_not_compose_is_refused(
    tuning: dict[str, Any], budget: dict[str, Any], expected: str
) -> None:
    assert message(tuning, **budget) == expected


@pytest.mark.parametrize("model", UNFIT)
def test_a_population_needs_a_model_that_trains_on(model: str) -> None:
    assert message({"search_method": "pbt"}, (model,)) == (
        f"search_method: pbt cannot tune {model}: {UNFIT[model]}; use asha"
    )


def test_the_comparison_refuses_them_before_it_begins(tmp_path: Any) -> None:
    tuning = ("--tune-hyperparameters", "--tuning-method", "pbt", "--models", "random_forest")
    outcome = run("run-distributed-comparison", "--data-path", tmp_path / "no.csv", *tuning)
    assert outcome.exit_code == 2
    assert "search_method: pbt cannot tune random_forest" in outcome.stderr


def test_ray_tune_takes_the_place_of_early_stopping_and_the_written_file_says_so() -> None:
    for tuning in ({"search_method": "asha"}, {"search_method": "pbt"}):
        written = config(tuning).document()
        assert written["tuning"]["early_stopping"]["rule"] == "none"
        assert ExperimentConfig.model_validate(written).document() == written
    assert config({"search_method": "optuna"}).tuning.early_stopping.rule == "paired"
