"""Standard output and error of a command: the one place that decides what becomes of what cannot be
written.

Everything that is printed, by whatever means, goes through `install`'s streams. They write any
character on any terminal and never raise for a lost standard error. A lost standard output ends a
command whose output is its point, and is nothing to one that is `expendable`: a search goes on
without its terminal.
"""

import io
import logging
import os
import select
import sys
from typing import TYPE_CHECKING, Any

from tuner_job.errors import InputError
from tuner_job.process import interruption
from tuner_job.public import without_secrets
from tuner_job.wording import printable, shown

if TYPE_CHECKING:
    from rich.console import Console

LEVEL = "VA_TUNING_LOG"
"""Environment variable: how much is said on standard error, one of `LEVELS`."""
LEVELS = {
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}
"""``error``: results and errors only; ``warning``: notes too; ``info``: what is done; ``debug``:
tracebacks, every request, and what Ray and native libraries say."""
_LOG_WIDTH = 120
_sinks: list["_Sink"] = []


class ReaderGoneError(Exception):
    """Whoever read the output has closed it, as ``head`` does: no error, but there is no use in
    going on."""


def install() -> None:
    """Replace `sys.stdout` and `sys.stderr`; what native libraries write by themselves to
    standard error is dropped."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        _occupy(number)
        stream = getattr(sys, name)
        sink = _Sink(os.dup(number), name, expendable=number == 2)
        _sinks.append(sink)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        text = io.TextIOWrapper(
            io.BufferedWriter(sink), encoding, "backslashreplace", line_buffering=True
        )
        setattr(sys, name, text)
    if not debugging():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def expendable() -> None:
    """Go on without standard output if it is lost: the work is elsewhere."""
    for sink in _sinks:
        sink.expendable = True


def flush() -> None:
    """Write what is still here."""
    sys.stdout.flush()


def debugging() -> bool:
    """Whether the user wants to see more than sentences."""
    return _level_name() == "debug"


def quiet() -> bool:
    """Whether the user wants to see neither notes nor progress."""
    return _level_name() == "error"


def choose_level(name: str) -> None:
    """Say as much as a level of `LEVELS` asks for, here and in processes started from now on."""
    os.environ[LEVEL] = name
    tell_notes()


class _Log(logging.Handler):
    """Tells each warning of the package once, as a note on standard error; what is below it with
    time and place."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._told: set[str] = set()
        self._lines = logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S")

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if record.levelno < logging.WARNING:
                text = without_secrets(self._lines.format(record))
                print("\n".join(map(printable, text.split("\n"))), file=sys.stderr)
            else:
                self._tell(printable(without_secrets(record.getMessage())))
        except Exception:
            self.handleError(record)

    def _tell(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            print(f"note: {message}", file=sys.stderr)


def tell_notes() -> None:
    """Have what the package logs told to whoever runs a command, as VA_TUNING_LOG asks for.

    Raises
    ------
    InputError
        It names no level.
    """
    name = _level_name()
    if name not in LEVELS:
        raise InputError(f"{LEVEL}: must be one of {', '.join(LEVELS)}; got {shown(name)}")
    logger = logging.getLogger("tuner_job")
    logger.handlers = [_Log(LEVELS[name])]
    logger.propagate = False
    logger.setLevel(min(LEVELS[name], logging.INFO))  # what is done stands in a run's own log
    if debugging():
        _let_native_libraries_speak()


def _level_name() -> str:
    return os.environ.get(LEVEL, "").strip().lower() or "warning"


def _let_native_libraries_speak() -> None:
    for sink in _sinks:
        if sink.name == "<stderr>":
            os.dup2(sink.fileno(), 2)


def console(width: int = _LOG_WIDTH) -> "Console":
    """Standard output for tables and lines; names are shown as they are, and a log is as wide as
    it needs to be.

    Parameters
    ----------
    width
        Characters of a line where there is no terminal.
    """
    from rich.console import Console  # only who prints needs it

    plain: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
    terminal = Console(**plain)
    return terminal if terminal.is_terminal else Console(**plain, width=width)


class _Sink(io.RawIOBase):
    """A file descriptor that is written to as long as it can be."""

    def __init__(self, number: int, name: str, expendable: bool):
        self.expendable = expendable
        self.name = f"<{name}>"
        self._number, self._lost = number, False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: Any) -> int:
        """Write, or do as if: once the process was asked to stop, its parent alone speaks."""
        if self._lost or interruption.asked():
            return len(data)
        try:
            return os.write(self._number, data)
        except BlockingIOError:
            select.select([], [self._number], [])
            return self.write(data)
        except OSError as error:
            self._lost = True
            self._tell(error)
            return len(data)

    def _tell(self, error: OSError) -> None:
        gone = isinstance(error, BrokenPipeError)
        if not self.expendable:
            raise (
                ReaderGoneError
                if gone
                else InputError(f"standard output cannot be written: {error.strerror}")
            )
        if self.name == "<stdout>" and not gone:
            sys.stderr.write(
                f"note: standard output cannot be written: {error.strerror}; the work goes on\n"
            )


def _occupy(number: int) -> None:
    """Have something at a standard descriptor that is closed, so that no file of the work ever
    gets its number."""
    try:
        os.fstat(number)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_RDONLY), number)  # writing there fails, as it should
