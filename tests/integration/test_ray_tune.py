"""Searches that Ray Tune runs, through the command line, on real Ray."""

import csv
import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.integration.experiments import (
    kill_when,
    n_done,
    run,
    start,
    trial_files,
    trials_table,
    tune,
    write,
)
from tests.integration.growing_cluster import TRAINS
from tests.integration.s3_server import SECRET, S3Server
from tuner_job.config.load import load_experiment
from tuner_job.execution.fold_task import fold_data
from tuner_job.experiment.search import searched_data
from tuner_job.models import FAMILIES
from tuner_job.models.growing import as_continued, replay
from tuner_job.prediction.predict import load_model
from tuner_job.problem import Prepared, prepare
from tuner_job.records import TrialRecord
from tuner_job.results.experiment_store import ExperimentStore, open_experiment

pytestmark = pytest.mark.timeout(1500)

BOOSTING = {"learning_rate": {"low": 0.02, "high": 0.5, "log": True}, "subsample": [0.6, 0.8, 1.0]}
ASHA = {
    "search_method": "asha",
    "n_trials": 12,
    "cv_folds": 3,
    "search_spaces": {
        "xgboost": {"n_estimators": [9, 27], **BOOSTING},
        "random_forest": {
            "n_estimators": [27, 54],
            "max_depth": [1, 4, None],
            "min_samples_leaf": [1, 20, 60],
        },
        "logistic_regression": {
            "C": [0.001, 0.01, 0.1, 1, 10],
            "penalty": ["l1", "l2"],
            "solver": ["saga", "liblinear"],
        },
    },
}
POPULATION = {"n_estimators": [40], "max_depth": [1, 2, 4], "max_bin": [16, 256], **BOOSTING}
PBT = {
    "search_method": "pbt",
    "n_trials": 6,
    "cv_folds": 3,
    "scoring_metric": "cod_accuracy",
    "search_spaces": {"xgboost": POPULATION},
}
BOOSTED = {**ASHA, "search_spaces": {"xgboost": ASHA["search_spaces"]["xgboost"]}}  # type: ignore[index]
MARK = 0.123456


def experiment(folder: Path, tuning: dict[str, Any], **changes: Any) -> Path:
    return write(folder, tuning=tuning, models=list(tuning["search_spaces"]), **changes)


def records(results: Path | str, model: str) -> list[TrialRecord]:
    return [
        record for record in open_experiment(str(results)).load_trials(model) if record.trial >= 0
    ]


def test_asha_stops_trials_of_every_model_while_they_train(tmp_path: Path) -> None:
    said = tune(experiment(tmp_path, ASHA), tmp_path / "results")
    assert "depended on timing" in " ".join(said.split())
    summary = open_experiment(str(tmp_path / "results")).summary()
    assert (
        "another run of the same file and seed may give other trials"
        in (tmp_path / "results" / "small" / "report.html").read_text()
    )
    for study in summary.studies:
        assert not study.deterministic
        found = records(tmp_path / "results", study.model)
        assert len(found) == 12
        pruned = [record for record in found if record.state == "pruned"]
        complete = [record for record in found if record.state == "complete"]
        assert len(pruned) == study.n_trials["pruned"] > 0
        assert complete
        for record in pruned:
            (how_far,) = {(f.diagnostics["size"], f.diagnostics["full_size"]) for f in record.folds}
            assert how_far[0] == record.curve[-1][0] < how_far[1]
            assert not record.scores
        for record in complete:
            assert len(record.folds) == 3
            judged = sum(fold.judged[0] for fold in record.folds) / len(record.folds)
            assert record.curve[-1] == (_full_size(study.model, record), pytest.approx(judged))
            assert record.csmf_estimator
    assert not list(tmp_path.glob("**/ray-tune")), "what Ray Tune kept is removed after the commit"


def _full_size(model: str, record: TrialRecord) -> int:
    return 3 if model == "logistic_regression" else int(record.params["n_estimators"])


@pytest.mark.long
def test_the_same_configurations_are_tried_whatever_is_stopped(tmp_path: Path) -> None:
    path = experiment(tmp_path, BOOSTED)
    tune(path, tmp_path / "one", "--workers", "1")
    tune(path, tmp_path / "two", "--workers", "2")
    one, two = (records(tmp_path / name, "xgboost") for name in ("one", "two"))
    assert [record.params for record in one] == [record.params for record in two]


