"""What tuning gives, step by step."""

import numpy as np
import pytest

from tests.unit.evaluation.test_best import study
from tuner_job.evaluation.steps import gains_of, step_rows, verdict, verdict_over_folds
from tuner_job.records import CsmfEstimator, Step, StepGain, StepName, StudySummary

COUNTED, DEFAULT, TUNED = [0.50, 0.52, 0.54], [0.60, 0.61, 0.68], [0.61, 0.60, 0.69]


def step(name: StepName, folds: list[float]) -> Step:
    scored = [{"csmf_accuracy": s, "ccc": s / 2, "cccsmf_accuracy": s - 0.6} for s in folds]
    means = {metric: float(np.mean([one[metric] for one in scored])) for metric in scored[0]}
    return Step(name=name, csmf_estimator=CsmfEstimator(method="count"), scores=means, folds=scored)


STEPS = [step("default_counted", COUNTED), step("default", DEFAULT), step("tuned", TUNED)]


def test_gains_are_paired_by_fold_and_add_up() -> None:
    gains = {(g.before, g.after): g for g in gains_of(STEPS) if g.metric == "csmf_accuracy"}
    assert list(gains) == [
        ("default_counted", "default"), ("default", "tuned"), ("default_counted", "tuned")
    ]  # fmt: skip
    first, second, both = gains.values()
    differences = np.subtract(DEFAULT, COUNTED)
    assert first.gain == pytest.approx(differences.mean())
    assert first.error == pytest.approx(differences.std(ddof=1) / np.sqrt(3))
    assert first.relative == pytest.approx(differences.mean() / 0.52)
    assert both.gain == pytest.approx(first.gain + second.gain)


def test_a_share_of_nothing_is_not_given() -> None:
    found = next(g for g in gains_of(STEPS) if g.metric == "cccsmf_accuracy")
    assert found.relative is None, "-0.08 is no base for a share"
    assert found.gain == pytest.approx(0.11)


def test_one_fold_has_no_error_and_no_verdict() -> None:
    one = [step("default_counted", [0.5]), step("tuned", [0.6])]
    (found,) = [g for g in gains_of(one) if g.metric == "csmf_accuracy"]
    assert found.error is None
    assert verdict_over_folds(found) is None


@pytest.mark.parametrize(
    ("relative", "reach", "said"),
    [
        (0.20, 0.05, "yes"),
        (0.20, 0.12, "perhaps"),
        (0.05, 0.04, "no"),
        (0.05, 0.06, "perhaps"),
        (0.40, 0.10, "more"),
        (-0.10, 0.05, "no"),
    ],
)
def test_the_claim_of_10_to_30_percent_is_answered_with_its_error(
    relative: float, reach: float, said: str
) -> None:
    assert verdict(relative, relative - reach, relative + reach) == said
    gain = StepGain(
        before="default", after="tuned", metric="csmf_accuracy",
        gain=relative * 0.5, error=reach * 0.5 / 2, relative=relative,
    )  # fmt: skip
    assert verdict_over_folds(gain) == said


def test_the_table_has_each_step_and_all_together() -> None:
    told = study("xgboost", TUNED).model_copy(update={"steps": STEPS, "gains": gains_of(STEPS)})
    rows = step_rows(told)
    assert [row.step and row.step.name for row in rows] == [
        "default_counted", "default", "tuned", None
    ]  # fmt: skip
    assert rows[0].gain is None
    assert rows[3].gain
    assert (rows[3].gain.before, rows[3].gain.after) == ("default_counted", "tuned")
    assert [row.answer for row in rows] == ["", "yes", "less", "yes"]
    assert step_rows(study("xgboost", TUNED)) == [], "an earlier version told of none"


def test_the_hold_out_of_earlier_versions_is_read_by_its_names_of_today() -> None:
    scores = {"csmf_accuracy": 0.5}
    content = study("xgboost", TUNED).model_dump()
    before = {**content, "holdout": {"default": scores, "tuned": scores, "copy_train": scores}}
    read = StudySummary.model_validate(before)
    assert set(read.holdout) == {"default_counted", "tuned", "copy_train"}
    again = StudySummary.model_validate(
        {**content, "holdout": {**read.holdout, "default": {"csmf_accuracy": 0.7}}}
    )
    assert again.holdout["default"] == {"csmf_accuracy": 0.7}
