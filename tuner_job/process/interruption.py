"""Being asked to stop, as the work sees it.

The main thread gets a `KeyboardInterrupt` wherever it is, as by Ctrl-C, unless it holds it back and
asks by itself.
"""

import _thread
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_asked = threading.Event()
_held_back = False
_because = ""


def asked() -> bool:
    """Whether this process was asked to stop."""
    return _asked.is_set()


def because() -> str:
    """Why it was asked to, in one sentence; empty: a signal did."""
    return _because


def ask(at_once: bool = False, because: str = "") -> None:
    """Ask the main thread to stop, once; `at_once` also where it holds that back.

    Parameters
    ----------
    because
        Why, if it is no signal.
    """
    global _because
    if _asked.is_set():
        return
    _because = because
    _asked.set()
    if at_once or not _held_back:
        _thread.interrupt_main()


@contextmanager
def held_back() -> Iterator[None]:
    """Do not interrupt the block: it asks often whether to stop, and hands over what is
    finished."""
    global _held_back
    before, _held_back = _held_back, True
    try:
        yield
    finally:
        _held_back = before
    if asked() and not before:
        raise KeyboardInterrupt
