import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.evaluation.oracle import csmf_accuracy
from tuner_job.comparison.gains import tuned_gains
from tuner_job.comparison.plan import SiteTest, TrainingSet
from tuner_job.comparison.result import COLUMNS, ExperimentResult, TunedChoice
from tuner_job.comparison.score import score_baselines, score_tests
from tuner_job.comparison.settings import Settings
from tuner_job.comparison.store import ComparisonStore, predictions_name
from tuner_job.comparison.tables import full_table, summary_statistics
from tuner_job.data.dataset import Feature, VaDataset
from tuner_job.errors import StoreError
from tuner_job.evaluation.assessment import Predictions
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution.fit_runner import Fit, FitResult
from tuner_job.records import CsmfEstimator

CHOICE = TunedChoice(
    params={"C": 1.0}, method="grid", cv_score=0.8, cv_scores=[0.7, 0.9], n_trials=3, seconds=5.0
)


@pytest.fixture
def data() -> VaDataset:
    y = np.repeat([0, 1, 2], [20, 10, 10]).astype(np.int32)
    return VaDataset(
        X=np.zeros((40, 1), np.float32), y=y, site=np.zeros(40, np.int32), causes=("a", "b", "c"),
        sites=("s",),
        features=(Feature("x", "x"),),
    )  # fmt: skip


@pytest.fixture
def training() -> TrainingSet:
    return TrainingSet(
        "s", np.arange(0, 40, 2), (SiteTest("in_domain", "s", "s", 1.0, np.arange(1, 40, 2)),)
    )


def predictions(data: VaDataset, training: TrainingSet, right: float) -> np.ndarray[Any, Any]:
    """The first share of test rows is assigned right, the others to the next cause."""
    y = data.y[training.tests[0].rows]
    causes = np.where(np.arange(len(y)) < right * len(y), y, (y + 1) % 3)
    return np.asarray(np.eye(3)[causes])


def scored(
    data: VaDataset, training: TrainingSet, right: float, tuned: TunedChoice | None
) -> ExperimentResult:
    rows = training.tests[0].rows
    fit = Fit(None, "xgboost", {}, training.rows, rows)
    (result,) = score_tests(
        data,
        training,
        FitResult(fit, predictions(data, training, right), 2.0, 1.0),
        tuned,
        ScoringProtocol(),
        50,
    )
    return result


def test_columns_stand_in_their_order(data: VaDataset, training: TrainingSet) -> None:
    row = scored(data, training, 0.5, CHOICE).row()
    assert tuple(row) == COLUMNS
    assert row["execution_time_seconds"] == 8.0
    assert json.loads(row["best_params"]) == {"C": 1.0}
    assert json.loads(row["csmf_accuracy_ci"]) == [
        row["csmf_accuracy_ci_lower"],
        row["csmf_accuracy_ci_upper"],
    ]
    y = data.y[training.tests[0].rows]
    expected = csmf_accuracy(y, predictions(data, training, 0.5))
    assert row["csmf_accuracy"] == pytest.approx(expected, abs=1e-12)


def test_a_failed_experiment_has_an_error_and_empty_scores(
    data: VaDataset, training: TrainingSet
) -> None:
    fit = Fit(None, "xgboost", {}, training.rows, training.tests[0].rows)
    (failed,) = score_tests(
        data, training, FitResult(fit, None, error="MemoryError: x"), None, ScoringProtocol(), 50
    )
    row = failed.row()
    assert row["error"] == "MemoryError: x"
    assert row["csmf_accuracy"] is row["cod_accuracy_ci_lower"] is row["cccsmf"] is None
    assert full_table([failed]).to_csv(index=False).count(",0.0,") <= 6  # seconds alone


def test_baselines_score_without_looking_at_deaths(data: VaDataset, training: TrainingSet) -> None:
    by_name = {
        result.model: result for result in score_baselines(data, training, ScoringProtocol(), 50)
    }
    assert by_name["copy_train"].csmf_accuracy
    assert (
        by_name["copy_train"].csmf_accuracy.estimate == 1
    )  # both halves have the same composition
    assert by_name["copy_train"].cod_accuracy is None
    assert by_name["majority"].cod_accuracy
    assert by_name["majority"].cod_accuracy.estimate == 0.5
    assert by_name["uniform"].csmf_accuracy
    assert by_name["uniform"].csmf_accuracy.estimate == pytest.approx(
        1 - (1 / 6 + 2 / 12) / (2 * 0.75)
    )