def test_a_population_takes_over_and_the_model_follows_the_winner_s_schedule(
    tmp_path: Path,
) -> None:
    path = experiment(tmp_path, PBT)
    tune(path, tmp_path / "results")
    store = open_experiment(str(tmp_path / "results"))
    prepared = prepare(load_experiment(path))
    data = searched_data(prepared)
    changed = 0
    for record in records(tmp_path / "results", "xgboost"):
        assert record.state == "complete"
        stages = [(stage.size, stage.params) for stage in record.schedule]
        assert [size for size, _ in stages] == [*range(4, 41, 4)]
        assert stages[-1][1] == record.params
        assert len({params["max_bin"] for _, params in stages}) == 1, (
            "cannot change during training"
        )
        changed += len({json.dumps(params) for _, params in stages}) > 1
        P = store.load_oof("xgboost", record.trial)
        assert P is not None
        for fold in range(prepared.n_folds):
            point = replay(
                as_continued(FAMILIES["xgboost"]),
                fold_data(data, fold),
                stages,
                prepared.config.seed,
            )
            np.testing.assert_array_equal(P[prepared.folds == fold], point.P_validation)
    assert changed >= 2
    _check_committed_model(store, prepared)


def _check_committed_model(store: ExperimentStore, prepared: Prepared) -> None:
    (study,) = store.summary().studies
    assert study.best.trial >= 0, (
        "the population must beat the default for this test to say anything"
    )
    stages = [(stage.size, stage.params) for stage in study.best.schedule]
    X, y = prepared.dataset.X, prepared.dataset.y
    replayed = as_continued(FAMILIES["xgboost"]).fit_stages(
        X, y, prepared.dataset.n_causes, stages, prepared.config.seed
    )
    np.testing.assert_array_equal(load_model(store).predict_proba(X), replayed.predict_proba(X))


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.long)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """Address of the results, and where their files stand."""
    if request.param == "folder":
        return str(tmp_path / "results"), tmp_path / "results"
    server: S3Server = request.getfixturevalue("s3")
    return server.make_bucket("tune"), server.root / "tune"


def test_a_killed_population_goes_on_from_its_checkpoints(
    place: tuple[str, Path], tmp_path: Path
) -> None:
    url, root = place
    path = experiment(
        tmp_path, {**PBT, "search_spaces": {"xgboost": {**POPULATION, "n_estimators": [200]}}}
    )
    process = start("tune", path, "--results", url)

    def all_have_begun() -> bool:
        files = root.glob("*/*/ray-tune/*/*/trial.zip")
        return len({_trial(file) for file in files if zipfile.is_zipfile(file)}) == 6

    kill_when(process, all_have_begun)
    assert not list(root.glob("*/*/best.json"))
    assert not [
        file
        for file in root.glob("**/*")
        if file.is_file() and SECRET.encode() in file.read_bytes()
    ]
    before = trial_files(root)
    for file in root.glob("*/*/ray-tune/*/*/trial.zip"):
        _mark(file)
    tune(path, url)
    after = trial_files(root)
    assert {trial: after[trial] for trial in before} == before, "no finished trial ran again"
    found = [record for record in records(f"{url}/small", "xgboost") if _new(record, before)]
    assert found
    assert all(record.curve[0][1] == MARK for record in found), (
        "every trial went on from a checkpoint"
    )
    assert not list(root.glob("*/*/ray-tune/**/trial.zip"))
    assert n_done(root) == {"xgboost": 6}


def _trial(checkpoint: Path) -> str:
    return checkpoint.parent.parent.name


def _new(record: TrialRecord, before: Collection[Path]) -> bool:
    return f"{record.trial:06d}.json" not in {path.name for path in before}


