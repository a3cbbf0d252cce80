"""How experiments are going, read of the store at a pace, and never waited for."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

from tuner_job.errors import StoreError
from tuner_job.records import ProgressRecord
from tuner_job.results.claim import read_document
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.progress import read_progress
from tuner_job.results.store import Store

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_PATIENCE = timedelta(seconds=2)
_LONGEST = 3.0  # seconds for an answer: a server may take a request and say nothing
_AT_ONCE = 4  # requests that nobody waits for any more
_REMOTE = ("s3://", "gs://", "az://")
PACE = 8.0
"""Seconds after which progress is read again."""
_AWAY = 20.0
"""Seconds in which a store that did not answer is left alone."""
_FORGOTTEN = 3_600.0
_STORES = 32  # that are kept open


class AwayError(StoreError):
    """The store does not answer, and the question cannot wait for it."""


class Results:
    """Reads what experiments have written; a store that is away costs two seconds, once a while.

    Parameters
    ----------
    open_store
        Opens the store at an address.
    """

    def __init__(
        self,
        open_store: Callable[[str], Store] = lambda url: Store(url, _PATIENCE),
        clock: Callable[[], float] = time.monotonic,
    ):
        self._open, self._clock = open_store, clock
        self._stores: dict[str, Store] = {}
        self._read: dict[tuple[str, str], tuple[float, ProgressRecord | None]] = {}
        self._away: dict[str, float] = {}
        self._threads = ThreadPoolExecutor(_AT_ONCE, "results")

    def progress(self, url: str, name: str) -> ProgressRecord | None:
        """Read how an experiment is going; None if nothing says so, or the store is away.

        Parameters
        ----------
        url
            Where results go; a folder of pods cannot be read.
        """
        now, key = self._clock(), (url, name)
        when, known = self._read.get(key, (-PACE, None))
        if now - when < PACE:
            return known
        found = self._asked(url, lambda store: (read_progress(store, name),))
        if found is None:
            return known
        self._read[key] = (now, found[0])
        return found[0]

    def last_words(self, url: str, name: str) -> ProgressRecord | None:
        """Read what was written last, now; None if there is nothing.

        Raises
        ------
        AwayError
            The store does not say.
        """
        if not url.startswith(_REMOTE):
            return None
        found = self._asked(url, lambda store: (read_progress(store, name),))
        if found is None:
            raise AwayError(f"{url}: does not answer; what became of {name} is not known yet")
        return found[0]

    def at_the_end(self, url: str, name: str) -> ProgressRecord | None:
        """Read what was written last, now, or return what is known where the store is away."""
        try:
            return self.last_words(url, name)
        except AwayError:
            return self.progress(url, name)

    def document(self, url: str, name: str) -> Mapping[str, Any] | None:
        """Read the experiment that has results under this name; None if there is none, or the
        store is away."""
        found = self._asked(url, lambda store: (read_document(ExperimentStore(store, name)),))
        return found and found[0]

    def tidy(self) -> None:
        """Forget what nobody has asked for in a while."""
        now = self._clock()
        self._read = {k: one for k, one in self._read.items() if now - one[0] < _FORGOTTEN}
        self._away = {url: until for url, until in self._away.items() if now < until}

    def _asked(self, url: str, question: Callable[[Store], tuple[_T]]) -> tuple[_T] | None:
        """Ask a store; None if it cannot be asked now."""
        if not url.startswith(_REMOTE) or self._clock() < self._away.get(url, 0.0):
            return None
        try:
            return self._threads.submit(lambda: question(self._store(url))).result(_LONGEST)
        except StoreError as error:
            _log.warning("%s", error)
        except TimeoutError:
            _log.warning("%s: does not answer within %.0f s", url, _LONGEST)
        self._away[url] = self._clock() + _AWAY
        return None

    def _store(self, url: str) -> Store:
        if url not in self._stores:
            if len(self._stores) >= _STORES:
                self._stores.clear()
            self._stores[url] = self._open(url)
        return self._stores[url]
