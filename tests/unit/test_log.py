"""How much a command says, and that a fault leaves its traceback."""

import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from click.testing import CliRunner, Result

from tuner_job.cli.main import main
from tuner_job.execution import ray_start
from tuner_job.execution.ray_tasks import failure_reason
from tuner_job.failure import MOST_OF_TRACEBACK, Failure, describe_failure
from tuner_job.process import output
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.store import Store


@pytest.fixture(autouse=True)
def logger(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    monkeypatch.setenv(output.LEVEL, "")
    ours = logging.getLogger("tuner_job")
    before = ours.handlers, ours.level, ours.propagate
    yield ours
    ours.handlers, ours.level, ours.propagate = before
    ours.setLevel(before[1])


def validate(experiment: Path, *options: str) -> Result:
    return CliRunner().invoke(main, [*options, "validate", str(experiment)])


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    (tmp_path / "deaths.csv").write_text(
        "cause,fever,age\n" + "".join(f"{'ab'[n % 2]},{n % 3 % 2},{n}\n" for n in range(40))
    )
    path = tmp_path / "experiment.yaml"
    path.write_text(
        f"name: small\ndata: {{source: {tmp_path}/deaths.csv, format: table, label: cause}}\n"
        "models: [xgboost]\ntuning: {search_method: random, n_trials: 3, cv_folds: 3}\n"
    )
    return path


READ = "tuner_job.data.load: "


@pytest.mark.parametrize("options", [["-v"], ["--verbose"], ["-vv"]])
def test_verbose_says_what_is_done(options: list[str], experiment: Path) -> None:
    outcome = validate(experiment, *options)
    assert outcome.exit_code == 0, outcome.output
    assert f"{READ}{experiment.parent}/deaths.csv: 40 deaths, 2 causes, 2 features" in (
        outcome.stderr
    )
    assert READ not in outcome.stdout


def test_an_option_after_the_command_does_the_same(experiment: Path) -> None:
    outcome = CliRunner().invoke(main, ["validate", str(experiment), "-v"])
    assert READ in outcome.stderr


def test_nothing_is_said_without_being_asked(experiment: Path) -> None:
    outcome = validate(experiment)
    assert (outcome.exit_code, outcome.stderr) == (0, "")


def test_the_environment_asks_too(experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(output.LEVEL, "INFO")
    assert READ in validate(experiment).stderr
    assert READ not in validate(experiment, "--quiet").stderr


def test_a_level_that_is_none(experiment: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuner_job", "validate", experiment],
        env={**os.environ, output.LEVEL: "loud"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "va-tuning: VA_TUNING_LOG: must be one of error, warning, info, debug; got 'loud'\n"
    )


def test_verbose_and_quiet_cannot_be_used_together(experiment: Path) -> None:
    for arguments in (["-v", "-q", "validate"], ["-q", "validate", "-v"]):
        outcome = CliRunner().invoke(main, [*arguments, str(experiment)])
        assert outcome.exit_code == 2
        assert "--verbose and --quiet cannot be used together" in outcome.stderr


def test_quiet_leaves_notes_out(capsys: pytest.CaptureFixture[str]) -> None:
    for level, said in (("warning", "note: a thing\n"), ("error", "")):
        output.choose_level(level)
        logging.getLogger("tuner_job.results").warning("a thing")
        assert capsys.readouterr().err == said
    assert output.quiet()


def test_a_note_is_told_once_and_a_log_line_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    output.choose_level("info")
    log = logging.getLogger("tuner_job.results")
    for _ in range(2):
        log.warning("a thing")
        log.info("done")
        log.debug("a detail")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "note: a thing"
    assert [line.partition(" ")[2] for line in lines[1:]] == ["tuner_job.results: done"] * 2


def test_the_log_shows_neither_secrets_nor_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.choose_level("debug")
    log = logging.getLogger("tuner_job.results")
    try:
        raise ValueError("https://me:secret@example.org/x\x1b[31m")
    except ValueError:
        log.debug("a request failed", exc_info=True)
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "me:secret" not in said
    assert "\x1b" not in said


def fail() -> None:
    raise ValueError("of no use: https://me:secret@example.org/x")


def failure() -> Failure:
    try:
        fail()
    except ValueError as error:
        return describe_failure(error)
    raise AssertionError


def test_a_failure_is_one_line_and_keeps_its_traceback() -> None:
    found = pickle.loads(pickle.dumps(failure()))
    assert found.startswith("ValueError: of no use: ")
    assert found.endswith(f" (fail, line {fail.__code__.co_firstlineno + 1})")
    assert "\n" not in found
    assert f'File "{__file__}"' in found.traceback
    assert "me:secret" not in found + found.traceback


def test_a_traceback_is_bounded_at_both_ends() -> None:
    found = describe_failure(RecursionError("x"), "begin" + "x" * 10**6 + "end")
    assert len(found.traceback) < MOST_OF_TRACEBACK + 100
    assert found.traceback.startswith("begin")
    assert found.traceback.endswith("end")


def test_a_traceback_stands_beside_its_trial(tmp_path: Path) -> None:
    store = ExperimentStore(Store(str(tmp_path)), "child")
    assert store.errors(["xgboost"]) == []
    address = store.save_error("xgboost", 17, failure().traceback)
    assert address == f"{tmp_path}/child/xgboost/errors/000017.txt"
    assert "in fail" in Path(address).read_text()
    assert store.errors(["xgboost", "random_forest"]) == [f"{tmp_path}/child/xgboost/errors"]


def test_what_ray_says_of_a_dead_worker_leads_to_its_own_logs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    found = failure_reason(ray.exceptions.WorkerCrashedError())
    assert found.startswith("WorkerCrashedError: ")
    assert f"{tmp_path}/ray/session_latest/logs" in found.traceback
    assert str(tmp_path) not in found  # a record says the same wherever it was made


def test_what_ray_prints_goes_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    from ray._private import worker

    # the seam: Ray prints what its raylet says through this name of its own module
    assert "print_to_stdstream" in worker.listen_error_messages.__code__.co_names
    said = {"lines": ["A worker died or was killed\n"], "pid": "raylet", "is_err": False}
    for level in ("warning", "info"):
        output.choose_level(level)
        ray_start._log_what_ray_prints(said, ignore_prefix=False)
    assert (
        capsys.readouterr()
        .err.rstrip()
        .endswith("tuner_job.execution.ray_start: Ray (raylet): A worker died or was killed")
    )
