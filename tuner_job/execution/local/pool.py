"""Workers of this machine, kept busy by a thread, however busy whoever waits for them is."""

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from tuner_job.execution.local.launch import Launcher, LaunchError, launcher
from tuner_job.execution.local.shared import Shared, SharedValue
from tuner_job.failure import Failure, describe_failure

_log = logging.getLogger(__name__)
_END_SECONDS = 1.0  # that the thread has to end; it holds nothing that must be saved


@dataclass(eq=False)
class Submitter:
    """Somebody who has calls made: what has ended of them, not taken yet, and how.

    Attributes
    ----------
    retries
        How often a call is begun again whose worker died.
    round
        Grows when calls are cancelled: what comes of earlier ones is dropped.
    """

    retries: int
    round: int = 0
    ended: deque[tuple["Call", bytes | Failure]] = field(default_factory=deque)


@dataclass(eq=False)
class Call:
    """A call, as it is sent to a worker, with the numbers of the shared values that it needs."""

    submitter: Submitter
    message: bytes
    shared: Sequence[int]
    known: Any
    round: int
    retries: int = 0

    @property
    def is_wanted(self) -> bool:
        """Whether it was not cancelled."""
        return self.round == self.submitter.round


@dataclass(eq=False)
class _Worker:
    pid: int
    connection: Connection
    call: Call | None = None
    has: set[int] = field(default_factory=set)
    """Numbers of the shared values that it was given."""
    doomed: bool = False
    """Whether it was ended with what it did."""
    answered: bool = False
    """Whether it has made a call."""
    end: int | None = None
    """What tells that it has ended, where there is such a thing: what it has forked may hold its
    connection."""


