"""What the page says of populations, CSMF estimators, optimism and the hold-out."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from markupsafe import escape

from tests.unit.report.conftest import Experiment
from tuner_job.evaluation.steps import gains_of
from tuner_job.experiment.summarise import steps_of
from tuner_job.records import CalibrationRecord, CsmfEstimator, Interval, Step, StudySummary
from tuner_job.report import sentences, tables, validity
from tuner_job.report.text import number, percent, signed
from tuner_job.report.trials import Trials

pytestmark = pytest.mark.slow

EM = CsmfEstimator(method="em", shrinkage=1)
MEAN = CsmfEstimator(method="mean")
BY_DEFAULT = {"count": [0.60, 0.62, 0.61], "mean": [0.63, 0.64, 0.65], "em(1)": [0.70, 0.71, 0.69]}
BY_TUNED = {"count": 0.651, "mean": 0.672, "em(1)": 0.744}


def assessed(
    make: Callable[..., Experiment], best: dict[str, Any], fell_back: bool = False, **study: Any
) -> Experiment:
    """An experiment whose trials were assessed, with a tuned configuration changed."""
    experiment = make(scheme="dirichlet")
    one = experiment.summary.studies[0]
    drawn = {
        metric: Interval(estimate=0.7771, low=0.6661, high=0.8881)
        for metric in ("csmf_accuracy", "cod_accuracy")
    }
    default = one.default.model_copy(
        update={"by_estimator": {"count": 0.61}, "over_compositions": drawn}
    )
    tuned = one.best.model_copy(
        update={"by_estimator": BY_TUNED, "over_compositions": drawn, "csmf_estimator": EM, **best}
    )
    changed = one.model_copy(update={"default": default, "best": tuned, **study})
    experiment.summary = experiment.summary.model_copy(update={"studies": [changed]})
    experiment.trials = {
        one.model: [
            record.model_copy(
                update={"csmf": BY_DEFAULT, "csmf_estimator": EM, "fell_back": fell_back}
            )
            for record in experiment.trials[one.model]
        ]
    }
    return experiment


def study_of(experiment: Experiment) -> tuple[StudySummary, Trials]:
    study = experiment.summary.studies[0]
    return study, Trials(experiment.trials[study.model], study.objectives[0])


def plain(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_drawn_compositions_are_shown_and_named_and_rows_are_otherwise(make):
    drawn, rows = plain(assessed(make, {}).render()), plain(make().render())
    assert "0.777 0.666 to 0.888" in drawn
    for told in (
        "mean over 500 drawn compositions, their middle 95 %",
        "Default and tuned over 500 drawn compositions",
    ):
        assert told in drawn
        assert told not in rows
    for told in (
        "all out-of-fold deaths, 95 % interval over deaths",
        "Default and tuned over all out-of-fold deaths",
    ):
        assert told in rows
        assert told not in drawn


def test_every_estimator_is_listed_for_default_and_tuned_with_those_that_count_marked(make):
    experiment = assessed(make, {})
    rows = {row.name: row for row in tables.estimator_rows(*study_of(experiment))}
    assert list(rows) == ["count", "mean", "em(1)"]
    assert (rows["em(1)"].default, rows["em(1)"].tuned) == pytest.approx((0.70, 0.744))
    assert [row.name for row in rows.values() if row.scores_default] == ["count"]
    assert [row.name for row in rows.values() if row.chosen] == ["em(1)"]
    assert "Mean CSMF accuracy of 3 CSMF estimators" in experiment.render()
    assert tables.estimator_rows(*study_of(make())) == []


def test_why_the_estimator_was_chosen(make):
    why = validity.estimator(*study_of(assessed(make, {})))
    assert "made by em(1): the composition that makes" in why
    assert "1 pseudo-death a cause" in why
    assert why.endswith("With it the default’s parameters reach 0.700.")
    assert "highest mean CSMF accuracy of 3 tried, 0.744; the plain mean has 0.672" in why
    kept = validity.estimator(*study_of(assessed(make, {"csmf_estimator": MEAN}, fell_back=True)))
    assert (
        "em(1) has the higher mean CSMF accuracy, 0.744 against 0.672, but by no more than one "
        "standard error" in kept
    )
    assert "allows no other" in validity.estimator(*study_of(make()))


def test_the_defaults_parameters_with_another_estimator_are_not_called_the_default(make):
    experiment = make()
    trial = experiment.trials["xgboost"][0]
    best = {"trial": -1, "params": trial.params, "scores": {**trial.scores, "csmf_accuracy": 0.9}}
    told = assessed(make, best)
    sentence = sentences.finding(told.summary, told.summary.studies[0])
    assert sentence.startswith(
        "the default’s parameters were not beaten; with its CSMF made by em(1) it has"
    )
    assert "0.900" in sentence
    assert "with the default’s parameters and em(1), has CSMF accuracy 0.900" in sentences.overall(
        told.summary
    )
    assert "tuned (the default’s parameters)" in plain(told.render())


def test_optimism_corrects_the_score(make):
    scores = {"csmf_accuracy": 0.744, "cod_accuracy": 0.4}
    told = assessed(make, {"scores": scores}, optimism=0.0213)
    sentence = validity.optimism(told.summary.studies[0])
    assert "estimated to be 0.021 too high through selection among 6 finished trials" in sentence
    assert "its CSMF accuracy is 0.723" in sentence
    assert escape(sentence) in told.render()
    assert "cannot be estimated" in validity.optimism(make().summary.studies[0])


@pytest.mark.parametrize(
    ("temperature", "told"), [(1.6, "too sure"), (0.6, "too unsure"), (1.02, "about as sure")]
)
def test_the_calibration_temperature_is_explained(make, temperature, told):
    record = CalibrationRecord(temperature=temperature, prior=[], matrix=[])
    experiment = assessed(make, {}, calibration=record)
    assert told in validity.calibration(experiment.summary.studies[0])
    assert f"{temperature:.2f}; they are {told}" in experiment.render()


def test_the_hold_out_has_a_table_and_its_absence_is_told(make):
    scores = {"default_counted": 0.6123, "default": 0.7, "tuned": 0.7346, "copy_train": 0.5012}
    experiment = assessed(
        make, {}, holdout={kind: {"csmf_accuracy": value} for kind, value in scores.items()}
    )
    page = plain(experiment.render())
    steps = ("default, counted 0.612", "default, its estimator 0.700", "tuned, its estimator 0.735")
    assert f"xgboost {' – – – '.join(steps)} – – – Copy-train 0.501" in page
    assert "No choice was made on these deaths." in page
    assert "are fitted on all deaths, these too" in page
    without = plain(make().render())
    assert "this experiment holds none out" in without
    assert "va-tuning compare" in without


def test_the_steps_of_tuning_have_a_table_near_the_top(make):
    experiment = make()
    study = experiment.summary.studies[0]
    em = CsmfEstimator(method="em", shrinkage=2)
    between = Step(
        name="default", csmf_estimator=em, scores=study.best.scores, folds=study.best.folds
    )
    told = steps_of(study.default, between, study.best)
    studies = [study.model_copy(update={"steps": told, "gains": gains_of(told)})]
    experiment.summary = experiment.summary.model_copy(update={"studies": studies})
    page = plain(experiment.render())
    gain = gains_of(told)[0]
    before, after = (one.scores["csmf_accuracy"] for one in (study.default, study.best))
    assert f"default, counted {number(before)}" in page
    assert (
        f"default, its estimator em(2) {number(after)} {signed(100 * gain.gain, 1)} "
        f"± {percent(gain.error)} {signed(100 * gain.relative, 1)}" in page
    )
    assert f"tuned, its estimator count {number(after)} 0.0 ± 0.0 0.0 less" in page
    assert page.index("What tuning gives") < page.index("Untuned default and tuned")
    assert "What tuning gives" not in plain(make().render()), "earlier versions told of none"


def test_stated_compositions_and_the_selection_rule_are_told(make):
    experiment = make(scheme="shift", shift={"TB": (0.2, 0.4), "Falls": (0.05, 0.05)})
    page = plain(experiment.render())
    assert "Stated: TB 20.0 to 40.0 %, Falls 5.0 %." in page
    study = experiment.summary.studies[0].model_copy(update={"selection": "one_standard_error"})
    simplest = experiment.summary.model_copy(update={"studies": [study]})
    assert "the simplest near the best of 6 finished trials" in sentences.finding(simplest, study)


def test_pruned_trials_are_said_to_be_scored_by_the_plainest_estimator(make):
    said = "theirs is the plainest CSMF estimator"
    experiment = assessed(make, {})
    assert said not in experiment.render()
    (model, records), pruned = *experiment.trials.items(), make(states=("pruned",)).trials
    given_up = pruned[model][1].model_copy(update={"trial": 6})
    experiment.trials = {model: [*records, given_up]}
    assert said in experiment.render()
