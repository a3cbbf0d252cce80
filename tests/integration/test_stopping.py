"""SIGTERM, SIGINT and SIGHUP for real, at each stage: one sentence, exit code 130, nothing lost,
nobody left behind."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.experiments import ON_RAY, SCRIPT, start, trial_files, trials_table, tune
from tests.integration.experiments import write as write_experiment

pytestmark = pytest.mark.timeout(1500)

TERM, INT, HUP = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
SENTENCE = "va-tuning: the search was interrupted; run the same command again to go on from here\n"
PATIENCE = 180.0
"""Seconds for the end; the process itself allows 8, see `tuner_job.process.command`, but the
machine may be busy."""
TINY: dict[str, Any] = {
    "name": "small",
    "data": {
        "format": "synthetic",
        "synthetic": {"n_samples": 90, "n_causes": 3, "n_symptoms": 8, "n_sites": 2},
    },
    "models": ["random_forest", "xgboost"],
    "tuning": {
        "search_method": "random",
        "n_trials": 8,
        "cv_folds": 2,
        "early_stopping": "none",
        "search_spaces": {
            "random_forest": {
                "n_estimators": [5, 10],
                "max_depth": [None, 2, 4, 8],
                "min_samples_leaf": [1, 2],
            },
            "xgboost": {
                "n_estimators": [5, 10],
                "learning_rate": {"low": 0.05, "high": 0.5, "log": True},
            },
        },
    },
    "validation": {"scheme": "stratified", "csmf_estimators": ["count"]},
}
N_TRIALS = 2 * (8 + 1)
GROWING = {
    "n_trials": 4,
    "cv_folds": 2,
    "search_spaces": {
        "xgboost": {
            "n_estimators": [300, 600],
            "learning_rate": {"low": 0.05, "high": 0.5, "log": True},
        }
    },
}


def write(folder: Path, **changes: Any) -> Path:
    return write_experiment(folder, TINY, **changes)


def wait_for(
    process: subprocess.Popen[str], condition: Callable[[], bool], seconds: float = 400
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.005)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def runs(process: subprocess.Popen[str], program: str) -> bool:
    for one in family(process):
        try:
            if program in " ".join(one.cmdline()[:4]):
                return True
        except psutil.Error:
            continue
    return False


def is_deaf(process: subprocess.Popen[str]) -> bool:
    """Whether signals are looked after: they are blocked as the first thing, before the child is
    made; while the parent waits for one, the mask does not show it."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    blocked = int(status.partition("SigBlk:\t")[2].split()[0], 16) & 1 << (TERM - 1)
    return bool(blocked or family(process))


def count(results: Path, pattern: str) -> int:
    return len(list(results.glob(f"small/*/{pattern}")))


def begun(process: subprocess.Popen[str], results: Path) -> bool:
    return is_deaf(process)


def importing(process: subprocess.Popen[str], results: Path) -> bool:
    for child in family(process):
        with suppress(OSError):  # it has just ended
            if "numpy" in Path(f"/proc/{child.pid}/maps").read_text():
                return True
    return False


def starting_workers(process: subprocess.Popen[str], results: Path) -> bool:
    return runs(process, "tuner_job.execution.local.server")


def fitting(process: subprocess.Popen[str], results: Path) -> bool:
    """The command, what workers are copies of, and a worker."""
    return len(family(process)) >= 3


def starting_ray(process: subprocess.Popen[str], results: Path) -> bool:
    return runs(process, "gcs_server")


def connecting(process: subprocess.Popen[str], results: Path) -> bool:
    return runs(process, "raylet")


def searching(process: subprocess.Popen[str], results: Path) -> bool:
    return count(results, "trials/*.json") >= 3


def fitting_the_best(process: subprocess.Popen[str], results: Path) -> bool:
    return count(results, "trials/*.json") == N_TRIALS


def reporting(process: subprocess.Popen[str], results: Path) -> bool:
    return count(results, "best.json") == 2


Stage = Callable[[subprocess.Popen[str], Path], bool]


