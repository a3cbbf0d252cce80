"""What becomes of a finished trial: its record, and the probabilities of the good ones."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tuner_job.config.tuning import HyperparameterSearchConfig
from tuner_job.evaluation.assessment import Assessment
from tuner_job.experiment.recorder import KEPT_MATRICES, Recorder
from tuner_job.models.base import PathPoint
from tuner_job.records import CsmfEstimator, FoldRecord, TrialRecord
from tuner_job.results.monitor import TuningMonitor
from tuner_job.search.trial import FoldOutcome, Trial

FOLDS = np.array([1, 0, 2, 0, 1, 2], dtype=np.int32)
STUDY = SimpleNamespace(model="xgboost")
EM = CsmfEstimator(method="em", shrinkage=4.0)


def scores(level: float) -> dict[str, float]:
    return {"csmf_accuracy": level, "cod_accuracy": level / 2}


def outcome(fold: int, level: float) -> FoldOutcome:
    """What a fold told, with probabilities that say which one it was."""
    record = FoldRecord(
        fold=fold,
        n_validation=2,
        validation=scores(level),
        train=scores(level + 0.1),
        fit_seconds=1.0,
        diagnostics={"converged": True},
        judged=[level, level - 0.1],
    )
    P = np.full((2, 3), fold, dtype=np.float32)
    return FoldOutcome(record, PathPoint(P, P + 10, 1.0))


def trial(number: int, level: float = 0.5, judged: int = 3, **more: Any) -> Trial:
    """A trial all of whose folds ran, so many of them judged."""
    outcomes = {fold: outcome(fold, level) for fold in (2, 0, 1)}
    told = [tuple(outcomes[fold].record.judged) for fold in range(judged)]
    return Trial(number, number, {"a": number}, outcomes=outcomes, fold_scores=told, **more)


def complete(number: int, level: float, assessment: Assessment | None = None) -> Trial:
    found = trial(number, level)
    found.complete(["csmf_accuracy"], assessment)
    return found


class Kept:
    """Takes what is written, in order."""

    def __init__(self) -> None:
        self.written: list[tuple[str, int]] = []
        self.records: dict[int, TrialRecord] = {}
        self.matrices: dict[int, np.ndarray] = {}

    def save_trial(self, model: str, record: TrialRecord) -> None:
        self.written.append(("trial", record.trial))
        self.records[record.trial] = record

    def save_oof(self, model: str, number: int, P: np.ndarray) -> None:
        self.written.append(("probabilities", number))
        self.matrices[number] = P


class AtOnce:
    def submit(self, write: Callable[..., Any], *args: Any) -> None:
        write(*args)


def record(
    trials: Sequence[Trial], stored: Sequence[TrialRecord] = (), selection: str = "best"
) -> Kept:
    kept = Kept()
    tuning = HyperparameterSearchConfig.model_validate({"selection": selection})
    monitor = TuningMonitor({"xgboost": None})
    recorder = Recorder(
        cast(Any, kept), cast(Any, AtOnce()), lambda point: point, monitor, FOLDS, tuning
    )
    recorder.recall("xgboost", stored)
    for one in trials:
        recorder.record(cast(Any, STUDY), one)
    return kept


def test_a_trial_that_was_assessed_has_both_its_scores_from_that() -> None:
    levels, trained = [0.7, 0.8, 0.9], [0.71, 0.82, 0.93]
    assessment = Assessment(
        EM,
        True,
        folds=[scores(level) for level in levels],
        train=[scores(level) for level in trained],
        csmf={"mean": [0.1, 0.2, 0.3], "em(4)": levels},
    )
    found = record([complete(0, 0.5, assessment)]).records[0]
    assert [fold.fold for fold in found.folds] == [0, 1, 2]
    assert [fold.validation for fold in found.folds] == [scores(level) for level in levels]
    assert [fold.train for fold in found.folds] == [scores(level) for level in trained]
    assert found.scores == pytest.approx(scores(0.8))
    assert (found.csmf_estimator, found.fell_back, found.csmf) == (EM, True, assessment.csmf)
    for fold in found.folds:
        assert fold.judged == [0.5, 0.4], "what early stopping saw stays"
        assert fold.diagnostics == {"converged": True}


def test_a_trial_whose_folds_score_alone_has_what_they_told() -> None:
    found = record([complete(0, 0.5)]).records[0]
    assert [fold.validation for fold in found.folds] == [scores(0.5)] * 3
    assert [fold.train for fold in found.folds] == [scores(0.6)] * 3
    assert found.scores == scores(0.5)
    assert found.csmf_estimator is None
    assert found.csmf == {}


def test_a_pruned_trial_has_the_folds_that_were_judged_and_no_scores() -> None:
    kept = record([trial(0, judged=2, state="pruned")])
    assert [fold.fold for fold in kept.records[0].folds] == [0, 1]
    assert kept.records[0].scores == {}
    assert not kept.matrices


def test_a_failed_trial_has_its_error() -> None:
    failed = Trial(3, 3, {}, "failed", error="ValueError: no")
    found = record([failed]).records[3]
    assert (found.state, found.error, found.folds, found.scores) == (
        "failed", "ValueError: no", [], {},
    )  # fmt: skip


def test_a_duplicate_names_its_original_and_repeats_nothing_of_it() -> None:
    original = complete(0, 0.5)
    again = Trial(1, 1, original.params, duplicate_of=0)
    again.take_result(original)
    kept = record([original, again])
    assert kept.records[1].duplicate_of == 0
    assert kept.records[1].state == "complete"
    assert kept.records[1].folds == []
    assert kept.records[1].scores == {}
    assert list(kept.matrices) == [0]


def test_probabilities_stand_in_the_order_of_the_rows_before_the_trial_counts_as_finished() -> None:
    kept = record([complete(0, 0.5)])
    assert kept.matrices[0].tolist() == [[fold] * 3 for fold in FOLDS]
    assert kept.matrices[0].dtype == np.float32
    assert kept.written == [("probabilities", 0), ("trial", 0)]


def test_what_is_stored_is_forgotten() -> None:
    finished = complete(0, 0.5)
    record([finished])
    assert finished.outcomes == {}
    assert finished.scores


@pytest.mark.parametrize(
    ("selection", "n_kept"), [("best", KEPT_MATRICES), ("one_standard_error", 15)]
)
def test_probabilities_are_kept_of_the_default_and_of_those_that_may_be_chosen(
    selection: str, n_kept: int
) -> None:
    worse_and_worse = [complete(n, 0.9 - n / 100) for n in range(15)]
    kept = record([*worse_and_worse, complete(-1, 0.1)], selection=selection)
    assert sorted(kept.matrices) == [-1, *range(n_kept)]
    assert len(kept.records) == 16


def test_trials_of_an_earlier_run_are_among_the_best() -> None:
    before = list(record([complete(n, 0.8) for n in range(KEPT_MATRICES)]).records.values())
    kept = record([complete(20, 0.7), complete(21, 0.9)], stored=before)
    assert list(kept.matrices) == [21]
