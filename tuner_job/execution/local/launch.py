"""Starting workers and learning how they ended: copies of one server, or, where processes cannot be
copied, one new interpreter each."""

import atexit
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener, Pipe
from multiprocessing.reduction import send_handle
from typing import Any, Protocol

from tuner_job.execution.local.server import END, FORK, LOAD
from tuner_job.execution.local.worker import KEY
from tuner_job.process.output import debugging

_COMMAND = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from tuner_job.execution.local.{module} import main; main(sys.argv[2])"
)
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_NEEDED = (
    "threadpoolctl",
    "scipy.optimize",
    "tuner_job.execution.fold_task",
    "tuner_job.execution.fit_runner",
)
"""What every worker needs, whatever it fits."""
_ATTEMPTS = 3
_END_SECONDS = 1.0  # that the server has to end its workers with all that they have forked


class LaunchError(Exception):
    """No worker can be started; says why."""


class Launcher(Protocol):
    """How workers are started here."""

    gives_files: bool
    """Whether a worker can be given an open file."""

    def load(self, modules: Sequence[str]) -> None:
        """Have workers that start from now on find modules loaded; nothing waits for that."""

    def close(self) -> None:
        """End what is no worker, and can be started anew."""

    def start(self) -> tuple[int, Connection]:
        """Start a worker; return its process id and the connection to it.

        Raises
        ------
        LaunchError
        """

    def end(self, pid: int) -> str:
        """End a worker if it lives; say how it ended."""


class ForkServer:
    """Copies of one process, which is started when it is first needed."""

    gives_files = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: Connection | None = None
        self._modules: list[str] = []
        self._has_forked = False
        self._owner = os.getpid()
        self.load(_NEEDED)
        atexit.register(self.close)

    def load(self, modules: Sequence[str]) -> None:
        """Order modules; see `Launcher`."""
        new = [module for module in modules if module not in self._modules]
        self._modules += new
        with self._lock, suppress(LaunchError, OSError):  # a worker's start says what is wrong
            if self._control is None:
                self._begin()
            elif new:
                self._control.send((LOAD, new))

    def start(self) -> tuple[int, Connection]:
        """Have it fork; a server that has died is started anew."""
        with self._lock:
            why = ""
            for _ in range(_ATTEMPTS):
                try:
                    return self._fork()
                except (EOFError, OSError) as error:
                    why = getattr(error, "strerror", None) or why
                self._give_up()
        raise LaunchError(why or "the process that they are copies of dies")

    def end(self, pid: int) -> str:
        """End a worker; the server says how, unless it has died too."""
        with self._lock:
            status = None
            if self._control is not None:
                with suppress(EOFError, OSError):
                    self._control.send((END, pid))
                    status = self._control.recv()
            return "died" if status is None else how_it_ended(os.waitstatus_to_exitcode(status))

    def close(self) -> None:
        """End it, and with it every worker."""
        if os.getpid() == self._owner:  # in a copy of this process it is not ours
            self._give_up()

    def _fork(self) -> tuple[int, Connection]:
        if self._control is None:
            self._begin()
        assert self._control is not None
        assert self._process is not None
        ours, theirs = Pipe()
        with theirs:
            self._control.send((FORK, ([*map(str, sys.path)], _folder())))
            send_handle(self._control, theirs.fileno(), self._process.pid)
        answer = self._control.recv()
        if isinstance(answer, str):
            ours.close()
            raise LaunchError(answer)
        self._has_forked = True
        return answer, ours

    def _begin(self) -> None:
        ours, theirs = Pipe()
        with theirs:
            try:
                self._process = _interpreter("server", str(theirs.fileno()), {}, theirs.fileno())
            except OSError as error:
                ours.close()
                raise LaunchError(str(error.strerror)) from None
        self._control = ours
        ours.send((LOAD, self._modules))

    def _give_up(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            if self._has_forked:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_END_SECONDS)
            self._process.kill()
            self._process.wait()
        self._control = self._process = None
        self._has_forked = False


class Spawner:
    """A new interpreter each, as on Windows."""

    gives_files = False

    def __init__(self) -> None:
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def load(self, modules: Sequence[str]) -> None:
        """Do nothing: each worker imports what it needs."""

    def close(self) -> None:
        """Do nothing: there are workers only."""

    def start(self) -> tuple[int, Connection]:
        """Start an interpreter, which connects here and shows that it is the one."""
        key = secrets.token_bytes(32)
        with Listener(authkey=key) as listener:
            try:
                process = _interpreter("worker", str(listener.address), {KEY: key.hex()})
            except OSError as error:
                raise LaunchError(str(error.strerror)) from None
            self._processes[process.pid] = process
            connected = threading.Event()
            at_end = (process, connected, str(listener.address), key)
            threading.Thread(target=_connect_at_end, args=at_end, daemon=True).start()
            connection = listener.accept()
            connected.set()
            return process.pid, connection

    def end(self, pid: int) -> str:
        """End an interpreter."""
        process = self._processes.pop(pid)
        with suppress(OSError):
            process.kill()
        return how_it_ended(process.wait())


def _connect_at_end(
    process: "subprocess.Popen[bytes]", connected: threading.Event, address: str, key: bytes
) -> None:
    """Connect in place of a worker that ends before it does, so that nobody waits for it."""
    process.wait()
    if not connected.is_set():
        with suppress(OSError, EOFError):
            Client(address, authkey=key).close()


def _interpreter(
    module: str, argument: str, variables: Mapping[str, str], *descriptors: int
) -> "subprocess.Popen[bytes]":
    """Start Python where it finds the modules that this process finds; it is as quiet as this
    one."""
    command = _COMMAND.format(module=module)
    said: Any = None if debugging() else subprocess.DEVNULL
    return subprocess.Popen(
        # -P: no file of the current folder stands in place of Python's own
        [sys.executable, "-P", "-c", command, json.dumps([*map(str, sys.path)]), argument],
        stdin=subprocess.DEVNULL,
        stdout=2 if debugging() else said,
        stderr=said,
        env={**os.environ, **_ONE_THREAD, **variables},
        pass_fds=descriptors,
    )


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 (a text)
    except OSError:  # it has been removed
        return None


def how_it_ended(code: int) -> str:
    """Say how a process ended, by its exit code as `subprocess` has it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        name = f"signal {-code}"
    return f"was killed by {name}" + (", perhaps memory ran out" if name == "SIGKILL" else "")


_launcher: tuple[int, Launcher] | None = None


def launcher() -> Launcher:
    """How workers are started in this process; with it begins the loading of what they need."""
    global _launcher
    if _launcher is None or _launcher[0] != os.getpid():
        _launcher = os.getpid(), ForkServer() if hasattr(os, "fork") else Spawner()
    return _launcher[1]


def dismiss() -> None:
    """Let go of what was started ahead: fits run elsewhere."""
    if _launcher and _launcher[0] == os.getpid():
        _launcher[1].close()
