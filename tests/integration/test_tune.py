"""Whole experiments through the command line."""

import csv
import io
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.integration.experiments import (
    SMALL,
    kill_when,
    n_done,
    run,
    start,
    trial_files,
    trials_table,
    tune,
    write,
)
from tests.integration.s3_server import S3Server, serve
from tuner_job.records import ESTIMATORS

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A finished experiment in a folder, and what the command said."""
    folder = tmp_path_factory.mktemp("finished")
    return folder / "results", tune(write(folder), folder / "results", "--workers", "2")


def test_a_run_leaves_what_its_users_need(finished: tuple[Path, str]) -> None:
    results, said = finished
    experiment = results / "small"
    assert "report: " in said
    assert "default" in said
    page = (experiment / "report.html").read_text()
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    for model in SMALL["models"]:
        assert len(list((experiment / model / "trials").glob("0*.json"))) == 12
        assert (experiment / model / "trials" / "default.json").exists()
        best = json.loads((experiment / model / "best.json").read_text())
        scores = {
            which: best["summary"][which]["scores"]["csmf_accuracy"]
            for which in ("best", "default")
        }
        assert scores["best"] >= scores["default"]
    assert json.loads((experiment / "summary.json").read_text())["scheme"] == "dirichlet"
    assert not list(results.glob(".write-test*"))


def test_show_says_the_same_as_the_store(finished: tuple[Path, str]) -> None:
    results, _ = finished
    code, out, _ = run("show", str(results / "small"), "--json")
    summary = json.loads(out)
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(trials_table(results))))
    for study in summary["studies"]:
        complete = [
            row for row in rows if row["model"] == study["model"] and json.loads(row["scores"])
        ]
        best = max(json.loads(row["scores"])["csmf_accuracy"] for row in complete)
        assert study["best"]["scores"]["csmf_accuracy"] == pytest.approx(best, abs=1e-9)


@pytest.mark.long
def test_one_worker_gives_the_same_bytes_as_two(finished: tuple[Path, str], tmp_path: Path) -> None:
    results, _ = finished
    tune(write(tmp_path), tmp_path / "one", "--workers", "1")
    assert trials_table(tmp_path / "one") == trials_table(results)


@pytest.mark.parametrize(
    "n_trials", [4, 22, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 9, 15))]
)
def test_a_killed_run_goes_on_where_it_was(
    finished: tuple[Path, str], tmp_path: Path, n_trials: int
) -> None:
    results, path = tmp_path / "results", write(tmp_path)
    process = start("tune", path, "--results", str(results), "--workers", "2")
    kill_when(process, lambda: len(trial_files(results)) >= n_trials)
    before = trial_files(results)
    assert not (results / "small" / "summary.json").exists(), "it was killed before its end"
    tune(path, results, "--workers", "2")
    after = trial_files(results)
    assert {trial: after[trial] for trial in before} == before, "no finished trial ran again"
    assert n_done(results) == n_done(finished[0])
    assert trials_table(results) == trials_table(finished[0])


def test_a_finished_run_does_nothing_again(finished: tuple[Path, str]) -> None:
    results, _ = finished
    before = trial_files(results)
    tune(write(results.parent), results)
    assert trial_files(results) == before


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    results, path = tmp_path / "results", write(tmp_path)
    process = start("tune", path, "--results", str(results), "--workers", "2")
    deadline = time.monotonic() + 600
    while len(trial_files(results)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err.strip().endswith("run the same command again to go on from here")
    assert "Traceback" not in err
    assert not list(results.glob("*/*/best.json"))
    tune(path, results)
    assert trials_table(results) == trials_table(finished[0])


def test_a_worker_that_dies_costs_time_only(finished: tuple[Path, str], tmp_path: Path) -> None:
    results, path = tmp_path / "results", write(tmp_path)
    process = start("tune", path, "--results", str(results), "--workers", "2")
    killed = 0
    driver = psutil.Process(process.pid)
    deadline = time.monotonic() + 600
    while killed < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        if len(trial_files(results)) < 2 + 4 * killed:
            time.sleep(0.01)
            continue
        for worker in driver.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it has just ended
                if worker.parent() in driver.children()[0].children():
                    worker.kill()
                    killed += 1
                    break
    assert killed == 2
    _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    assert trials_table(results) == trials_table(finished[0])


def test_results_in_s3_are_the_same(
    finished: tuple[Path, str], tmp_path: Path, s3: S3Server
) -> None:
    bucket = s3.make_bucket("results")
    tune(write(tmp_path), f"{bucket}/team")
    assert trials_table(f"{bucket}/team/small") == trials_table(finished[0])
    assert (s3.root / "results" / "team" / "small" / "report.html").exists()


def test_a_store_that_goes_away_for_a_while_costs_time_only(
    finished: tuple[Path, str], tmp_path: Path, s3_server: S3Server
) -> None:
    root = tmp_path / "buckets"
    (root / "flaky").mkdir(parents=True)
    path = write(tmp_path)
    with serve(root) as first:
        process = start("tune", path, "--results", "s3://flaky", environment=first.environment)
        deadline = time.monotonic() + 600
        while len(list(root.glob("flaky/small/*/trials/*.json"))) < 4:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
    time.sleep(5)  # the outage itself: shorter than the store's patience, longer than a request
    assert process.poll() is None
    with serve(root, int(first.endpoint.rpartition(":")[2])):
        _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    tables = root / "flaky"
    assert trials_table(tables) == trials_table(finished[0])


FOREST_ONLY = {
    **SMALL["tuning"],
    "search_spaces": {"random_forest": SMALL["tuning"]["search_spaces"]["random_forest"]},
}


def test_a_timeout_ends_the_search_with_what_is_finished(tmp_path: Path) -> None:
    tuning = {**FOREST_ONLY, "n_trials": 100_000, "search_method": "random", "search_spaces": {}}
    path = write(tmp_path, tuning=tuning, budget={"timeout": "25s"}, models=["random_forest"])
    # one worker: many would be through with the whole space before
    tune(path, tmp_path / "results", "--workers", "1")
    summary = json.loads((tmp_path / "results" / "small" / "summary.json").read_text())["studies"][
        0
    ]
    assert summary["stopped_by"] == "timeout"
    assert 0 < summary["n_trials"]["complete"] < 576


@pytest.mark.parametrize("method", ["optuna", pytest.param("grid", marks=pytest.mark.long)])
def test_several_objectives_give_a_pareto_front(tmp_path: Path, method: str) -> None:
    tuning = {
        **FOREST_ONLY,
        "search_method": method,
        "scoring_metric": ["csmf_accuracy", "cod_accuracy"],
    }
    tune(write(tmp_path, tuning=tuning, models=["random_forest"]), tmp_path / "results")
    summary = json.loads((tmp_path / "results" / "small" / "summary.json").read_text())
    front = summary["studies"][0]["pareto_front"]
    rows = {
        row["trial"]: row for row in csv.DictReader(io.StringIO(trials_table(tmp_path / "results")))
    }
    scores = {
        number: json.loads(row["scores"])
        for number, row in rows.items()
        if json.loads(row["scores"])
    }
    for number in front:
        own = scores[str(number)]
        assert not any(
            other["csmf_accuracy"] > own["csmf_accuracy"]
            and other["cod_accuracy"] > own["cod_accuracy"]
            for n, other in scores.items()
            if n != "default"
        )


@pytest.mark.parametrize("method", ["bayesian", pytest.param("random", marks=pytest.mark.long)])
def test_a_search_that_has_ended_goes_on_when_more_trials_are_asked(
    tmp_path: Path, method: str
) -> None:
    def ask(n_trials: int, results: str) -> None:
        tuning = {**FOREST_ONLY, "search_method": method, "n_trials": n_trials}
        tune(write(tmp_path, tuning=tuning, models=["random_forest"]), tmp_path / results)

    ask(3, "extended")
    before = trial_files(tmp_path / "extended")
    ask(6, "extended")
    after = trial_files(tmp_path / "extended")
    assert {path: after[path] for path in before} == before, "no finished trial ran again"
    ask(6, "whole")
    assert trials_table(tmp_path / "extended") == trials_table(tmp_path / "whole")
    best = [
        json.loads((tmp_path / name / "small/random_forest/best.json").read_text())["params"]
        for name in ("extended", "whole")
    ]
    assert best[0] == best[1]
    ask(6, "extended")
    commits = sorted((tmp_path / "extended/small/random_forest/commits").iterdir())
    assert [path.name for path in commits] == ["0001.json", "0002.json"]


def test_leave_one_site_out_has_a_fold_for_each_site(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        models=["random_forest"],
        tuning=FOREST_ONLY,
        validation={"scheme": "leave_one_site_out"},
    )
    tune(path, tmp_path / "results")
    model = tmp_path / "results" / "small" / "random_forest"
    record = json.loads((model / "trials" / "default.json").read_text())
    assert len(record["folds"]) == SMALL["data"]["synthetic"]["n_sites"]
    best = json.loads((model / "best.json").read_text())["summary"]["best"]
    accuracies = best["by_estimator"]
    method = best["csmf_estimator"]["method"]
    assert method in ESTIMATORS
    assert method == "mean" or accuracies["mean"] < max(accuracies.values())
    assert best["over_compositions"] == {}, "every site has its own composition"


def test_no_process_outlives_a_killed_run(tmp_path: Path) -> None:
    results = tmp_path / "results"
    process = start("tune", write(tmp_path), "--results", str(results))
    family: list[psutil.Process] = []

    def begun() -> bool:
        if process.poll() is None:
            family[:] = psutil.Process(process.pid).children(recursive=True)
        return len(trial_files(results)) >= 2

    kill_when(process, begun)
    gone, alive = psutil.wait_procs(family, timeout=90)
    assert gone
    assert not alive