def _mark(checkpoint: Path) -> None:
    """Change a checkpoint's past, so that whoever goes on from it is known; leave one that was
    cut off."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile:
        return
    progress = json.loads(contents["progress.json"])
    progress["curve"][0][1] = MARK
    checkpoint.unlink()  # a store keeps the checksum of what it wrote with the file
    with zipfile.ZipFile(checkpoint, "w") as archive:
        for name, content in {**contents, "progress.json": json.dumps(progress).encode()}.items():
            archive.writestr(name, content)


def test_a_killed_asha_runs_no_finished_trial_again(
    place: tuple[str, Path], tmp_path: Path
) -> None:
    url, root = place
    path = experiment(tmp_path, BOOSTED)
    process = start("tune", path, "--results", url)
    kill_when(process, lambda: len(trial_files(root)) >= 5)
    before = trial_files(root)
    assert not list(root.glob("*/summary.json")), "it was killed before its end"
    tune(path, url)
    after = trial_files(root)
    assert {trial: after[trial] for trial in before} == before
    assert len(after) == 13
    assert n_done(root) == {"xgboost": 12}


@pytest.mark.long
def test_a_stored_trial_that_asha_would_not_draw_is_told_and_run_again(tmp_path: Path) -> None:
    results = tmp_path / "results"
    path = experiment(tmp_path, BOOSTED)
    process = start("tune", path, "--results", str(results))
    kill_when(process, lambda: len(trial_files(results)) >= 4)
    store = open_experiment(str(results))
    before = records(results, "xgboost")
    changed = max(before, key=lambda record: record.trial)
    file = next(results.glob(f"*/xgboost/trials/{changed.trial:06d}.json"))
    other = {**changed.params, "learning_rate": 0.3333}
    file.write_text(changed.model_copy(update={"params": other}).model_dump_json())
    code, out, err = run("tune", path, "--results", str(results))
    assert code == 0, err + out
    said = " ".join(err.split())
    assert f"trial {changed.trial} is " in said
    assert "it is of another experiment, so it is run again and its object replaced" in said
    after = {record.trial: record.params for record in store.load_trials("xgboost")}
    assert {**after, **{record.trial: record.params for record in before}} == after


@pytest.mark.long
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(tmp_path: Path) -> None:
    results = tmp_path / "results"
    path = experiment(tmp_path, {**BOOSTED, "n_trials": 20})
    process = start("tune", path, "--results", str(results))
    deadline = time.monotonic() + 600
    while len(trial_files(results)) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert err.strip().endswith("run the same command again to go on from here")
    assert "Traceback" not in err
    before = trial_files(results)
    tune(path, results)
    after = trial_files(results)
    assert {trial: after[trial] for trial in before} == before
    assert len(after) == 21
    assert n_done(results) == {"xgboost": 20}


def test_a_worker_that_dies_costs_time_only(tmp_path: Path) -> None:
    results = tmp_path / "results"
    process = start("tune", experiment(tmp_path, BOOSTED), "--results", str(results))
    driver, killed = psutil.Process(process.pid), 0
    while not killed and process.poll() is None:
        time.sleep(0.01)
        for worker in driver.children(recursive=True) if len(trial_files(results)) >= 2 else ():
            with suppress(psutil.NoSuchProcess):  # it has just ended
                if " ".join(worker.cmdline()).startswith(TRAINS):
                    worker.kill()
                    killed += 1
                    break
    _, err = process.communicate(timeout=900)
    assert killed
    assert process.returncode == 0, err
    states = [row["state"] for row in csv.DictReader(io.StringIO(trials_table(results)))]
    assert len(states) == 13
    assert "failed" not in states


def test_the_budget_is_kept(tmp_path: Path) -> None:
    tuning = {**BOOSTED, "n_trials": 500}
    budget = {
        "max_trials": 5,
        "max_concurrent_trials": 1,
        "memory_per_task": "200Mi",
        "cpus_per_trial": 2,
    }
    tune(experiment(tmp_path, tuning, budget=budget), tmp_path / "results", "--workers", "2")
    study = open_experiment(str(tmp_path / "results")).summary().studies[0]
    assert sum(study.n_trials.values()) == 5


@pytest.mark.long
def test_a_timeout_ends_the_search(tmp_path: Path) -> None:
    tuning = {**BOOSTED, "n_trials": 100_000}
    tune(experiment(tmp_path, tuning, budget={"timeout": "60s"}), tmp_path / "results")
    study = open_experiment(str(tmp_path / "results")).summary().studies[0]
    assert study.stopped_by == "timeout"
    assert sum(study.n_trials.values()) < 100_000


def test_a_population_of_forests_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, tuning={**PBT, "search_spaces": {}}, models=["random_forest"])
    code, _, err = run("validate", path)
    assert code == 2
    assert (
        "search_method: pbt cannot tune random_forest: its trees know nothing of each other" in err
    )
