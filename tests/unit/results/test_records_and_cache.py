import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner_job.errors import InputError, StoreError
from tuner_job.records import FoldRecord, Provenance, TrialRecord
from tuner_job.results.cache import TunedModelCache
from tuner_job.results.claim import claim
from tuner_job.results.experiment_store import ExperimentStore, open_experiment
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.protect import check_outside_results
from tuner_job.results.store import Store
from tuner_job.results.trial_folder import parse_trial
from tuner_job.results.writer import BackgroundWriter


def record(trial: int, **changes: object) -> TrialRecord:
    fold = FoldRecord(
        fold=0, n_validation=3, validation={"ccc": 0.5}, train={"ccc": 0.75}, fit_seconds=2.0
    )
    content = {
        "trial": trial,
        "batch": trial,
        "params": {"a": 1},
        "state": "complete",
        "folds": [fold],
    }
    content |= {"scores": {"ccc": 0.5}}
    return TrialRecord.model_validate({**content, **changes})


@pytest.fixture
def store(tmp_path: Path) -> ExperimentStore:
    return ExperimentStore(Store(str(tmp_path)), "exp")


PROVENANCE = Provenance(
    experiment_digest="e",
    data_digest="d",
    data_source="x",
    seed=1,
    versions={},
    image=None,
    platform="",
    created_at="",
)


def test_trials_come_back_in_order_the_default_first(store: ExperimentStore) -> None:
    for number in (11, 2, -1, 100):
        store.save_trial("xgboost", record(number))
    assert [r.trial for r in store.load_trials("xgboost")] == [-1, 2, 11, 100]
    assert store.load_trials("xgboost")[1] == record(2)
    assert store.models() == ["xgboost"]


def test_a_finished_trial_is_never_overwritten(store: ExperimentStore) -> None:
    store.save_trial("xgboost", record(0))
    store.save_trial("xgboost", record(0, state="failed", folds=[], scores={}))
    assert store.load_trials("xgboost") == [record(0)]


def test_a_trial_that_failed_or_ran_on_other_folds_is_replaced(store: ExperimentStore) -> None:
    failed = record(-1, state="failed", folds=[], scores={})
    store.save_trial("xgboost", failed)
    store.save_trial("xgboost", failed.model_copy(update={"state": "pruned"}))
    assert store.load_trials("xgboost") == [failed]
    whole = record(-1)
    store.save_trial("xgboost", whole)
    assert store.load_trials("xgboost") == [whole]
    folds = [fold.model_copy(update={"n_validation": 99}) for fold in whole.folds]
    other = whole.model_copy(update={"folds": folds})
    store.save_trial("xgboost", other)
    assert store.load_trials("xgboost") == [other]


def of_folds(state: str, *sizes: int) -> TrialRecord:
    first = record(0).folds[0]
    folds = [
        first.model_copy(update={"fold": fold, "n_validation": size})
        for fold, size in enumerate(sizes)
    ]
    return record(0, state=state, folds=folds, scores={"ccc": 0.5} if state == "complete" else {})


@pytest.mark.parametrize(
    ("there", "again", "replaced"),
    [
        (of_folds("pruned", 99), of_folds("complete", 50, 50), True),
        (of_folds("pruned", 50, 50, 3), of_folds("complete", 50, 50), True),
        (of_folds("pruned", 99), of_folds("pruned", 50), True),
        (of_folds("pruned", 50), of_folds("complete", 50, 50), False),
        (of_folds("pruned", 50), of_folds("pruned", 50, 50), False),
        (of_folds("complete", 99, 99), of_folds("complete", 50, 50), True),
        (of_folds("complete", 50, 50, 3), of_folds("complete", 50, 50), True),
        (of_folds("complete", 99, 99), of_folds("pruned", 50), True),
        (of_folds("complete", 99, 99), of_folds("failed", 50), True),
        (of_folds("complete", 50, 50), of_folds("pruned", 50), False),
        (of_folds("complete", 50, 50), of_folds("failed", 50), False),
        (of_folds("complete", 50, 50), of_folds("failed"), False),
        (of_folds("failed", 99), of_folds("pruned", 50), True),
        (of_folds("failed"), of_folds("complete", 50, 50), True),
    ],
)
def test_on_other_folds_it_is_replaced_whatever_became_of_either(
    store: ExperimentStore, there: TrialRecord, again: TrialRecord, replaced: bool
) -> None:
    store.save_trial("xgboost", there)
    store.save_trial("xgboost", again)
    assert store.load_trials("xgboost") == [again if replaced else there]


