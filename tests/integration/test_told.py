"""What a run tells in the store of its progress and its end, whatever ends it."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.experiments import held, kill_when, run, start, tune
from tests.integration.s3_server import S3Server, serve
from tests.integration.test_stopping import N_TRIALS, write
from tuner_job.records import ProgressRecord
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.store import FIRST_CONTACT, Store

pytestmark = pytest.mark.timeout(1500)
JANE = {"VA_TUNING_OWNER": "Jane Doe"}


def told_in(results: str | Path) -> ExperimentStore:
    return ExperimentStore(Store(str(results), FIRST_CONTACT), "small")


def progress_of(results: str | Path) -> ProgressRecord:
    found = told_in(results).progress()
    assert found is not None
    return found


def runs_since(results: str | Path, began: str) -> Callable[[], bool]:
    """Whether a run is told of that began later."""

    def look() -> bool:
        found = told_in(results).progress()
        return found is not None and found.began > began and found.state == "running"

    return look


@pytest.fixture(params=["s3", pytest.param("folder", marks=pytest.mark.long)])
def results(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "results")
    server: S3Server = request.getfixturevalue("s3")
    return server.make_bucket("told")


def test_killed_cancelled_and_gone_on_with_to_the_end(tmp_path: Path, results: str) -> None:
    path = write(tmp_path)
    command = ("tune", path, "--results", results, "--workers", "2")
    kill_when(start(*command, environment=JANE), runs_since(results, ""))
    killed = progress_of(results)
    assert (killed.state, killed.owner) == ("running", "Jane Doe")
    assert killed.run_by.startswith("process ")

    kill_when(start(*command), runs_since(results, killed.began), signal.SIGTERM)
    cancelled = progress_of(results)
    assert cancelled.state == "cancelled"
    assert cancelled.seconds_left is None
    assert "goes on from here" in cancelled.reason

    tune(path, results, "--workers", "2", environment=JANE)
    done = progress_of(results)
    assert (done.state, done.reason, done.stage) == ("done", "", None)
    assert (done.done, done.planned) == (N_TRIALS - 2, N_TRIALS - 2)
    assert done.best is not None
    assert done.best.model in done.models
    assert done.fit_seconds > 0
    assert done.last_trial is not None
    assert done.last_trial <= done.written

    log = told_in(results).read_log()
    assert sum(", run by process " in line for line in log) == 3
    assert sum(" cancelled after " in line for line in log) == 1
    assert " done after " in log[-1]
    assert any("small: 90 deaths" in line for line in log)

    tune(path, results)  # nothing is left to do, and it says the same
    again = progress_of(results)
    assert (again.models, again.best, again.state) == (done.models, done.best, "done")
    code, out, err = run("check", results)
    assert code == 0, out + err


def test_a_failure_is_told_with_its_reason(tmp_path: Path) -> None:
    path = write(tmp_path, budget={"cpu_seconds": 1e-9})
    code, _, err = run("tune", path, "--results", str(tmp_path / "results"), "--workers", "2")
    assert code == 1
    found = progress_of(tmp_path / "results")
    assert found.state == "failed"
    assert found.reason in err
    assert told_in(tmp_path / "results").read_log()[-1].endswith(found.reason)


def test_a_second_run_that_is_refused_tells_nothing(tmp_path: Path) -> None:
    path, results = write(tmp_path), tmp_path / "results"
    gate = tmp_path / "gate"
    with held(gate, "tune", path, "--results", str(results), "--workers", "1") as first:
        while not runs_since(results, "")():
            assert first.poll() is None, first.communicate()
            time.sleep(0.01)
        began = progress_of(results).began
        code, _, err = run("tune", path, "--results", str(results))
        assert code == 2, err
        gate.touch()
        first.communicate(timeout=600)
    assert progress_of(results).began == began
    assert len(told_in(results).log_pieces()) == 1


def test_a_store_that_goes_away_meanwhile(tmp_path: Path, s3: S3Server) -> None:
    root = tmp_path / "buckets"
    root.mkdir()
    path = write(tmp_path)
    with serve(root) as server:
        url, port = server.make_bucket("away"), int(server.endpoint.rpartition(":")[2])
        environment = server.environment
        process = start("tune", path, "--results", url, "--workers", "2", environment=environment)
        written = root / "away" / "small" / "progress.json"
        while not written.exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
    time.sleep(8)  # more than one beat
    with serve(root, port):
        _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    found = ProgressRecord.model_validate_json(written.read_text())
    assert (found.state, found.done) == ("done", N_TRIALS - 2)
    (piece,) = (root / "away" / "small" / "logs").rglob("*.log")
    assert " done after " in piece.read_text().splitlines()[-1]