def stopped(process: subprocess.Popen[str], numbers: list[int], group: bool = False) -> str:
    """Send signals; return what was said, once all has ended as it should."""
    left = family(process)
    send = os.killpg if group else os.kill
    for number in numbers:
        send(process.pid, number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    _, alive = psutil.wait_procs(left, timeout=PATIENCE)
    assert not alive, "every process ends with the command"
    return err


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("undisturbed")
    tune(write(folder), folder / "results")
    return trials_table(folder / "results")


@contextmanager
def tuning(folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    with_workers = ("--results", str(folder / "results"), "--workers", "2")
    process = start("tune", write(folder), *with_workers, environment=environment)
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with tuning(tmp_path, {}) as process:
        yield process


@pytest.fixture
def on_ray(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with tuning(tmp_path, ON_RAY) as process:
        yield process


@pytest.mark.parametrize(
    ("stage", "numbers", "group"),
    [
        (begun, [TERM], False),
        (begun, [HUP, INT, TERM], False),
        (importing, [INT], False),
        (starting_workers, [TERM], False),
        (starting_workers, [INT, INT], True),
        (fitting, [TERM, TERM], True),
        (fitting, [HUP], False),
        (searching, [TERM, INT], False),
        (reporting, [HUP, INT], False),
    ],
)
def test_at_each_stage(
    stage: Stage, numbers: list[int], group: bool, process: subprocess.Popen[str], tmp_path: Path
) -> None:
    results = tmp_path / "results"
    wait_for(process, lambda: stage(process, results))
    assert stopped(process, numbers, group) == SENTENCE


@pytest.mark.parametrize(
    ("stage", "numbers", "group"),
    [
        (starting_ray, [TERM], False),
        (starting_ray, [INT, INT], True),
        (connecting, [HUP], False),
        (searching, [TERM, INT], False),
    ],
)
def test_at_each_stage_of_ray(
    stage: Stage, numbers: list[int], group: bool, on_ray: subprocess.Popen[str], tmp_path: Path
) -> None:
    results = tmp_path / "results"
    wait_for(on_ray, lambda: stage(on_ray, results))
    assert stopped(on_ray, numbers, group) == SENTENCE


@pytest.mark.parametrize(
    ("stage", "numbers", "group"),
    [(searching, [HUP, TERM], True), (fitting_the_best, [TERM], False)],
)
def test_nothing_finished_is_lost(
    stage: Stage,
    numbers: list[int],
    group: bool,
    process: subprocess.Popen[str],
    tmp_path: Path,
    undisturbed: str,
) -> None:
    results = tmp_path / "results"
    wait_for(process, lambda: stage(process, results))
    assert stopped(process, numbers, group) == SENTENCE
    before = trial_files(results)
    tune(tmp_path / "experiment.yaml", results)
    after = trial_files(results)
    assert {path: after[path] for path in before} == before, "no finished trial ran again"
    assert trials_table(results) == undisturbed


@contextmanager
def silent_server() -> Iterator[tuple[str, Callable[[], object]]]:
    """A server on loopback that never answers: its address, and a function that waits for the
    next who asks."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(300)
        asked = []
        yield (
            f"http://127.0.0.1:{server.getsockname()[1]}/data.csv",
            lambda: asked.append(server.accept()),
        )
        for connection, _ in asked:
            connection.close()


@pytest.mark.parametrize("number", [TERM, INT, HUP])
def test_while_data_is_read(number: int, tmp_path: Path) -> None:
    with silent_server() as (source, wait_until_asked):
        data = {"source": source, "label": "cause", "site": "site"}
        process = start("tune", write(tmp_path, data=data), "--results", str(tmp_path / "results"))
        wait_until_asked()
        assert stopped(process, [number]) == SENTENCE
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("method", "number"), [("asha", TERM), pytest.param("pbt", INT, marks=pytest.mark.long)]
)
def test_while_ray_tune_searches(method: str, number: int, tmp_path: Path) -> None:
    path = write(tmp_path, tuning={**GROWING, "search_method": method}, models=["xgboost"])
    results = tmp_path / "results"
    process = start("tune", path, "--results", str(results), "--workers", "2")
    wait_for(process, lambda: count(results, "trials/default.json") == 1 and runs(process, "ray::"))
    assert stopped(process, [number]) == SENTENCE
    assert count(results, "trials/default.json") == 1
    tune(path, results)
    assert count(results, "best.json") == 1


def test_a_hang_up_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    results = tmp_path / "results"
    command = (
        "nohup",
        "python",
        "-m",
        "tuner_job",
        "tune",
        str(write(tmp_path)),
        "--results",
        str(results),
    )
    environment = {**os.environ, "PATH": f"{Path(os.sys.executable).parent}:{os.environ['PATH']}"}  # type: ignore[attr-defined]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    wait_for(process, lambda: searching(process, results))
    process.send_signal(HUP)
    _, err = process.communicate(timeout=540)
    assert process.returncode == 0, err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["validate", "FILE"], "interrupted; run the same command again to go on from here"),
        (
            ["compare", "FILE"],
            "the comparison was interrupted; run the same command again to go on from here",
        ),
        (
            [SCRIPT, "--data-path", "SOURCE", "--output-dir", "OUT"],
            "the comparison was interrupted; the same command with --resume goes on from here",
        ),
    ],
)
def test_other_commands(tmp_path: Path, command: list[str], said: str) -> None:
    with silent_server() as (source, wait_until_asked):
        path = write(tmp_path, data={"source": source, "label": "cause", "site": "site"})
        place = {"FILE": str(path), "SOURCE": source, "OUT": str(tmp_path / "output")}
        process = start(*(place.get(part, part) for part in command))
        wait_until_asked()
        assert stopped(process, [TERM]) == f"va-tuning: {said}\n"
    assert not (tmp_path / "output").exists()