def test_probabilities_survive_to_the_last_bit(store: ExperimentStore) -> None:
    for dtype in (np.float32, np.float64):
        P = np.random.default_rng(1).random((7, 3)).astype(dtype)
        store.save_oof("xgboost", 3, P)
        back = store.load_oof("xgboost", 3)
        assert back is not None
        assert back.dtype == np.float64, "in which trials are judged"
        assert np.array_equal(back, P)
    assert store.load_oof("xgboost", 4) is None


def test_another_experiment_under_the_same_name_is_refused(store: ExperimentStore) -> None:
    def now(seed: int = 1, lag: int = 5, timeout: int = 1) -> dict[str, Any]:
        budget = {"timeout": timeout}
        return {"seed": seed, "tuning": {"lag": lag}, "budget": budget, "results": "r"}

    claim(store, now(), PROVENANCE)
    claim(store, now(timeout=2), PROVENANCE)
    with pytest.raises(
        StoreError,
        match=r"another experiment \(seed: 1 there, 2 here, tuning.lag: 5 there, 4 here\)",
    ):
        claim(store, now(seed=2, lag=4, timeout=9), PROVENANCE)
    with pytest.raises(StoreError, match="results on other data"):
        claim(store, now(), PROVENANCE.model_copy(update={"data_digest": "z"}))


def test_a_run_that_is_refused_changes_nothing(store: ExperimentStore) -> None:
    def now(n_trials: int) -> dict[str, Any]:
        return {"models": ["xgboost"], "tuning": {"n_trials": n_trials}, "results": "r"}

    claim(store, now(5), PROVENANCE)()
    other = PROVENANCE.model_copy(update={"data_digest": "z"})
    before = store.store.get("exp/experiment.yaml")
    with pytest.raises(StoreError, match="results on other data"):
        claim(store, now(9), other)
    write = claim(store, now(9), PROVENANCE)
    assert store.store.get("exp/experiment.yaml") == before, "before it is the one that runs it"
    write()
    assert b"n_trials: 9" in (store.store.get("exp/experiment.yaml") or b"")


def test_of_two_first_runs_on_different_data_one_is_refused(store: ExperimentStore) -> None:
    claim(store, {"results": "r"}, PROVENANCE)()
    store.store.delete("exp/provenance.json")  # as if it had not been written yet
    write = claim(store, {"results": "r"}, PROVENANCE.model_copy(update={"data_digest": "z"}))
    store.save_provenance(PROVENANCE)
    with pytest.raises(StoreError, match="results on other data"):
        write()
    assert store.provenance() == PROVENANCE


