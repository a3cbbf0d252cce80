"""Which trial is committed, and how much its score owes to having been chosen."""

from typing import Any

import numpy as np
import pytest

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.errors import RunError
from tuner_job.experiment.choice import (
    choose_trial,
    complete_trials,
    estimate_optimism,
)
from tuner_job.experiment.summarise import count_repeated, count_states, why_ended
from tuner_job.records import FoldRecord, TrialRecord, TrialState


def config(**changes: Any) -> ExperimentConfig:
    base = {"name": "exp", "data": {"format": "synthetic"}, "models": ["random_forest"]}
    return ExperimentConfig.model_validate({**base, **changes})


def trial(
    number: int,
    scores: list[float],
    params: dict[str, Any] | None = None,
    state: TrialState = "complete",
    **more: Any,
) -> TrialRecord:
    folds = [
        FoldRecord(
            fold=i, n_validation=9, validation={"csmf_accuracy": s}, train={}, fit_seconds=0.1
        )
        for i, s in enumerate(scores)
    ]
    own = {"csmf_accuracy": float(np.mean(scores))} if state == "complete" and scores else {}
    return TrialRecord(
        trial=number, batch=number, params=params or {}, state=state, folds=folds, scores=own,
        **more
    )  # fmt: skip


DEFAULT = trial(-1, [0.5, 0.6, 0.7])
SIMPLE = trial(0, [0.76, 0.70, 0.76], {"min_samples_leaf": 8})
BEST = trial(1, [0.75, 0.70, 0.80], {"min_samples_leaf": 1})
PRUNED = trial(2, [0.99], {"min_samples_leaf": 9}, state="pruned")


def test_the_best_complete_trial_is_chosen() -> None:
    assert (
        choose_trial(config(), "random_forest", [DEFAULT, SIMPLE, BEST, PRUNED], "finished") is BEST
    )


def test_the_default_stands_where_nothing_beats_it_but_not_against_an_equal() -> None:
    worse, equal = trial(0, [0.4, 0.5, 0.6]), trial(1, [0.5, 0.6, 0.7])
    assert choose_trial(config(), "random_forest", [DEFAULT, worse], "finished") is DEFAULT
    assert choose_trial(config(), "random_forest", [DEFAULT, worse, equal], "finished") is equal


def test_one_standard_error_takes_the_simplest_near_the_best() -> None:
    simplest = config(tuning={"selection": "one_standard_error"})
    assert (
        choose_trial(simplest, "random_forest", [DEFAULT, SIMPLE, BEST, PRUNED], "finished")
        is SIMPLE
    )


def test_cod_within_standard_error_takes_the_one_that_finds_most_deaths() -> None:
    rule = config(tuning={"selection": "cod_within_standard_error"})
    rivals = [
        record.model_copy(update={"scores": {**record.scores, "cod_accuracy": cod}})
        for record, cod in ((DEFAULT, 0.9), (SIMPLE, 0.5), (BEST, 0.4))
    ]
    assert choose_trial(rule, "random_forest", rivals, "finished").trial == SIMPLE.trial


def test_repeated_and_unfinished_trials_are_not_chosen() -> None:
    again = trial(3, [], {"min_samples_leaf": 1}, duplicate_of=1)
    assert complete_trials([DEFAULT, BEST, PRUNED, again]) == [DEFAULT, BEST]


def test_nothing_complete_is_told_with_the_reason() -> None:
    with pytest.raises(
        RunError, match=r"random_forest: no trial was complete when the search ended \(timeout\)"
    ):
        choose_trial(config(), "random_forest", [PRUNED], "timeout")


def test_optimism_counts_every_estimator_of_every_trial_as_a_competitor() -> None:
    rng = np.random.default_rng(1)
    by_estimator = [
        {name: rng.uniform(0.6, 0.8, 5).tolist() for name in ("count", "mean", "em(0)")}
        for _ in range(8)
    ]
    records = [trial(i, csmf["em(0)"], csmf=csmf) for i, csmf in enumerate(by_estimator)]
    plain = [record.model_copy(update={"csmf": {}}) for record in records]
    among_all, among_trials = (estimate_optimism(r, "csmf_accuracy") for r in (records, plain))
    assert among_all is not None
    assert among_trials is not None
    assert among_all > among_trials > 0
    assert estimate_optimism([PRUNED], "csmf_accuracy") is None


def searched(method: str, max_trials: int | None = None) -> ExperimentConfig:
    """Four trials in a space of six configurations."""
    space = {"n_estimators": [1, 2, 3], "max_depth": [1, 2]}
    tuning = {"search_method": method, "n_trials": 4, "search_spaces": {"random_forest": space}}
    return config(tuning=tuning, budget={"max_trials": max_trials})


@pytest.mark.parametrize(
    ("method", "max_trials", "planned", "n_run", "n_repeated", "reason", "told"),
    [
        ("random", None, 4, 4, 0, "finished", "finished"),
        ("random", 3, 3, 3, 0, "finished", "max_trials"),
        ("random", 9, 4, 4, 0, "finished", "finished"),
        ("random", None, 4, 3, 0, "timeout", "timeout"),
        ("random", None, 4, 4, 0, "timeout", "finished"),  # another model's search was cut
        ("grid", None, 6, 6, 0, "finished", "exhausted"),
        ("grid", 5, 5, 5, 0, "finished", "max_trials"),
        ("bayesian", None, 8, 8, 2, "finished", "exhausted"),
        ("bayesian", None, 8, 8, 3, "finished", "finished"),
    ],
)
def test_why_a_search_ended(
    method: str, max_trials: int | None, planned: int, n_run: int, n_repeated: int,
    reason: Any, told: str,
) -> None:  # fmt: skip
    own = [trial(number, [0.5]) for number in range(-1, n_run - n_repeated)]
    repeated = [trial(number, [0.5], duplicate_of=0) for number in range(n_run - n_repeated, n_run)]
    records = [*own, *repeated]
    asked = searched(method, max_trials)
    assert why_ended(asked, "random_forest", planned, records, reason) == told
    assert count_states(records)["complete"] == n_run
    assert sum(count_repeated(records).values()) == n_repeated
