"""Runs the command line in a process of its own: a copy of one that has imported everything, or
a new one."""

import atexit
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import psutil

from tests.reliability.case import SCRIPT, Case, Outcome

_LOOK_MS = 500
_ROOM = 6 * 2**30
"""Address space: what would eat the machine is a MemoryError instead."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a while; unlike `tempfile.TemporaryDirectory` no copy of this process removes
    it at its end."""
    folder = Path(tempfile.mkdtemp(prefix="va-reliability-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def preload() -> None:
    """Import what the commands import, so that a copy of this process starts at once."""
    os.environ.setdefault(
        "RAY_worker_niceness", "0"
    )  # else a busy machine starves its workers, which looks like a hang
    _have_folder_for_figures()
    # what is imported when it is needed: a copy may have become nobody, who reads no module
    import encodings.ascii
    import encodings.cp437
    import encodings.idna
    import encodings.utf_8_sig
    import encodings.utf_32_le  # noqa: F401

    import kubernetes.client
    import kubernetes.config.kube_config
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401
    import xgboost  # noqa: F401

    import tuner_job.cli.main
    import tuner_job.cli.progress
    import tuner_job.cli.run_distributed_comparison
    import tuner_job.cli.tables
    import tuner_job.cluster.fetch
    import tuner_job.cluster.submit
    import tuner_job.comparison.compare
    import tuner_job.execution.drive
    import tuner_job.execution.local.runner
    import tuner_job.execution.local.tasks
    import tuner_job.execution.ray_runner
    import tuner_job.experiment.run
    import tuner_job.prediction.predict
    import tuner_job.report
    import tuner_job.search.samplers.optuna  # noqa: F401

    kubernetes.client.CoreV1Api(
        kubernetes.client.ApiClient(kubernetes.client.Configuration())
    )  # imports the most


def _have_folder_for_figures() -> None:
    """Matplotlib remembers its folder, and a copy that has become nobody may not read this
    process's home."""
    folder, owner = Path(tempfile.mkdtemp()), os.getpid()
    folder.chmod(0o755)
    os.environ["MPLCONFIGDIR"] = str(folder)
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))


def run(case: Case, work: Path, streams: Path) -> Outcome:
    """Run a case in the folder `work`; its output goes to files in `streams`."""
    out, err = streams / "out", streams / "err"
    pid = _start_fresh(case, work, out, err) if case.fresh else _start_copy(case, work, out, err)
    hung, status, used = _wait(pid, case.seconds, case.ray)
    return Outcome(
        os.waitstatus_to_exitcode(status),
        out.read_bytes().decode(errors="backslashreplace"),
        err.read_bytes().decode(errors="backslashreplace"),
        used.ru_maxrss * 1024,
        hung,
    )


def _start_fresh(case: Case, work: Path, out: Path, err: Path) -> int:
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    for name, value in case.environment.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    with out.open("wb") as to_out, err.open("wb") as to_err:
        command = [sys.executable, "-m", "tuner_job", *case.argv]
        process = subprocess.Popen(
            command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=to_out,
            stderr=to_err,
            start_new_session=True, preexec_fn=case.inside,
        )  # fmt: skip
    return process.pid


def _start_copy(case: Case, work: Path, out: Path, err: Path) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            _become_command(case, work, out, err)
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(99)
    return pid


def _become_command(case: Case, work: Path, out: Path, err: Path) -> NoReturn:
    from kubernetes.config import kube_config

    from tuner_job.__main__ import main, main_of_comparison

    os.setsid()
    os.chdir(work)
    for path, number, flags in ((Path(os.devnull), 0, os.O_RDONLY), (out, 1, 0), (err, 2, 0)):
        os.dup2(os.open(path, flags or os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    for name, value in case.environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    kube_config.KUBE_CONFIG_DEFAULT_LOCATION = os.environ.get(
        "KUBECONFIG", "~/.kube/config"
    )  # as its import does
    script = case.argv[:1] == (SCRIPT,)
    sys.argv = [*case.argv] if script else ["va-tuning", *case.argv]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not case.ray:
        resource.setrlimit(resource.RLIMIT_AS, (_ROOM, _ROOM))
        sys.addaudithook(_no_processes)
    if case.inside:
        case.inside()
    _end_as_python(main_of_comparison if script else main)


def _no_processes(event: str, arguments: tuple[object, ...]) -> None:
    """End where what must be refused would start Ray. What reads files of Stata, SPSS and SAS has
    a process of its own, and what workers are copies of starts before anything is read."""
    allowed = ("readstat.py", "tuner_job.execution.local.server")
    if event == "subprocess.Popen" and not any(name in repr(arguments) for name in allowed):
        os.write(2, b"it starts a process\n")
        os._exit(98)


def _end_as_python(command: Callable[[], object]) -> NoReturn:
    """Run something and end the process as the interpreter does: with a traceback, handlers,
    flushed streams."""
    code = 0
    try:
        command()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException as error:
        traceback.print_exc()
        code = 130 if isinstance(error, KeyboardInterrupt) else 1
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        os.write(2, f"Exception ignored at the end: {error!r}\n".encode())
        code = 120
    os._exit(code)


def _wait(pid: int, seconds: float, ray: bool) -> tuple[bool, int, resource.struct_rusage]:
    """Wait for a process; one that computes, or does nothing at all, for too long is ended as hung.

    Time is that of the process and its children and not the clock's, so that a busy machine makes
    nothing hang.
    """
    descriptor = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    used, hung = 0.0, False
    begun = since = time.monotonic()
    while not poll.poll(_LOOK_MS) and not hung:
        before, used = used, _cpu_seconds(pid)
        if used != before:
            since = time.monotonic()
        waited, took = time.monotonic() - since, time.monotonic() - begun
        hung = waited > seconds or took > 10 * seconds or (used > seconds and not ray)
    os.close(descriptor)
    if hung:
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    with suppress(ProcessLookupError):  # what it left running
        os.killpg(pid, signal.SIGKILL)
    return hung, status, usage


def _cpu_seconds(pid: int) -> float:
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system
    return total
