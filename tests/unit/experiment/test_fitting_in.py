"""Which trials of another experiment are trials of this one too."""

from typing import Any

import pytest

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.experiment.fitting_in import FAILED, LACKING, OUTSIDE, STOPPED, fitting
from tuner_job.records import FoldRecord, TrialRecord


def config(depths: list[int], **tuning: Any) -> ExperimentConfig:
    tuning |= {"search_spaces": {"xgboost": {"max_depth": depths}}, "cv_folds": 2}
    content = {"name": "e", "data": {"format": "synthetic"}, "models": ["xgboost"]}
    return ExperimentConfig.model_validate({**content, "tuning": tuning})


def trial(number: int, state: str, depth: int, score: float = 0.0, **more: Any) -> TrialRecord:
    scores = {"csmf_accuracy": score}
    n_folds = {"complete": 2, "pruned": 1, "failed": 0}[state]
    judged = more.pop("judged", [score])
    folds = [
        FoldRecord(fold=n, n_validation=5, validation=scores, train=scores, fit_seconds=1,
                   judged=judged)
        for n in range(n_folds)
    ]  # fmt: skip
    content = {"batch": number, "params": {"max_depth": depth}, "folds": folds, **more}
    content |= {"scores": scores if state == "complete" else {}}
    return TrialRecord.model_validate({"trial": number, "state": state, **content})


RECORDS = [
    trial(0, "complete", 2, 0.6),
    trial(1, "complete", 3, 0.9),
    trial(2, "pruned", 4, 0.3),
    trial(3, "failed", 2, error="MemoryError"),
    trial(4, "pruned", 2, 0.2, judged=[]),
]


def found(
    depths: list[int], records: list[TrialRecord] = RECORDS, holds: bool = True, **tuning: Any
) -> tuple[list[int], dict[str, int]]:
    taken, left_out = fitting(config(depths, **tuning), "xgboost", records, holds)
    return [record.trial for record, _ in taken], dict(left_out)


def test_stopped_trials_are_known_where_the_best_trial_is_that_they_lost_against() -> None:
    assert found([2, 3, 4]) == ([0, 1, 2], {FAILED: 1, STOPPED: 1})
    assert found([2, 4]) == ([0], {OUTSIDE: 1, FAILED: 1, STOPPED: 2})


def test_stopped_trials_of_another_rule_are_not() -> None:
    assert found([2, 3, 4], holds=False) == ([0, 1], {FAILED: 1, STOPPED: 2})


def test_a_trial_without_a_metric_that_is_searched_for_is_not() -> None:
    assert found([2, 3, 4], scoring_metric="ccc") == ([], {FAILED: 1, STOPPED: 2, LACKING: 2})


@pytest.mark.parametrize("records", [[], [trial(0, "failed", 2, error="x")]])
def test_nothing_may_be_known(records: list[TrialRecord]) -> None:
    assert found([2, 3], records)[0] == []
