"""What a run has said, in pieces beside its results: ``logs/<run>/000001.log`` and so on.

A piece grows, by being written anew, until it is full; then it stays as it is and the next one
begins. Of a run the first piece and the newest ones are kept, and of an experiment the newest runs.
"""

import logging
import re
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

from tuner_job.errors import StoreError
from tuner_job.public import without_secrets
from tuner_job.results.store import Store
from tuner_job.wording import printable

PIECE = 64 * 2**10
"""Bytes from which on a piece is full."""
MOST_PIECES = 32
"""Of a run: its first, and the newest."""
MOST_RUNS = 20
"""Of an experiment: the newest."""
_MOST_WAITING = 5000
"""Lines that wait for storage."""
_PIECE = re.compile(r"logs/([^/]+)/(\d{6,})\.log")


class RunLog(logging.Handler):
    """Takes lines from any thread, and those of a logger that it is added to; one thread writes
    them.

    Parameters
    ----------
    store, folder
        Where the run's results stand; an empty folder is the whole address.
    """

    def __init__(self, store: Store, folder: str):
        super().__init__(logging.DEBUG)
        self._store, self._folder = store, folder
        self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid4().hex[:6]}"
        self._waiting: deque[str] = deque()
        self._left_out = 0
        self._number, self._piece, self._is_written = 1, b"", True

    def emit(self, record: logging.LogRecord) -> None:
        """Take what a logger says."""
        try:
            self.say(record.getMessage())
        except Exception:
            self.handleError(record)

    def say(self, text: str) -> None:
        """Take a message, of which no secret is kept."""
        if len(self._waiting) >= _MOST_WAITING:
            self._left_out += 1
            return
        lines = printable(without_secrets(text)).rstrip().replace("\n", "\n  ")
        self._waiting.append(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {lines}\n")

    def write(self) -> None:
        """Write what was said since the last time.

        Raises
        ------
        StoreError
            It is kept for the next time.
        """
        if self._number == 1 and not self._piece:
            self._forget_old_runs()
        while self._waiting:
            if len(self._piece) >= PIECE:
                self._put()
                self._begin_next()
            self._piece += self._waiting.popleft().encode(errors="backslashreplace")
            self._is_written = False
        if self._left_out:
            self._piece += f"[{self._left_out:,} lines were left out]\n".encode()
            self._left_out, self._is_written = 0, False
        self._put()

    def _put(self) -> None:
        if not self._is_written:
            self._store.put(self._path(self._number), self._piece)
            self._is_written = True

    def _begin_next(self) -> None:
        self._number, self._piece = self._number + 1, b""
        if (old := self._number - MOST_PIECES + 1) > 1:
            with suppress(StoreError):  # one more than there should be
                self._store.delete(self._path(old))

    def _forget_old_runs(self) -> None:
        with suppress(StoreError):
            pieces = log_pieces(self._store, self._folder)
            kept = sorted({_run_of(path) for path in pieces})[1 - MOST_RUNS :]
            for path in pieces:
                if _run_of(path) not in kept:
                    self._store.delete(path)

    def _path(self, number: int) -> str:
        return f"{_below(self._folder, 'logs')}/{self._run}/{number:06d}.log"


def log_pieces(store: Store, folder: str) -> list[str]:
    """Paths of everything that the runs of an experiment have said, in the order of time.

    Raises
    ------
    StoreError
    """
    top = _below(folder, "")
    paths = store.paths(_below(folder, "logs"))
    return [path for path in paths if _PIECE.fullmatch(path.removeprefix(top))]


def read_log(store: Store, folder: str, tail: int | None = None) -> list[str]:
    """Read what the runs of an experiment have said, line by line.

    Parameters
    ----------
    tail
        How many of the last lines; None: all.

    Raises
    ------
    StoreError
    """
    lines: list[str] = []
    for path in reversed(log_pieces(store, folder)):
        if tail is not None and len(lines) >= tail:
            break
        content = store.get(path) or b""
        lines = [*content.decode(errors="replace").splitlines(), *lines]
    return lines if tail is None else lines[max(0, len(lines) - tail) :]


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _run_of(path: str) -> str:
    return path.split("/")[-2]
