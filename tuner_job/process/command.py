"""How the process of a command begins and ends, whatever ends it.

A command works in a child process. Its parent stays with it and does nothing else, so that a signal
is answered at any moment: while modules are imported or a fit holds the interpreter, and even if a
library ends the child. The parent asks the child to end, ends it if it has not
within `GRACE`, ends what it has left behind, says the one sentence and gives the exit code.

This module imports little, so that signals are looked after as soon as the interpreter runs.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NoReturn

from tuner_job.process import interruption

GRACE = 5
"""Seconds that a command has to end in good order once it was asked to."""
INTERRUPTED = 130
_OURS = {signal.SIGCHLD, signal.SIGALRM} if hasattr(signal, "SIGCHLD") else set()
"""What the parent hears besides: the command has ended, or has had its time."""
_CLEANUP_SECONDS = 3.0
_LAST_MOMENTS = 3.0  # of a command that gives up, to write what is finished
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_SHOW_CURSOR = b"\x1b[?25h\n"

_parent: int | None = None
"""In a command's process: where its parent hears of its end."""


def run(command: Callable[[], object], interrupted: str) -> NoReturn:
    """Run a command in a process of its own and exit as it does.

    Parameters
    ----------
    interrupted
        What to say if a signal ended it.
    """
    if not hasattr(os, "fork"):
        code = _outcome(command)
        sys.exit(_say(interrupted, INTERRUPTED) if code == INTERRUPTED else code)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would never tell of the end
    watched = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # nohup
        watched.remove(signal.SIGHUP)
    signal.pthread_sigmask(signal.SIG_BLOCK, watched | _OURS)
    (told, tell), (heard, say) = os.pipe(), os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        sys.exit(_say(f"no process can be started: {error.strerror}", 1))
    if child == 0:
        os.close(tell)  # else it would never hear that its parent is gone
        os.close(heard)
        _work(command, told, say, watched)
    os.close(told)
    os.close(say)
    sys.exit(_stay_with(child, tell, heard, watched, interrupted))


def _work(
    command: Callable[[], object], told: int, say: int, watched: set[signal.Signals]
) -> NoReturn:
    """Be the process that works: deaf to signals, but for what the parent asks through `told`."""
    global _parent
    _parent = say
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _OURS)
        # what is started from here is not to be deaf
        os.register_at_fork(
            after_in_child=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, watched)
        )
        signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # how the main thread is told, see `interruption`
        threading.Thread(target=_listen, args=(told,), daemon=True).start()
        code = _outcome(command)
        if interruption.asked():
            os._exit(INTERRUPTED)
        _tell_parent(code)
        sys.exit(code)
    except KeyboardInterrupt:  # there is one at most
        os._exit(INTERRUPTED)


def command_pid() -> int:
    """Process id by which whoever started this command knows it."""
    return os.getpid() if _parent is None else os.getppid()


def give_up(sentence: str, code: int = 1) -> None:
    """End this command from any of its threads: say why, let the main thread write what is
    finished, and exit.

    Where no parent stays with the process, as in a notebook, nothing is done.
    """
    if _parent is None or interruption.asked():
        return
    _say(sentence, code)
    _tell_parent(code)
    interruption.ask(at_once=True, because=sentence)
    time.sleep(_LAST_MOMENTS)
    os._exit(code)


def _stay_with(
    child: int, tell: int, heard: int, watched: set[signal.Signals], interrupted: str
) -> int:
    """Wait for the command's end, asking for it at the first signal; return the exit code."""
    _adopt_orphans()
    asked = False
    while (status := _reap(child)) is None:
        number = signal.sigwait(watched | _OURS)
        if number == signal.SIGALRM:
            os.kill(child, signal.SIGKILL)
        elif number != signal.SIGCHLD and not asked:
            asked = True
            signal.alarm(GRACE)
            with suppress(OSError):  # it has just ended
                os.write(tell, b".")
    _end_what_is_left()
    os.set_blocking(heard, False)
    with suppress(BlockingIOError):
        if told := os.read(heard, 100):
            return int(told.split()[0])
    if asked:
        return 0 if status == 0 else _say(interrupted, INTERRUPTED)
    return _say(_how_it_died(status), 1)


def _how_it_died(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    how = (
        f"was killed by {signal.Signals(-code).name}"
        if code < 0
        else f"ended with exit code {code}"
    )
    why = "perhaps memory ran out" if code == -signal.SIGKILL else "perhaps a library ended it"
    return (
        f"the process {how}, {why}; what is finished is kept: run the same command again to go on "
        "from here"
    )


def _reap(child: int) -> int | None:
    """Take note of children that have ended; return the command's status if it is among them."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return status
            if pid == 0:
                break
    return None


def _adopt_orphans() -> None:
    """Have what loses its parent become a child of this process, on Linux."""
    if sys.platform == "linux":
        import ctypes  # Linux only

        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _end_what_is_left() -> None:
    """End every process that descends from this one: what the command has started."""
    deadline = time.monotonic() + _CLEANUP_SECONDS
    while time.monotonic() < deadline and (left := descendants()):
        kill(left)
        _reap(0)
        time.sleep(0.01)


def kill(pids: Iterable[int]) -> None:
    """End processes, if they are there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def descendants() -> list[int]:
    """Find what this process has started, in /proc; where there is none, processes follow their
    driver."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if sys.platform == "linux" else ():  # noqa: PTH208 (pathlib is not imported yet)
        with suppress(OSError, ValueError):
            pid = int(name)
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
                parent = int(file.read().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(pid)
    found = [os.getpid()]
    for pid in found:
        found += children.get(pid, ())
    return found[1:]


def _listen(told: int) -> None:
    while os.read(told, 1):
        interruption.ask()
    os.kill(os.getpid(), signal.SIGKILL)  # the parent was killed


def _tell_parent(code: int) -> None:
    """Say that the exit code was chosen: whatever happens to this process from now on is of no
    importance."""
    if _parent is not None:
        with suppress(OSError):
            os.write(_parent, b"%d\n" % code)


def _outcome(command: Callable[[], object]) -> int:
    """Run the command; return its exit code, with everything said that there is to say."""
    from tuner_job.errors import VaTuningError  # the parent needs none of them
    from tuner_job.process import output

    output.install()
    try:
        try:
            command()
        finally:
            output.flush()
    except SystemExit as ended:
        return _code_of(ended)
    except KeyboardInterrupt:
        return INTERRUPTED
    except output.ReaderGoneError:
        return 0
    except VaTuningError as error:
        return _say(str(error), error.exit_code)
    except BaseException as error:
        from tuner_job.process.unexpected import describe

        return _say(describe(error), 1)
    finally:
        output.expendable()  # there is nobody left to tell
    return 0


def _code_of(ended: SystemExit) -> int:
    """Do what Python does at such an end."""
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    sys.stderr.write(f"{ended.code}\n")
    return 1


def _say(sentence: str, code: int) -> int:
    """Write the one sentence; return the exit code that goes with it."""
    line = f"va-tuning: {sentence}\n"
    if not interruption.asked():
        if _parent is not None:
            sys.stderr.write(line)
        else:
            with suppress(OSError):
                os.write(1, _SHOW_CURSOR if os.isatty(1) else b"")
                os.write(2, line.encode(errors="backslashreplace"))
    return code
