"""What one run, two, or a dying one leaves behind: the same command ends with the same trials
and one usable commit."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.experiments import held, kill_when, run, start, trials_table, tune, write
from tests.integration.s3_server import S3Server
from tests.unit.results.conftest import STORED, VERSIONS
from tuner_job.results import lease
from tuner_job.results.experiment_store import open_experiment

FOREST = {
    "search_method": "random",
    "n_trials": 6,
    "cv_folds": 3,
    "search_spaces": {"random_forest": {"n_estimators": [5, 10, 20], "max_depth": [2, 4, 8]}},
}
ASHA = {**FOREST, "search_method": "asha", "n_trials": 4}


@pytest.fixture(
    params=["folder", *(pytest.param(one, marks=pytest.mark.long) for one in ("s3", "asha"))]
)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """An experiment file and where its results go."""
    path = write(
        tmp_path, models=["random_forest"], tuning=ASHA if request.param == "asha" else FOREST
    )
    if request.param != "s3":
        return path, str(tmp_path / "results")
    server: S3Server = request.getfixturevalue("s3")
    return path, server.make_bucket("two-runs")


def without_lease(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start ``va-tuning`` as if no lease were taken."""
    program = (
        "import contextlib, sys; import tuner_job.experiment.begin as p; from tuner_job.cli.main "
        "import main; "
        "p.leased = lambda *_, **__: contextlib.nullcontext(lambda: False); main(sys.argv[1:])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_usable(results: str) -> bool:
    """Whether there is one commit and all that it names is whole."""
    store = open_experiment(results)
    assert [path for path in store.store.paths(store.experiment) if "/commits/" in path] == [
        f"{store.experiment}/random_forest/commits/0001.json"
    ]
    code, out, err = run("check", results)
    assert code == 0, out + err
    return len(store.load_trials("random_forest")) >= 4


def test_two_runs_at_once_without_a_lease_end_with_one_commit(case: tuple[Path, str]) -> None:
    path, results = case
    both = [without_lease("tune", path, "--results", results, "--workers", "1") for _ in range(2)]
    ended = [process.communicate(timeout=850) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert is_usable(results)


def test_the_second_run_says_who_is_running(case: tuple[Path, str], tmp_path: Path) -> None:
    path, results = case
    gate = tmp_path / "gate"
    with held(gate, "tune", path, "--results", results, "--workers", "1") as first:
        store = None
        while store is None:
            assert first.poll() is None, first.communicate()
            try:
                opened = open_experiment(results)
                store = opened if opened.store.get(f"{opened.experiment}/lease.json") else None
            except Exception:
                continue
        code, _, err = run("tune", path, "--results", results)
        assert (code, f"is being run by process {first.pid} on" in err) == (2, True), err
        gate.touch()
        out, err = first.communicate(timeout=850)
    assert first.returncode == 0, err + out
    assert is_usable(results)
    assert store.store.get(f"{store.experiment}/lease.json") is None


def test_a_run_that_is_taken_over_keeps_its_trials_and_says_so(tmp_path: Path) -> None:
    path, results = write(tmp_path), tmp_path / "results"
    first = start("tune", path, "--results", str(results), "--workers", "1")
    while not list(results.glob("*/*/trials/*.json")):
        assert first.poll() is None, first.communicate()
    os.killpg(first.pid, signal.SIGSTOP)  # so that it cannot end before it is taken over
    second = start("tune", path, "--results", str(results), "--workers", "1", "--takeover")
    while json.loads((results / "small" / "lease.json").read_text())["process"][1] != second.pid:
        assert second.poll() is None, second.communicate()
        time.sleep(0.01)
    time.sleep(lease._BEAT)  # it looks at its lease as soon as it goes on
    os.killpg(first.pid, signal.SIGCONT)
    _, err = first.communicate(timeout=850)
    assert (first.returncode, f"was taken over by process {second.pid} on" in err) == (1, True), err
    out, err = second.communicate(timeout=850)
    assert second.returncode == 0, err + out
    tune(path, tmp_path / "undisturbed")
    assert trials_table(results) == trials_table(tmp_path / "undisturbed")


def test_a_killed_run_of_this_machine_is_not_waited_for(tmp_path: Path) -> None:
    path, results = write(tmp_path, models=["random_forest"], tuning=FOREST), tmp_path / "results"
    process = start("tune", path, "--results", str(results))
    kill_when(process, lambda: bool(list(results.glob("*/*/trials/*.json"))), signal.SIGKILL)
    assert (results / "small" / "lease.json").exists()
    code, _, err = run("tune", path, "--results", str(results))
    assert (code, "looking whether it still does" in err) == (0, False), err


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGES: dict[str, Callable[[Path, int], list[Path]]] = {
    "the winner's trial": lambda model, best: [model / f"trials/{best:06d}.json"],
    "the winner's probabilities, before the commit": lambda model, best: [
        model / f"oof/{best:06d}.npz", model / "commits/0001.json", model / "best.json"
    ],
    "the default's trial": lambda model, _: [model / "trials/default.json"],
    "the model": lambda model, _: list((model / "models").iterdir()),
    "the commit and its copy": lambda model, _: [model / "commits/0001.json", model / "best.json"],
    "experiment.yaml": lambda model, _: [model.parent / "experiment.yaml"],
    "provenance.json": lambda model, _: [model.parent / "provenance.json"],
    "summary.json": lambda model, _: [model.parent / "summary.json"],
}  # fmt: skip


QUICK = ("the winner's probabilities, before the commit", "the model", "provenance.json")
"""Of the damages, what is tried always."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """An experiment file, the results of a run of it, and their table."""
    folder = tmp_path_factory.mktemp("done")
    # with all estimators: so it is not the default that wins
    path = write(folder, models=["random_forest"], tuning=FOREST, validation={})
    tune(path, folder / "results")
    return path, folder / "results", trials_table(folder / "results")


@pytest.mark.parametrize(
    "what", [one if one in QUICK else pytest.param(one, marks=pytest.mark.long) for one in DAMAGES]
)
def test_what_is_damaged_is_named_and_made_again(
    done: tuple[Path, Path, str], tmp_path: Path, what: str
) -> None:
    path, results, table = done
    shutil.copytree(results, tmp_path / "results")
    model = tmp_path / "results" / "small" / "random_forest"
    best = open_experiment(str(results)).summary().studies[0].best.trial
    damaged = DAMAGES[what](model, best)
    for one in damaged:
        cut(one)
    code, out, err = run("tune", path, "--results", str(tmp_path / "results"))
    assert code == 0, err + out
    told = [
        one for one in damaged if one.name not in ("best.json", "summary.json")
    ]  # those are written anew anyway
    assert all(f"{one}: is damaged: " in err for one in told), err
    assert trials_table(tmp_path / "results") == table
    code, out, err = run("check", str(tmp_path / "results"))
    left = "commits/0001.json" in out
    assert (code == 0) != left, out
    assert open_experiment(str(tmp_path / "results")).summary().studies[0].best.trial == best


OTHER_DRAWS = ("0.1.0", "0.2.0")
"""Versions whose random search grouped its trials by the fits that they share."""


def begun_by(version: str, folder: Path) -> tuple[Path, dict[Path, bytes]]:
    """Put an experiment that a version began into a folder; return its file and its trials."""
    for name in ("experiment.yaml", "deaths.csv"):
        shutil.copy(STORED / version / name, folder)
    shutil.copytree(STORED / version / "stopped", folder / "results" / "stored")
    trials = (folder / "results/stored/xgboost/trials").iterdir()
    return folder / "experiment.yaml", {path: path.read_bytes() for path in trials}


@pytest.mark.parametrize(
    "version",
    [
        v if v == VERSIONS[-1] else pytest.param(v, marks=pytest.mark.long)
        for v in VERSIONS
        if v not in OTHER_DRAWS
    ],
)
def test_an_experiment_that_an_earlier_version_began_goes_on(tmp_path: Path, version: str) -> None:
    path, kept = begun_by(version, tmp_path)
    tune(path, tmp_path / "results")
    told = (STORED / version / "trials.csv").read_text()
    assert comparable(trials_table(tmp_path / "results")) == comparable(told)
    assert {path: path.read_bytes() for path in kept} == kept


def comparable(table: str) -> list[list[str]]:
    """Its trials; the last digits of what logistic regression scores differ between processors, so
    these are without their scores."""
    rows = csv.reader(io.StringIO(table))
    return [row[:4] if row[0] == "logistic_regression" else row for row in rows]


@pytest.mark.parametrize("version", OTHER_DRAWS)
def test_one_whose_trials_would_be_others_is_left_to_its_version(
    tmp_path: Path, version: str
) -> None:
    path, kept = begun_by(version, tmp_path)
    code, _, err = run("tune", path, "--results", tmp_path / "results")
    said = " ".join(err.split())
    assert code == 2, err
    assert (
        f"xgboost: was begun by va-tuning {version}, whose random search has other trials" in said
    )
    assert "finish it with that version, or choose another `name`" in said
    assert {path: path.read_bytes() for path in kept} == kept
