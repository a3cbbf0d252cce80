"""The parts of searches on Ray Tune that need no Ray running."""

import math
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from ray import tune
from ray.train._internal.session import _TrainingResult
from ray.tune.schedulers import TrialScheduler

from tuner_job.config.tuning import HyperparameterSearchConfig
from tuner_job.errors import StoreError
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution.fold_task import SharedData, score_fold
from tuner_job.execution.ray_tune import trainable
from tuner_job.execution.ray_tune.checkpoint import (
    FILE,
    Progress,
    read_begun,
    read_progress,
    write_checkpoint,
)
from tuner_job.execution.ray_tune.proposals import starts
from tuner_job.execution.ray_tune.reporting import Limits, Reporter
from tuner_job.execution.ray_tune.schedulers import largest_size, make_scheduler, step_size, teach
from tuner_job.execution.ray_tune.storage import TuneFolder
from tuner_job.execution.ray_tune.trainable import SearchSettings, TrialTrainable
from tuner_job.execution.ray_tune.trial_fit import Begun, begin
from tuner_job.files.arrays import write_array, write_zip
from tuner_job.models import FAMILIES
from tuner_job.models.growing import as_growing
from tuner_job.records import FoldRecord, Stage, TrialRecord
from tuner_job.search.samplers import make_sampler
from tuner_job.search.samplers.perturb import perturb
from tuner_job.search.trial import FoldTask, Trial
from tuner_job.search_space import ModelSearchSpace, SearchSpace

PARAMS: dict[str, dict[str, Any]] = {
    "xgboost": {"n_estimators": 7, "subsample": 0.6},
    "random_forest": {"n_estimators": 7, "max_depth": 3},
    "logistic_regression": {"C": 0.5},
    "naive_bayes": {"power": 0.5},
}


def space(model: str, **parameters: Any) -> SearchSpace:
    return ModelSearchSpace.model_validate(parameters).bind(FAMILIES[model].Parameters)


@pytest.fixture
def data() -> SharedData:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 120).astype(np.int32)
    X = (rng.normal(size=(120, 6)) + y[:, None]).astype(np.float32)
    return SharedData(
        "unit", X, y, np.arange(120, dtype=np.int32) % 3, 4, 5, ScoringProtocol(),
        ("count", "mean"), ("csmf_accuracy",),
    )  # fmt: skip


def record(
    number: int, params: dict[str, Any], score: float, state: Any = "complete"
) -> TrialRecord:
    scores = {"csmf_accuracy": score}
    fold = FoldRecord(
        fold=0, n_validation=9, validation=scores, train=scores, fit_seconds=1.0, judged=[score]
    )
    return TrialRecord(
        trial=number,
        batch=number,
        params=params,
        state=state,
        folds=[fold],
        scores=scores if state == "complete" else {},
        curve=[(size, score) for size in (1, 3, 9, 27)],
    )


@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize("cpus", [1, 2])
def test_a_trial_ends_where_its_folds_end_by_themselves(
    data: SharedData, model: str, cpus: int
) -> None:
    fit = begin(data, model, PARAMS[model], step=3, cpus=cpus)
    sizes = []
    while not sizes or fit.size < fit.full_size:
        fit.advance()
        sizes.append(fit.size)
    assert sizes == ([3, 6, 7] if as_growing(FAMILIES[model]) else [1, 2, 3])
    family = FAMILIES[model]
    whole = family.Parameters.model_validate(PARAMS[model]).model_dump()
    for fold in range(3):
        task = FoldTask(0, fold, whole, (), (0,), (0,))
        (expected,) = score_fold(data, model, task)
        found = fit.outcomes[fold]
        for name in ("P_validation", "P_probe"):
            np.testing.assert_array_equal(getattr(found.point, name), getattr(expected.point, name))
        assert found.record.validation == expected.record.validation
        assert found.record.train == expected.record.train
        assert found.record.judged == expected.record.judged


@pytest.mark.parametrize("model", FAMILIES)
def test_a_space_may_leave_out_the_parameter_that_one_fit_scores_all_values_of(
    data: SharedData, model: str
) -> None:
    whole = FAMILIES[model].Parameters.model_validate({}).model_dump()
    tasks = [FoldTask(0, 0, params, (), (0,), (0,)) for params in ({}, whole)]
    (without,), (named,) = (score_fold(data, model, task) for task in tasks)
    assert without.record.validation == named.record.validation


