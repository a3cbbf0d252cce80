"""The process of which every worker is a copy: it loads libraries and forks when it is told to.

It has one thread, and linear algebra has one, so that a copy of it is whole; what it has loaded is
in memory once, however many workers there are. It ends with whoever started it, and its workers end
with it, whatever they are doing.
"""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import NoReturn

from tuner_job.execution.local.worker import work

LOAD, FORK, END = "load", "fork", "end"
"""What it can be told: import modules; fork a worker, which is to find modules and files as the
driver does now and whose connection follows, and say its process id or why there is none; end a
worker with all that it has forked, and say its status."""
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main(descriptor: str) -> NoReturn:
    """Do what comes through a connection until that ends."""
    if not hasattr(os, "fork"):
        raise SystemExit("processes cannot be copied here")
    for number in (signal.SIGINT, signal.SIGHUP):  # of a terminal: the driver decides what ends
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else nobody could tell how a worker ended
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    control, workers = Connection(int(descriptor)), set[int]()
    try:
        while True:
            order, what = control.recv()
            if order == LOAD:
                _load(what)
            elif order == FORK:
                control.send(_fork(control, workers, *what))
            else:
                control.send(_end(what, workers))
    except (EOFError, OSError):
        pass
    finally:
        for pid in list(workers):
            _end(pid, workers)
        os._exit(0)


def _load(modules: list[str]) -> None:
    with _hidden("pandas"):
        for module in modules:
            with suppress(Exception):  # the fit that needs it says so
                import_module(module)


@contextmanager
def _hidden(library: str) -> Iterator[None]:
    """Have a library not be found for a block.

    scikit-learn, and XGBoost with it, take pandas along where it is installed, and pandas takes
    pyarrow: a third of a worker's memory, which no fit has a use for.
    """
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[library]


def _fork(control: Connection, workers: set[int], path: list[str], folder: str | None) -> int | str:
    descriptor = recv_handle(control)
    os.set_inheritable(descriptor, False)
    gc.freeze()  # else collections in the workers would copy what they share
    server = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(descriptor)
        return str(error.strerror)
    if pid == 0:
        control.close()  # else the driver would not hear of the server's end
        sys.path[:] = path
        _become_worker(Connection(descriptor), server, folder)
    os.close(descriptor)
    workers.add(pid)
    return pid


def _become_worker(connection: Connection, server: int, folder: str | None) -> NoReturn:
    # else what it forks would keep the driver waiting for the rest of an answer that it dies in
    os.register_at_fork(after_in_child=connection.close)
    try:
        with suppress(OSError):
            os.setpgid(0, 0)  # what it forks ends with it
        with suppress(OSError):
            os.chdir(folder or ".")
        if sys.platform == "linux":
            import ctypes  # Linux only

            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
            with suppress(OSError):  # where memory runs out it is to be a worker that goes
                Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
        if os.getppid() == server:
            work(connection)
    finally:
        os._exit(0)


def _end(pid: int, workers: set[int]) -> int | None:
    """End a worker; return how it ended, as `os.waitpid` says it."""
    if pid not in workers:
        return None
    workers.discard(pid)
    for end in (os.killpg, os.kill):  # one that has ended keeps its status
        with suppress(OSError):
            end(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]
