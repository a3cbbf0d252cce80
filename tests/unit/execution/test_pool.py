"""Worker processes of this machine: what they share, what comes of those that die, who ends
whom."""

import operator
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from tuner_job.errors import ConfigError
from tuner_job.execution.local import machine
from tuner_job.execution.local.launch import ForkServer
from tuner_job.execution.local.pool import Call, Pool, Submitter, _Worker
from tuner_job.execution.local.tasks import PoolTasks

GI = 2**30
TURNS = 30_000  # of waiting, a hundredth of a second each: a limit that no busy machine reaches


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(2)
    yield pool
    pool.close()


def becomes(true: Callable[[], bool]) -> bool:
    return any(true() or time.sleep(0.01) for _ in range(TURNS))


def test_what_is_shared_comes_whole_and_cannot_be_changed(pool: Pool) -> None:
    tasks = PoolTasks(pool, 0)
    rows = np.arange(12.0).reshape(3, 4)
    shared = tasks.share({"rows": rows, "none": rows[:0]})
    tasks.start(operator.itemgetter("rows", "none"), (shared,), "both")
    tasks.start(exec, ("rows[0] = 1", shared), "changed")
    ended = {}
    while len(tasks):
        ended |= {one.known: one for one in tasks.wait()}
    for found, sent in zip(ended["both"].value, (rows, rows[:0]), strict=True):
        np.testing.assert_array_equal(found, sent)
    assert "read-only" in str(ended["changed"].failure)


@pytest.mark.parametrize(
    ("function", "argument", "said"),
    [
        (os._exit, 3, "the worker ended with exit code 3"),
        (signal.raise_signal, signal.SIGSEGV, "the worker was killed by SIGSEGV"),
        (signal.raise_signal, signal.SIGKILL, "killed by SIGKILL, perhaps memory ran out"),
        (signal.raise_signal, signal.SIGTERM, "the worker was killed by SIGTERM"),
    ],
)
def test_a_call_that_kills_its_workers_says_how_they_ended(
    function: Callable[..., object], argument: int, said: str, pool: Pool
) -> None:
    tasks = PoolTasks(pool, 1)
    tasks.start(function, (argument,), "deadly")
    (ended,) = tasks.wait()
    assert said in str(ended.failure)
    assert str(ended.failure).endswith("; tried 2 times")
    assert ended.retries == 1
    tasks.start(abs, (-1,), "harmless")
    assert [one.value for one in tasks.wait()] == [1]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError])
def test_whatever_a_call_raises_its_worker_lives(error: type[BaseException], pool: Pool) -> None:
    tasks = PoolTasks(pool, 0)
    tasks.start(exec, (f"raise {error.__name__}('so')",), "raises")
    (ended,) = tasks.wait()
    assert str(ended.failure).startswith(f"{error.__name__}: so")
    (before,) = pool.pids()
    tasks.start(os.getpid, (), "pid")
    assert tasks.wait()[0].value == before


def test_what_one_submitter_cancels_leaves_the_others_alone(pool: Pool) -> None:
    mine, yours = PoolTasks(pool, 0), PoolTasks(pool, 0)
    mine.start(time.sleep, (1000,), "long")
    yours.start(abs, (-2,), "short")
    mine.start(abs, (-1,), "never begun or dropped")
    mine.cancel_all()
    assert len(mine) == 0
    assert mine.wait(0.0) == []
    assert [one.value for one in yours.wait()] == [2]
    mine.start(abs, (-3,), "later")
    assert [one.value for one in mine.wait()] == [3]


def test_the_pool_keeps_its_size(pool: Pool) -> None:
    tasks = PoolTasks(pool, 2)
    for _ in range(3):
        for pid in pool.pids():
            with suppress(ProcessLookupError):  # that it has died is not known yet
                os.kill(pid, signal.SIGKILL)
        for n in range(6):
            tasks.start(abs, (-n,), n)
        found: list[int] = []
        while len(tasks):
            found += [one.value for one in tasks.wait()]
        assert sorted(found) == list(range(6))
        assert len(pool.pids()) <= 2


def test_its_end_is_that_of_every_worker(pool: Pool) -> None:
    tasks = PoolTasks(pool, 0)
    for _ in range(2):
        tasks.start(time.sleep, (1000,), "long")
    assert becomes(lambda: len(pool.pids()) == 2)
    workers = [psutil.Process(pid) for pid in pool.pids()]
    pool.close()
    assert becomes(lambda: not any(worker.is_running() for worker in workers))