@pytest.mark.parametrize("model", FAMILIES)
def test_a_checkpoint_goes_on_in_another_process(
    data: SharedData, model: str, tmp_path: Path
) -> None:
    params = {**PARAMS[model], **({"subsample": 1.0} if model == "xgboost" else {})}
    whole, part = (begin(data, model, params, 3, 1) for _ in range(2))
    part.advance()
    progress = Progress(
        params=params,
        folds=[one.record for one in part.outcomes],
        curve=[(part.size, 0.5)],
        schedule=[],
    )
    write_checkpoint(tmp_path / FILE, progress, part.parts())
    with (tmp_path / FILE).open("rb") as file:
        read, begun = read_begun(file)
    assert read == progress
    resumed = begin(data, model, params, 3, 1, Begun(begun.records, begun.parts))
    assert resumed.size == part.size
    for fit in (whole, resumed):
        while fit.size < fit.full_size:
            fit.advance()
    for one, other in zip(whole.outcomes, resumed.outcomes, strict=True):
        np.testing.assert_array_equal(one.point.P_validation, other.point.P_validation)
        np.testing.assert_array_equal(one.point.P_probe, other.point.P_probe)
        assert one.record.validation == other.record.validation


@pytest.mark.parametrize("model", FAMILIES)
def test_a_stranger_s_checkpoint_is_refused(data: SharedData, model: str) -> None:
    part = begin(data, model, PARAMS[model], 3, 1)
    part.advance()
    records, parts = [one.record for one in part.outcomes], part.parts()
    for first in (
        b"",
        parts[0][:-9],
        parts[0] + bytes(8),
        b"\xff" * len(parts[0]),
        b"\xff" * 4 + parts[0][4:],
    ):
        with pytest.raises(StoreError):
            begin(data, model, PARAMS[model], 3, 1, Begun(records, [first, *parts[1:]]))


def test_a_checkpoint_that_lacks_what_is_scored_of_the_training_rows_is_refused(
    data: SharedData,
) -> None:
    part = begin(data, "logistic_regression", PARAMS["logistic_regression"], 3, 1)
    part.advance()
    records = [one.record for one in part.outcomes]
    earlier = [write_array(one.point.P_validation) for one in part.outcomes]
    with pytest.raises(StoreError, match="probabilities must be"):
        begin(
            data,
            "logistic_regression",
            PARAMS["logistic_regression"],
            3,
            1,
            Begun(records, earlier),
        )
    with pytest.raises(StoreError, match="each fold must have"):
        begin(data, "logistic_regression", PARAMS["logistic_regression"], 3, 1, Begun(records, []))


def test_what_is_no_checkpoint_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / FILE
    bomb = {"progress.json": bytes(100_000_000)}
    for content in (
        b"",
        write_zip({"fold-000": b""}),
        write_zip({"progress.json": b"{}"}),
        write_zip(bomb),
    ):
        path.write_bytes(content)
        with path.open("rb") as file:
            assert read_progress(file) is None
        with path.open("rb") as file, pytest.raises(StoreError):
            read_begun(file)