def test_of_two_first_runs_the_one_that_was_paused_is_refused(
    store: ExperimentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = PROVENANCE.model_copy(update={"data_digest": "z"})
    create = store.store.create

    def paused(path: str, content: bytes) -> bool:
        made = create(path, content)
        if path.endswith("experiment.yaml"):
            monkeypatch.undo()
            claim(store, {"results": "r"}, other)()
        return made

    monkeypatch.setattr(store.store, "create", paused)
    with pytest.raises(StoreError, match="results on other data"):
        claim(store, {"results": "r"}, PROVENANCE)
    assert store.provenance() == other


def test_of_two_runs_that_add_models_none_drops_the_other_s(store: ExperimentStore) -> None:
    def now(*models: str) -> dict[str, Any]:
        return {"models": list(models), "tuning": {}, "results": "r"}

    claim(store, now("xgboost"), PROVENANCE)()
    first = claim(store, now("xgboost", "random_forest"), PROVENANCE)
    second = claim(store, now("xgboost", "naive_bayes"), PROVENANCE)
    first()
    second()
    content = store.store.get("exp/experiment.yaml") or b""
    assert (b"random_forest" in content, b"naive_bayes" in content) == (True, True)


def test_experiments_are_found_at_their_address_or_alone_below_it(
    store: ExperimentStore, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="found none"):
        open_experiment(str(tmp_path))
    claim(store, {"results": "r"}, PROVENANCE)
    assert open_experiment(str(tmp_path)).experiment == "exp"
    assert open_experiment(str(tmp_path / "exp") + "/").url == store.url
    claim(ExperimentStore(Store(str(tmp_path)), "other"), {"results": "r"}, PROVENANCE)
    with pytest.raises(StoreError, match="found exp, other: name one"):
        open_experiment(str(tmp_path))


def test_best_parameters_are_committed_once(store: ExperimentStore) -> None:
    cache = TunedModelCache(store.store)
    assert cache.load_best_params("exp", "xgboost") is None
    assert cache.save_best_params("exp", "xgboost", {"max_depth": None})
    assert not cache.save_best_params("exp", "xgboost", {"max_depth": 3})
    assert cache.load_best_params("exp", "xgboost") == {"max_depth": None}
    assert json.loads(store.store.get("exp/xgboost/best.json") or b"")["params"] == {
        "max_depth": None
    }


def test_the_monitor_follows_the_best_score() -> None:
    calls = []
    monitor = TuningMonitor({"xgboost": 10}, calls.append)
    for number, score in enumerate([0.5, 0.4, None, 0.7]):
        monitor.log_trial(
            f"xgboost/{number}", {"n": number}, score, "complete" if score else "pruned"
        )
    progress = monitor.models["xgboost"]
    assert progress.convergence == [(1, 0.5), (4, 0.7)]
    assert (progress.best_trial, progress.best_params) == (3, {"n": 3})
    assert progress.states == {"complete": 3, "pruned": 1}
    assert len(calls) == 1 + 4  # at the beginning, and at each trial


def test_a_failed_write_is_raised_and_the_others_are_kept() -> None:
    written: list[int] = []

    def fail() -> None:
        raise StoreError("full")

    def write_all() -> None:
        with BackgroundWriter() as writer:
            writer.submit(written.append, 1)
            writer.submit(fail)

    with pytest.raises(StoreError, match="full"):
        write_all()
    assert written == [1]


def test_fields_that_earlier_versions_wrote_are_left_out() -> None:
    written = json.loads(record(0).model_dump_json())
    assert parse_trial(json.dumps({**written, "free": True}).encode(), 0) == record(0)
    for wrong in ({"foreign": True}, {"free": True, "foreign": True}):
        with pytest.raises(ValueError, match=r"of another version.*foreign"):
            parse_trial(json.dumps({**written, **wrong}).encode(), 0)
    with pytest.raises(ValueError, match="cut off"):
        parse_trial(b'{"free": ' + b"[" * 100_000, 0)


@pytest.mark.parametrize("value", [True, "1", 1.5, None])
def test_nothing_else_is_taken_for_a_number(value: object) -> None:
    written = json.loads(record(0).model_dump_json())
    with pytest.raises(ValueError, match="not what va-tuning wrote"):
        parse_trial(json.dumps({**written, "batch": value}).encode(), 0)


@pytest.mark.parametrize(
    "name", ["ensemble/best.json", "ensemble/commits/0001.json", "logs/run/000001.log"]
)
def test_no_output_takes_the_place_of_what_is_stored(
    store: ExperimentStore, tmp_path: Path, name: str
) -> None:
    for path in ("ensemble/commits/0001.json", "logs/run/000001.log"):
        store.store.put(store.path(path), b"{}")
    with pytest.raises(InputError, match="part of the experiment's results"):
        check_outside_results(store, {"--output": tmp_path / "exp" / name})
    check_outside_results(store, {"--output": tmp_path / "exp" / "mine" / "predictions.csv"})