DRIVER = """
import time
from tuner_job.execution.local.pool import Pool
from tuner_job.execution.local.tasks import PoolTasks

pool = Pool(2)
tasks = PoolTasks(pool, 0)
for _ in range(2):
    tasks.start(exec, ("while True: pass",), "busy")
while len(pool.pids()) < 2:
    time.sleep(0.01)
print("ready", flush=True)
time.sleep(1000)
"""


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["the driver", "the process that workers are copies of"])
def test_nobody_outlives_who_started_it(whom: str) -> None:
    with subprocess.Popen([sys.executable, "-c", DRIVER], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"ready\n"
        server, *_ = psutil.Process(driver.pid).children()
        family = [one.pid for one in (server, *server.children(recursive=True))]
        assert len(family) == 3
        (driver if whom == "the driver" else server).kill()
        assert becomes(lambda: not any(_lives(one) for one in family))
        driver.kill()


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_process_that_workers_are_copies_of_has_one_thread(pool: Pool) -> None:
    tasks = PoolTasks(pool, 0)
    tasks.start(os.getppid, (), "server")
    (ended,) = tasks.wait()
    assert psutil.Process(ended.value).num_threads() == 1


@pytest.mark.slow
def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from tuner_job.execution.local.pool import Pool\n"
        "from tuner_job.execution.local.tasks import PoolTasks\n"
        "print('once')\npool = Pool(2)\ntasks = PoolTasks(pool, 0)\ntasks.start(abs, (-1,), 1)\n"
        "print(tasks.wait()[0].value)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("once\n1\n", "")


def test_memory_bounds_how_many_run_and_what_never_fits_is_refused() -> None:
    assert machine.n_slots(3, None) == 3
    assert machine.n_slots(3, 1024) == 3
    assert machine.n_slots(10**9, GI / 4) < 10**9
    with pytest.raises(ConfigError, match=r"must fit on this machine, which has .* Gi; got 1\d+"):
        machine.n_slots(1, 1e6 * GI)


def test_workers_that_died_idle_cost_a_call_nothing(pool: Pool) -> None:
    tasks = PoolTasks(pool, 0)
    for n in range(20):
        tasks.start(time.sleep, (0.01,), n)
    while len(tasks):
        tasks.wait()
    workers = pool.pids()
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert becomes(lambda: not any(map(_lives, workers)))
    tasks.start(abs, (-1,), "later")
    assert [one.value for one in tasks.wait()] == [1]


FORKS = """
import os, time
child = os.fork()
if child == 0:
    time.sleep(1000)
with open(path, "w") as file:
    file.write(str(child))
"""


def test_a_worker_that_dies_takes_along_what_it_has_forked(pool: Pool, tmp_path: Path) -> None:
    tasks = PoolTasks(pool, 0)
    code = f"{FORKS}os.kill(os.getpid(), 9)"
    tasks.start(exec, (code, {"path": str(tmp_path / "child")}), "forks")
    (ended,) = tasks.wait()
    assert "killed by SIGKILL" in str(ended.failure)
    assert becomes(lambda: not _lives(int((tmp_path / "child").read_text())))


def test_the_server_s_end_is_that_of_what_its_workers_have_forked(tmp_path: Path) -> None:
    server = ForkServer()
    pool = Pool(1, server)
    tasks = PoolTasks(pool, 0)
    tasks.start(exec, (FORKS, {"path": str(tmp_path / "child")}), "forks")
    assert tasks.wait()[0].failure is None
    server.close()
    assert becomes(lambda: not _lives(int((tmp_path / "child").read_text())))
    pool.close()


ANSWERS_IN_PART = """
import gc, os, time
from multiprocessing.connection import Connection
if os.fork() == 0:
    time.sleep(1000)
ours, = (one for one in gc.get_objects() if isinstance(one, Connection) and not one.closed)
os.write(ours.fileno(), (1000).to_bytes(4, "big") + b"half")
os.kill(os.getpid(), 9)
"""


def test_a_worker_that_dies_in_its_answer_stops_nobody(pool: Pool) -> None:
    tasks = PoolTasks(pool, 0)
    tasks.start(exec, (ANSWERS_IN_PART, {}), "answers in part")
    (ended,) = tasks.wait()
    assert "killed by SIGKILL" in str(ended.failure)
    tasks.start(abs, (-1,), "later")
    assert [one.value for one in tasks.wait()] == [1]


def test_a_cancelled_call_that_comes_back_is_not_made(pool: Pool) -> None:
    submitter = Submitter(0)
    call = Call(submitter, b"", (), None, round=0)
    pool.cancel(submitter)
    pool._take_back(_Worker(0, pool._wake), call)
    assert not pool._waiting


def test_workers_find_what_the_driver_finds_now(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = PoolTasks(pool, 0)
    tasks.start(os.getpid, (), "started")
    assert tasks.wait()[0].failure is None
    (tmp_path / "found_later.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    later = Pool(1)
    try:
        tasks = PoolTasks(later, 0)
        tasks.start(exec, ("import found_later",), "module")
        assert tasks.wait()[0].failure is None
        tasks.start(os.getcwd, (), "folder")
        assert tasks.wait()[0].value == str(tmp_path)
    finally:
        later.close()


@pytest.mark.slow
def test_no_file_of_the_folder_stands_in_place_of_python_s_own(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('not this one')\n")
    script = (
        "import sys\nsys.path = [one for one in sys.path if one]\n"
        "from tuner_job.execution.local.pool import Pool\n"
        "from tuner_job.execution.local.tasks import PoolTasks\n"
        "tasks = PoolTasks(Pool(1), 0)\ntasks.start(abs, (-1,), 1)\nprint(tasks.wait()[0].value)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