class Pool:
    """Processes that make calls for several submitters.

    A worker is started when there is a call for it, and again when it has died.

    Parameters
    ----------
    n_slots
        Workers at most.
    how
        How they are started; None: as is best here.
    """

    def __init__(self, n_slots: int, how: Launcher | None = None):
        self.n_slots = n_slots
        self.changed = threading.Condition()
        self.broken = ""
        """Why there will be no worker any more; empty as long as all is well."""
        self._launcher = how or launcher()
        self._waiting: deque[Call] = deque()
        self._workers: dict[Connection, _Worker] = {}
        self._ends: dict[int, _Worker] = {}
        self._values: dict[int, SharedValue] = {}
        self._closed = self._roused = False
        self._woken, self._wake = Pipe(duplex=False)
        self._thread = threading.Thread(target=self._run, daemon=True, name="workers")
        self._thread.start()

    def pids(self) -> list[int]:
        """Process ids of the workers that there are."""
        with self.changed:
            return [worker.pid for worker in self._workers.values()]

    def share(self, value: Any) -> Shared:
        """Keep a value for workers to read."""
        with self.changed:
            number = len(self._values)
            self._values[number] = SharedValue(number, value, self._launcher.gives_files)
            return Shared(number)

    def submit(self, call: Call) -> None:
        """Have a call made."""
        with self.changed:
            self._waiting.append(call)
        self._rouse()

    def cancel(self, submitter: Submitter) -> None:
        """Forget a submitter's calls, and end the workers that make them."""
        with self.changed:
            submitter.round += 1
            submitter.ended.clear()
            self._waiting = deque(call for call in self._waiting if call.is_wanted)
            for worker in self._workers.values():
                if worker.call and not worker.call.is_wanted:
                    _kill(worker)
        self._rouse()

    def close(self) -> None:
        """End every worker."""
        with self.changed:
            self._closed = True
            self._waiting.clear()
            for worker in self._workers.values():
                _kill(worker)
        self._rouse()
        self._thread.join(_END_SECONDS)

    def _rouse(self) -> None:
        with self.changed, suppress(OSError):
            if not self._roused:
                self._roused = True
                self._wake.send_bytes(b".")

    def _run(self) -> None:
        try:
            while not self._closed:
                self._start_workers()
                self._hand_out()
                for ready in wait([self._woken, *self._workers, *self._ends]):
                    if ready is self._woken:
                        self._woken.recv_bytes()
                        self._roused = False
                    elif ready in self._workers:
                        self._hear(self._workers[ready])
                    elif ready in self._ends and not self._ends[ready].connection.poll():
                        self._lose(self._ends[ready])
        except Exception as error:  # nobody would ever come back
            _log.debug("the thread of the workers ends", exc_info=True)
            self._break(f"the workers cannot be heard: {describe_failure(error)}")
        finally:
            for worker in list(self._workers.values()):
                self._lose(worker)
            for value in self._values.values():
                value.close()
            self._woken.close()

    def _start_workers(self) -> None:
        while True:
            with self.changed:
                alive = [worker for worker in self._workers.values() if not worker.doomed]
                idle = sum(worker.call is None for worker in alive)
                wanted = len(self._waiting) > idle and len(alive) < self.n_slots
            if not wanted or self._closed:
                return
            try:
                pid, connection = self._launcher.start()
            except LaunchError as error:
                _log.info("no worker can be started: %s", error)
                if not self._workers:
                    self._break(f"no worker can be started: {error}")
                return
            worker = _Worker(pid, connection, end=_end_of(pid))
            with self.changed:
                self._workers[connection] = worker
            if worker.end is not None:
                self._ends[worker.end] = worker

    def _hand_out(self) -> None:
        for worker in list(self._workers.values()):
            with self.changed:
                if worker.call or worker.doomed or not self._waiting:
                    continue
                call = worker.call = self._waiting.popleft()
            try:
                for number in set(call.shared) - worker.has:
                    self._values[number].send(worker.connection, worker.pid)
                    worker.has.add(number)
                worker.connection.send_bytes(call.message)
            except OSError:
                if worker.answered:  # it has died since: this call has no part in that
                    self._take_back(worker, call)
                self._lose(worker)

    def _take_back(self, worker: _Worker, call: Call) -> None:
        with self.changed:
            worker.call = None
            if call.is_wanted and not self._closed:
                self._waiting.appendleft(call)

    def _hear(self, worker: _Worker) -> None:
        try:
            answer = worker.connection.recv_bytes()
        except (EOFError, OSError):
            self._lose(worker)
            return
        with self.changed:
            call, worker.call, worker.answered = worker.call, None, True
            if call and call.is_wanted:
                call.submitter.ended.append((call, answer))
                self.changed.notify_all()

    def _lose(self, worker: _Worker) -> None:
        """Take note of a worker's death: its call is begun again, unless it has cost too many."""
        with self.changed:
            self._workers.pop(worker.connection, None)
        worker.connection.close()
        if worker.end is not None and worker.end in self._ends:
            del self._ends[worker.end]
            os.close(worker.end)
        how = self._launcher.end(worker.pid)
        with self.changed:
            call = worker.call
            if not worker.doomed:
                _log.info("worker %d %s", worker.pid, how)
            if call and call.is_wanted and not self._closed:
                if call.retries == call.submitter.retries:
                    again = f"; tried {call.retries + 1} times" if call.retries else ""
                    failure = Failure(f"WorkerDiedError: the worker {how}{again}")
                    call.submitter.ended.append((call, failure))
                    self.changed.notify_all()
                else:
                    call.retries += 1
                    self._waiting.appendleft(call)
        self._rouse()

    def _break(self, why: str) -> None:
        with self.changed:
            self.broken = why
            self._waiting.clear()
            self.changed.notify_all()


def _end_of(pid: int) -> int | None:
    """What can be waited for until a process ends; None where the system has nothing of the
    kind."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or an old one
        return None


def _kill(worker: _Worker) -> None:
    """End a worker that is not given up yet: until then nobody else has its process id."""
    worker.doomed = True
    with suppress(ProcessLookupError):
        os.kill(worker.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
