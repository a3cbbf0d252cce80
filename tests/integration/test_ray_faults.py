"""Ray that dies, cannot be reached or has no place to live: one sentence, and the right exit
code."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.integration.experiments import ON_RAY, run, start, trials_table, tune
from tests.integration.growing_cluster import name_of
from tests.integration.test_stopping import (
    PATIENCE,
    SENTENCE,
    TERM,
    count,
    family,
    stopped,
    wait_for,
    write,
)

ATTEMPTS = 3  # at a port that somebody else may have taken meanwhile
pytestmark = pytest.mark.timeout(1800)


@pytest.mark.parametrize(
    ("program", "name"),
    [("raylet", "its scheduler (raylet)"), ("gcs_server", "its control service (gcs_server)")],
)
def test_ray_that_dies_under_a_search(program: str, name: str, tmp_path: Path) -> None:
    results, path = tmp_path / "results", write(tmp_path)
    arguments = ("tune", path, "--results", str(results), "--workers", "1")
    process = start(*arguments, environment=ON_RAY)
    wait_for(process, lambda: count(results, "trials/*.json") >= 2)
    left = family(process)
    next(one for one in left if name_of(one) == program).kill()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    said, _, logs = err.rstrip("\n").partition("; Ray's own logs are in ")
    assert said == (
        f"va-tuning: Ray died under the search: {name} has ended; what is finished is kept: "
        "run the same command again to go on from here"
    )
    assert Path(logs, "raylet.out").exists()
    assert not psutil.wait_procs(left, timeout=PATIENCE)[1]
    before = {trial: trial.read_bytes() for trial in results.glob("small/*/trials/*.json")}
    tune(path, results)
    assert {trial: trial.read_bytes() for trial in before} == before, "and it goes on without Ray"


def free_port() -> int:
    """A port that is free now; somebody else may take it first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def has_raylet(head: "subprocess.Popen[bytes]") -> bool:
    """Wait until a head has its raylet; whether it has not ended before."""
    deadline = time.monotonic() + PATIENCE
    while head.poll() is None:
        assert time.monotonic() < deadline
        with suppress(psutil.NoSuchProcess):
            if any(name_of(one) == "raylet" for one in psutil.Process(head.pid).children(True)):
                return True
        time.sleep(0.05)
    return False


@pytest.fixture
def head(tmp_path: Path) -> Iterator[str]:
    """A Ray cluster that is not ours; its address."""
    with tempfile.TemporaryDirectory(prefix="va-head-") as folder:
        command = [
            Path(sys.executable).parent / "ray",
            "start",
            "--head",
            "--block",
            "--num-cpus=2",
        ]
        options = ["--node-ip-address=127.0.0.1", f"--temp-dir={folder}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        others = ["--include-dashboard=false", "--disable-usage-stats"]
        environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
        for _ in range(ATTEMPTS):
            port = free_port()
            whole = [*command, f"--port={port}", *options, *others]
            process = subprocess.Popen(whole, env=environment, **quiet)  # type: ignore[call-overload]
            if has_raylet(process):
                break
        else:
            raise AssertionError("the head does not start")
        yield f"127.0.0.1:{port}"
        left = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(timeout=60)
        for one in psutil.wait_procs(left, timeout=10)[1]:
            one.kill()


@pytest.mark.long
def test_a_cluster_that_is_not_ours_is_left_running(head: str, tmp_path: Path) -> None:
    environment = {"RAY_ADDRESS": head, "RAY_AUTH_MODE": "disabled"}
    results, path = tmp_path / "results", write(tmp_path)
    process = start("tune", path, "--results", str(results), environment=environment)
    wait_for(process, lambda: count(results, "trials/*.json") >= 2)
    assert stopped(process, [TERM]) == SENTENCE
    tune(path, results, environment=environment)
    tune(path, tmp_path / "local")
    assert trials_table(results) == trials_table(tmp_path / "local")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"RAY_ADDRESS": "127.0.0.1:1"},
            "RAY_ADDRESS: no Ray cluster answers at '127.0.0.1:1' (Connection refused)",
        ),
        ({"RAY_ADDRESS": "here"}, "RAY_ADDRESS: must be HOST:PORT or auto, got 'here'"),
        (
            {"TMPDIR": "/nowhere"},
            "TMPDIR='/nowhere': cannot be written, which Ray's own files need: No such file or",
        ),
        (
            {"TMPDIR": "/proc"},
            "TMPDIR='/proc': cannot be written, which Ray's own files need: No such file or",
        ),
        ({"TMPDIR": "here"}, "TMPDIR='here': must be an absolute path, for Ray's own files"),
        (
            {"TMPDIR": f"/tmp/{'x' * 60}"},
            "is too long by 26 bytes for Ray's sockets below it; set RAY_TMPDIR to a",
        ),
    ],
)
def test_what_ray_cannot_use(environment: dict[str, str], said: str, tmp_path: Path) -> None:
    arguments = ("tune", write(tmp_path), "--results", str(tmp_path / "results"))
    code, _, err = run(*arguments, environment={**ON_RAY, **environment})
    assert (code, err.count("\n")) == (2, 1), err
    assert err.startswith("va-tuning: ")
    assert said in err
    assert not (tmp_path / "results").exists()


def test_a_port_where_something_else_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        code, _, err = run(
            "tune",
            write(tmp_path),
            "--results",
            str(tmp_path / "results"),
            environment={"RAY_ADDRESS": address},
        )
    assert (code, err) == (
        2,
        f"va-tuning: RAY_ADDRESS: nothing at '{address}' answers as a Ray cluster\n",
    )


@pytest.mark.parametrize(
    ("mount", "reason"),
    [
        ("mount -t tmpfs -o ro none", "Read-only file system"),
        ("mount -t proc none", "No such file or directory"),
    ],
)
def test_shared_memory_that_cannot_be_used(mount: str, reason: str, tmp_path: Path) -> None:
    command = (
        f"{mount} /dev/shm && RAY_ADDRESS=local exec {sys.executable} -m tuner_job tune "
        f"{write(tmp_path)} --results {tmp_path}/r"
    )
    done = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"va-tuning: /dev/shm: cannot be written, which Ray's shared objects need: {reason}\n"
    )


@pytest.mark.parametrize("address", ["", " "])
def test_an_empty_address_counts_as_not_set(address: str, tmp_path: Path) -> None:
    nowhere = {"RAY_ADDRESS": address, "RAY_TMPDIR": "/nowhere", "TMPDIR": f"/tmp/{'x' * 120}"}
    tune(write(tmp_path), tmp_path / "results", environment=nowhere)
