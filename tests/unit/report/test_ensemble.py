"""The page of an experiment with an ensemble, which has no trials of its own."""

import re
from dataclasses import replace

import pytest

from tests.unit.report.test_content import rows
from tuner_job.cli.tables import best_parameters
from tuner_job.records import Member
from tuner_job.report import validity


@pytest.fixture(scope="module")
def pooled(make):
    """Two models and their ensemble."""
    made = make(models=("xgboost", "random_forest"))
    members = {
        "xgboost": Member(trial=3, model_sha256="a" * 64),
        "random_forest": Member(trial=-1, model_sha256="b" * 64),
    }
    default, best = (
        made.summary.studies[0].default.model_copy(
            update={"trial": trial, "params": dict(zip(members, exponents, strict=True))}
        )
        for trial, exponents in ((-1, (0.5, 0.5)), (0, (0.9, 0.4)))
    )
    study = made.summary.studies[0].model_copy(
        update={
            "model": "ensemble", "members": members, "default": default, "best": best,
            "pareto_front": [], "parameter_importance": {},
            "n_trials": {"complete": 0, "pruned": 0, "failed": 0},
        }
    )  # fmt: skip
    summary = made.summary.model_copy(update={"studies": [*made.summary.studies, study]})
    return replace(made, summary=summary, trials={**made.trials, "ensemble": []})


@pytest.mark.slow
def test_it_says_what_it_is_made_of_and_of_no_search(pooled) -> None:
    page = pooled.render()
    section = page[page.index('id="model-3"') : page.index('id="provenance"')]
    assert ["xgboost trial 3", "0.5", "0.9"] in rows(section)
    assert ["random_forest the default’s parameters", "0.5", "0.4"] in rows(section)
    assert "geometric mean of their untuned defaults" in section
    assert "Its probabilities are the training fractions times" in section
    assert not re.search("The search|finished trial|trial 0|Chosen:", section)
    trials = page[page.index("Table of trials by state") : page.index("Pruned trials were")]
    assert "ensemble" not in trials


def test_the_table_of_the_command_names_each_member_with_its_exponent(pooled) -> None:
    table = best_parameters(pooled.summary)
    cells = [list(column.cells)[-1] for column in table.columns]
    assert cells[:2] == ["ensemble", "xgboost^0.90 (trial 3) × random_forest^0.40 (the default)"]
    assert cells[3:] == ["–", "–", "–"]


def test_its_optimism_is_that_of_its_members(pooled) -> None:
    study = pooled.summary.studies[-1].model_copy(update={"optimism": 0.02})
    score = study.best.scores[study.objectives[0]]
    told = validity.optimism(study)
    assert "Its members were chosen on these folds" in told
    assert "0.020 too high, averaged by exponent; corrected for that" in told
    assert f"is {score - 0.02:.3f}." in told
