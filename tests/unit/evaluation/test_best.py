"""Which of several models is best, and what is said of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tuner_job.evaluation.best import best_model
from tuner_job.models import FAMILIES, rank_of
from tuner_job.records import Interval, ModelSummary, StudySummary

METRIC = "csmf_accuracy"


def looked_at(folds: Sequence[float]) -> ModelSummary:
    whole = Interval(estimate=0.5, low=0.4, high=0.6)
    return ModelSummary(
        trial=0,
        params={},
        scores={METRIC: float(np.mean(folds))},
        folds=[{METRIC: score} for score in folds],
        out_of_fold={METRIC: whole, "cod_accuracy": whole},
        causes=[],
        fit_seconds=1.0,
    )


def study(model: str, folds: Sequence[float], optimism: float | None = 0.0) -> StudySummary:
    fields: dict[str, Any] = {"default": looked_at(folds), "best": looked_at(folds)}
    return StudySummary(
        model=model,
        search_method="random",
        objectives=[METRIC],
        n_trials={"complete": 2, "pruned": 0, "failed": 0},
        pareto_front=[0],
        stopped_by="finished",
        fit_seconds=1.0,
        optimism=optimism,
        parameter_importance={},
        **fields,
    )


CLEAR = [study("xgboost", [0.82, 0.80, 0.81]), study("logistic_regression", [0.72, 0.70, 0.71])]
NOISE = [study("xgboost", [0.82, 0.70, 0.81]), study("logistic_regression", [0.75, 0.76, 0.80])]


def test_the_best_score_wins_where_the_lead_is_more_than_noise() -> None:
    found = best_model(CLEAR)
    assert found
    assert found.model == "xgboost"
    assert [one.model for one in found.candidates] == ["xgboost", "logistic_regression"]
    assert found.candidates[1].behind == pytest.approx(0.1)
    assert found.candidates[1].error == pytest.approx(0, abs=1e-9)
    assert "leads in CSMF accuracy (0.810, optimism taken off) by 0.100 over" in found.reason


def test_the_simpler_one_wins_where_the_lead_is_noise() -> None:
    found = best_model(NOISE)
    assert found
    differences = np.array([0.07, -0.06, 0.01])
    assert found.candidates[1].behind == pytest.approx(differences.mean())
    assert found.candidates[1].error == pytest.approx(differences.std(ddof=1) / np.sqrt(3))
    assert found.model == "logistic_regression"
    assert "simpler than xgboost, which leads in CSMF accuracy" in found.reason
    assert "by 0.007; that is not above the standard error" in found.reason
    assert best_model(NOISE[::-1]) == found, "the order in the file decides nothing"


def test_a_simpler_leader_stays_though_its_lead_is_noise() -> None:
    folds = [[one["csmf_accuracy"] for one in s.best.folds] for s in NOISE]
    found = best_model([study("xgboost", folds[1]), study("random_forest", folds[0])])
    assert found
    assert found.model == "random_forest"
    assert "but xgboost is no simpler" in found.reason


def test_optimism_is_taken_off_before_models_are_compared() -> None:
    lucky = study("xgboost", [0.82, 0.80, 0.81], optimism=0.11)
    found = best_model([lucky, CLEAR[1]])
    assert found
    assert found.candidates[0].model == found.model == "logistic_regression"
    assert found.candidates[1].score == pytest.approx(0.70)


def test_folds_that_cannot_be_paired_leave_the_leader() -> None:
    found = best_model([study("xgboost", [0.82, 0.80]), study("logistic_regression", [0.80] * 3)])
    assert found
    assert (found.model, found.candidates[1].error) == ("xgboost", None)
    one_fold = best_model([study("xgboost", [0.82]), study("logistic_regression", [0.815])])
    assert one_fold
    assert one_fold.model == "xgboost"
    assert "is not known" in one_fold.reason


def test_what_is_missing_is_said_and_without_scores_there_is_no_best() -> None:
    found = best_model(CLEAR[:1], ["random_forest", "ensemble"])
    assert found
    assert found.missing == ["random_forest", "ensemble"]
    assert found.reason == (
        "the only model with a score: CSMF accuracy 0.810, optimism taken off; random_forest, "
        "ensemble have no result, so this is the best of the others"
    )
    assert best_model([]) is None
    assert best_model([study("xgboost", [float("nan")] * 3)]) is None


def test_families_have_an_order_and_what_is_no_family_comes_last() -> None:
    ranks = {name: family.rank for name, family in FAMILIES.items() if name != "ensemble"}
    assert len(set(ranks.values())) == len(ranks)
    assert max(ranks, key=lambda name: ranks[name]) == "xgboost"
    assert min(rank_of("ensemble"), rank_of("never heard of")) > max(ranks.values())
    assert rank_of("logistic_regression") < rank_of("random_forest") < rank_of("xgboost")