class _Opened:
    """What a file does that runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_going_on_unpickles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, mark = tmp_path / "checkpoint", tmp_path / "code-ran"
    folder.mkdir()
    write_checkpoint(folder / FILE, Progress(params={}, folds=[], curve=[], schedule=[]), [])
    (folder / "dict_checkpoint.pkl").write_bytes(pickle.dumps(_Opened(mark)))
    taken: list[list[str]] = []
    monkeypatch.setattr(
        TrialTrainable,
        "load_checkpoint",
        lambda self, folder: taken.append([p.name for p in Path(folder).iterdir()]),
    )
    actor = TrialTrainable.__new__(TrialTrainable)
    actor._local_ip = ""
    actor.restore(_TrainingResult(checkpoint=tune.Checkpoint.from_directory(folder), metrics={}))
    assert taken == [[FILE]]
    assert not mark.exists()


def test_the_newest_whole_checkpoint_counts(tmp_path: Path) -> None:
    folder = TuneFolder.below(str(tmp_path))
    assert folder.under_way() == ({}, 0)
    for run, number, size in ((0, 4, 40), (1, 0, 50), (1, 1, 60)):
        path = tmp_path / "ray-tune" / f"000007-{run:03d}" / f"checkpoint_{number:06d}" / FILE
        path.parent.mkdir(parents=True)
        write_checkpoint(
            path, Progress(params={}, folds=[], curve=[(size, 0.5)], schedule=[]), [bytes(100)]
        )
    path.write_bytes(path.read_bytes()[:150])  # cut off, as its writer was
    found, runs = folder.under_way()
    assert runs == 2
    assert found[7][0].curve == [(50, 0.5)]
    assert "/000007-001/checkpoint_000000/" in found[7][1]
    folder.remove()
    folder.remove()
    assert not (tmp_path / "ray-tune").exists()


def test_sizes_and_steps_follow_the_space() -> None:
    boosting = space("xgboost", n_estimators=[100, 500])
    assert largest_size(FAMILIES["xgboost"], boosting, 5) == 500
    assert (
        largest_size(
            FAMILIES["xgboost"],
            space("xgboost", n_estimators={"low": 10, "high": 300, "log": True}),
            5,
        )
        == 300
    )
    assert largest_size(FAMILIES["random_forest"], space("random_forest", max_depth=[3]), 5) == 100
    assert (
        largest_size(FAMILIES["logistic_regression"], space("logistic_regression", C=[1.0]), 5) == 5
    )
    assert (step_size("asha", 500), step_size("asha", 5), step_size("pbt", 500)) == (19, 1, 50)


def test_new_trials_are_compared_with_those_of_an_earlier_run() -> None:
    tuning = HyperparameterSearchConfig(search_method="asha")
    boosting = space("xgboost", n_estimators=[27])
    made = make_scheduler(tuning, FAMILIES["xgboost"], boosting, 27, 0)
    teach(made, [record(number, {}, 0.9) for number in range(100)])
    new: Any = SimpleNamespace(trial_id="new")
    made.on_trial_add(None, new)
    looks = ({"size": size, "score": 0.1} for size in range(1, 27))
    assert any(made.on_trial_result(None, new, look) == TrialScheduler.STOP for look in looks)


def test_random_configurations_keep_their_numbers_when_a_search_goes_on() -> None:
    def drawn(finished: set[int], n_trials: int = 6) -> dict[int, Any]:
        tuning = HyperparameterSearchConfig(search_method="asha")
        boosting = space("xgboost", max_depth=[1, 2, 3], subsample=[0.5, 1.0])
        left = starts(make_sampler(tuning, boosting, None, 1), n_trials, finished, {})
        return {start.number: start.params for start in left}

    whole = drawn(set())
    assert [*whole] == [*range(6)]
    assert drawn({1, 4}) == {number: whole[number] for number in (0, 2, 3, 5)}
    assert drawn(set(), 4) == {number: whole[number] for number in range(4)}
    assert drawn(set(), 9) == whole, "no configuration twice"


def test_perturbing_stays_in_the_space_and_keeps_what_cannot_change() -> None:
    boosting = space(
        "xgboost",
        max_bin=[16, 64, 256],
        max_depth=[1, 2, 4],
        learning_rate={"low": 0.01, "high": 0.5, "log": True},
        reg_alpha={"choices": [0.1, 1], "when": {"max_depth": 4}},
    )
    params: Any = {"max_bin": 64, "max_depth": 2, "learning_rate": 0.45}
    rng, seen = np.random.default_rng(0), []
    for _ in range(200):
        changed = perturb(params, boosting, FAMILIES["xgboost"].mutable, rng)
        assert changed["max_bin"] == 64
        assert changed["max_depth"] in (1, 2), (
            "at 4 there would be a parameter that it does not have"
        )
        assert 0.01 <= float(changed["learning_rate"] or 0) <= 0.5
        seen.append(changed)
    assert any(changed["max_depth"] == 1 for changed in seen)
    assert any(changed["learning_rate"] == pytest.approx(0.36) for changed in seen)


def test_limits_end_a_search_and_say_why() -> None:
    reporter = Reporter("csmf_accuracy", lambda P: P, lambda trial: None)
    assert not Limits(reporter, None, None, lambda: False).stop_all()
    assert Limits(reporter, None, None, lambda: True).stop_all()
    for limits, reason in (
        (Limits(reporter, -1.0, None, lambda: False), "timeout"),
        (Limits(reporter, None, -1.0, lambda: False), "cpu_seconds"),
    ):
        assert limits.stop_all()
        assert limits.reason == reason


@pytest.mark.parametrize("n_stored", [0, 1])
def test_a_model_is_given_up_by_the_order_of_trials_not_of_their_ends(n_stored: int) -> None:
    stored = [record(number, {}, 0.5) for number in range(n_stored)]
    reporter = Reporter("csmf_accuracy", lambda P: P, lambda trial: None, stored)
    limits = Limits(reporter, None, None, lambda: False)
    for number in (6, 5, 4, 3, 2):
        reporter._end(failed(number))
    assert not limits.stop_all(), "of those before them nothing is known yet"
    for number in range(n_stored, 2):
        ended = Trial(number, number, {})
        ended.state = "complete"
        reporter._end(ended)
    assert limits.stop_all()
    assert reporter.most_fail == "5 of 7 trials failed, the last one with trial 6"


def test_nobody_waits_for_a_trial_whose_worker_died_to_give_a_model_up() -> None:
    reporter = Reporter("csmf_accuracy", lambda P: P, lambda trial: None)
    lost: Any = SimpleNamespace(trial_id="t", config={"trial": {"number": 0, "params": {}}})
    for number in range(1, 6):
        reporter._end(failed(number))
    assert not reporter.most_fail
    reporter.on_trial_error(0, [], lost)
    assert reporter.most_fail == "5 of 5 trials failed, the last one with trial 5"


def failed(number: int) -> Trial:
    trial = Trial(number, number, {})
    trial.fail(f"trial {number}")
    return trial


def test_a_failure_is_recorded_without_a_score() -> None:
    ended: list[Trial] = []
    reporter = Reporter("csmf_accuracy", lambda P: P, ended.append)
    trial: Any = SimpleNamespace(
        trial_id="t",
        config={"trial": {"number": 3, "params": {"C": 1}}},
        last_result={"score": math.nan},
    )
    reporter.on_trial_start(0, [], trial)
    reporter.on_trial_result(
        0, [], trial, {"score": math.nan, "size": 0, "seconds": 0.0, "failure": "no", "done": True}
    )
    reporter.on_trial_complete(0, [], trial)
    assert [(t.number, t.state, t.error, t.fold_scores, t.outcomes) for t in ended] == [
        (3, "failed", "no", [], {})
    ]


def test_a_trial_that_is_stopped_keeps_what_its_last_step_told(
    data: SharedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Trial] = []
    reporter = Reporter("csmf_accuracy", lambda point: point, ended.append)
    monkeypatch.setattr(trainable, "shared_data", lambda handle: data)
    config = {"trial": {"number": 3, "params": PARAMS["xgboost"], "checkpoint": None}}
    actor: Any = TrialTrainable.__new__(TrialTrainable)
    actor.setup(
        config, SearchSettings([], "xgboost", "csmf_accuracy", 2, 1, False, cast(Any, None))
    )
    trial: Any = SimpleNamespace(trial_id="t", config=config)
    reporter.on_trial_start(0, [], trial)
    for _ in range(2):
        trial.last_result = actor.step()
        reporter.on_trial_result(0, [], trial, trial.last_result)
    assert not ended
    for _ in range(2):
        reporter.on_trial_complete(0, [], trial)
    (found,) = ended
    assert (found.number, found.state, found.params) == (3, "pruned", PARAMS["xgboost"])
    expected = begin(data, "xgboost", PARAMS["xgboost"], step=4, cpus=1)
    expected.advance()
    assert found.fold_scores == [tuple(one.record.judged) for one in expected.outcomes]
    for fold, one in found.outcomes.items():
        assert one.record.validation == expected.outcomes[fold].record.validation
        diagnostics = one.record.diagnostics
        assert (diagnostics["size"], diagnostics["full_size"]) == (4, 7)
    assert [size for size, _ in found.curve] == [2, 4]
    assert not found.scores


def test_a_stage_is_what_a_record_holds() -> None:
    assert TrialRecord.model_validate_json(
        record(0, {}, 0.5)
        .model_copy(update={"schedule": [Stage(size=3, params={"a": 1})]})
        .model_dump_json()
    ).schedule == [Stage(size=3, params={"a": 1})]
