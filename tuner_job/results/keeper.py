"""Keeper: writes how a run is going from one thread of its own, so that no store, however slow,
holds up the run, and none that fails ends it."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from tuner_job.errors import StoreError
from tuner_job.process import interruption

_log = logging.getLogger(__name__)
BEAT = 5.0
"""Seconds between two writes."""
PATIENCE = timedelta(seconds=10)
"""With storage: what could not be written is written with the next beat."""
_LOOK = 0.2
"""Seconds after which a signal is noticed."""


class Keeper:
    """Calls `write` at once, every few seconds, when a signal asks the process to end, and at the
    end.

    Parameters
    ----------
    write
        Writes what there is by now; `StoreError` is told once an outage.
    """

    def __init__(self, write: Callable[[], None]):
        self._write, self._failing = write, False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="progress", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def end(self, seconds: float) -> None:
        """Write a last time, and wait for that so many seconds at most."""
        self._ended.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            _log.warning(f"the end of this run may not be told: storage takes over {seconds:g} s")

    def _keep(self) -> None:
        asked, due = False, time.monotonic()
        while not self._ended.is_set():
            if time.monotonic() >= due or interruption.asked() > asked:
                asked, due = interruption.asked(), time.monotonic() + BEAT
                self._try()
            self._ended.wait(_LOOK)
        self._try()

    def _try(self) -> None:
        try:
            self._write()
            self._failing = False
        except StoreError as error:
            if not self._failing:
                _log.warning(f"progress cannot be kept, the run goes on: {error}")
            self._failing = True
        except Exception:
            _log.debug("progress cannot be told", exc_info=True)
