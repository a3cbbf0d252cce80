"""What stands below the tables on the terminal."""

import io

from rich.console import Console

from tests.unit.evaluation.test_best import CLEAR, NOISE, study
from tests.unit.evaluation.test_steps import STEPS, TUNED
from tuner_job.cli.findings import print_findings
from tuner_job.evaluation.best import best_model
from tuner_job.evaluation.steps import gains_of
from tuner_job.records import ExperimentSummary, FittedRows, StudySummary


def said(studies: list[StudySummary], missing: tuple[str, ...] = ()) -> str:
    summary = ExperimentSummary(
        name="adult",
        n_samples=120,
        n_features=3,
        causes=["a", "b"],
        sites={"all": 120},
        data_notes=[],
        scheme="dirichlet",
        n_folds=3,
        baselines={"copy_train": {"csmf_accuracy": 0.5}},
        studies=[
            one.model_copy(update=dict.fromkeys(("best", "default"), _with_cod(one)))
            for one in studies
        ],
        best_model=best_model(studies, missing) if missing else None,
        wall_seconds=1.0,
    )
    out = io.StringIO()
    print_findings(Console(file=out, width=120), summary)
    return " ".join(out.getvalue().split())


def _with_cod(one: StudySummary) -> object:
    scores = {**one.best.scores, "cod_accuracy": 0.5}
    return one.best.model_copy(update={"scores": scores})


def test_each_step_has_its_gain_with_error_and_the_answer() -> None:
    told = study("xgboost", TUNED).model_copy(update={"steps": STEPS, "gains": gains_of(STEPS)})
    text = said([told])
    assert "default: count .520 -.080 .260" in text, "CSMF accuracy, CCCSMF, CCC; COD is not there"
    assert "default: count .630 +11.0 ± 1.5 +21.2 yes .030 .315" in text
    assert "tuned: count .633 +0.3 ± 0.7 +0.5 less" in text
    assert "in all +11.3 ± 2.0 +21.8 yes" in text
    assert "best model" not in text, "there is one"
    assert "what tuning gives" not in said([CLEAR[0]]), "an earlier version told of no steps"


def test_the_best_model_is_named_with_its_reason_and_what_is_missing() -> None:
    assert "best model: logistic_regression: simpler than xgboost, which leads" in said(NOISE)
    text = said(CLEAR[:1], missing=("random_forest",))
    assert "best model: xgboost: the only model with a score" in text
    assert "random_forest has no result" in text


def test_with_a_hold_out_it_says_what_the_kept_models_have_seen() -> None:
    held_out = CLEAR[0].model_copy(
        update={
            "holdout": {
                name: {"csmf_accuracy": score}
                for name, score in (("default_counted", 0.5), ("default", 0.6), ("tuned", 0.7))
            },
            "fitted_on": FittedRows(n_rows=120, n_held_out=24, digest="0" * 64),
        }
    )
    text = said([held_out])
    assert "are fitted on 120 deaths, the 24 of the hold-out too" in text
    assert "xgboost .500 → .600 → .700" in text
    assert "are fitted on" not in said(CLEAR)