def test_summary_marks_what_does_worse_than_copying(data: VaDataset, training: TrainingSet) -> None:
    results = [
        scored(data, training, 0.2, None),
        *score_baselines(data, training, ScoringProtocol(), 50),
    ]
    statistics = summary_statistics(full_table(results)).set_index("model")
    assert statistics.loc["xgboost", "below_copy_train"] == 1
    assert pd.isna(statistics.loc["copy_train", "below_copy_train"])
    assert statistics.loc["xgboost", "n_experiments"] == 1


def test_gain_is_paired_and_its_interval_holds_no_zero_where_all_improve(
    data: VaDataset, training: TrainingSet, tmp_path: Path
) -> None:
    store = ComparisonStore(str(tmp_path))
    results = [scored(data, training, 0.3, None), scored(data, training, 0.9, CHOICE)]
    for tuned_for, right in ((None, 0.3), ("natural", 0.9)):
        name = predictions_name(training, "xgboost", tuned_for)  # type: ignore[arg-type]
        store.save_predictions(name, training.tests[0].rows, predictions(data, training, right))
    settings = Settings(("xgboost",), n_bootstrap=200, seed=0)
    found = tuned_gains(data, [training], settings, results, store)
    assert {g.step for g in found} == {"in_all"}, "the search did not tell of the step between"
    gains = {g.metric: g for g in found}
    cod = gains["cod_accuracy"]
    assert (cod.before, cod.after, cod.improved) == (0.3, 0.9, 1.0)
    assert cod.gain == pytest.approx(0.6)
    assert cod.low < cod.gain < cod.high
    assert cod.low > 0
    assert cod.relative == pytest.approx(2.0)
    assert not math.isnan(gains["csmf_accuracy"].gain)


def test_the_steps_of_tuning_are_told_apart_and_add_up(
    data: VaDataset, training: TrainingSet, tmp_path: Path
) -> None:
    store, rows = ComparisonStore(str(tmp_path)), training.tests[0].rows
    P = 0.9 * predictions(data, training, 0.6) + 0.1 / 3
    y = data.y[rows]
    record = Calibration.fit(y, P).record()
    em = CsmfEstimator(method="em", shrinkage=0)
    choice = CHOICE.model_copy(
        update={"csmf_estimator": CsmfEstimator(method="mean"), "default_csmf_estimator": em,
                "default_calibration": record}
    )  # fmt: skip
    fit = Fit(None, "xgboost", {}, training.rows, rows)
    results = [
        next(iter(score_tests(data, training, FitResult(fit, P), tuned, ScoringProtocol(), 50)))
        for tuned in (None, choice)
    ]
    for tuned_for in (None, "natural"):
        store.save_predictions(predictions_name(training, "xgboost", tuned_for), rows, P)  # type: ignore[arg-type]
    settings = Settings(("xgboost",), n_bootstrap=100, seed=0)
    found = tuned_gains(data, [training], settings, results, store)
    by_step = {g.step: g for g in found if g.metric == "csmf_accuracy"}
    counted, default, tuned = (
        by_step["estimator"].before,
        by_step["estimator"].after,
        by_step["parameters"].after,
    )
    assert counted == pytest.approx(csmf_accuracy(y, P))
    assert tuned == pytest.approx(results[1].csmf_accuracy.estimate)  # type: ignore[union-attr]
    part = Predictions(Deaths(y), P.astype(np.float32), Calibration.of_record(record))
    samples = ScoringProtocol().samples(y, 3)
    own = part.scores(em, samples, part.estimate([em], samples)[0])
    assert default == pytest.approx(own["csmf_accuracy"])
    assert by_step["parameters"].before == default
    assert by_step["in_all"].gain == pytest.approx(
        by_step["estimator"].gain + by_step["parameters"].gain
    )
    assert {g.metric for g in found} == {"csmf_accuracy", "cccsmf_accuracy", "cod_accuracy", "ccc"}
    assert all(bool(g.claimed) == (g.metric == "csmf_accuracy") for g in found)


def test_another_comparison_in_the_same_place_is_refused(tmp_path: Path) -> None:
    store = ComparisonStore(str(tmp_path))
    store.claim({"seed": 1, "models": ["xgboost"]}, resume=False)
    store.claim({"seed": 1, "models": ["xgboost"]}, resume=False)  # nothing is there yet
    with pytest.raises(StoreError, match=r"another comparison \(seed differ"):
        store.claim({"seed": 2, "models": ["xgboost"]}, resume=True)
