"""The index: all that is known of the places, kept as new as anybody looks at it.

One folder is listed at a time, and only documents that a listing shows to have changed are read: so
a look costs little, however many trials there are.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tuner_job.errors import StoreError
from tuner_job.records import utc
from tuner_job.web.folder import Folder
from tuner_job.web.found import Comparison, Page, pages_in
from tuner_job.web.place import Place
from tuner_job.web.row import Row

_LOOKERS = 8
_A_SECOND = 20
"""Folders of what has ended that are looked into, at most."""


@dataclass(frozen=True)
class Problem:
    """A place of which nothing could be listed when it was last tried."""

    place: str
    sentence: str
    since: str
    """UTC, ISO 8601."""


@dataclass(frozen=True)
class Snapshot:
    """All that was known at one moment.

    Attributes
    ----------
    number
        Grows whenever something has changed.
    """

    rows: dict[str, Row]
    comparisons: dict[str, Comparison]
    pages: dict[str, Page]
    problems: list[Problem]
    number: int

    @property
    def newest_first(self) -> list[Row]:
        """Experiments that are no searches of comparisons."""
        return self.searches("")

    def searches(self, comparison: str) -> list[Row]:
        """Return the searches of a comparison, the newest first."""
        found = [row for row in self.rows.values() if row.parent == comparison]
        return sorted(found, key=lambda row: (row.began, row.id), reverse=True)


class Index:
    """What stands at some places, looked up anew when it is asked for.

    Parameters
    ----------
    clock
        Seconds that pass.
    """

    def __init__(self, places: Sequence[Place], clock: Callable[[], float] = time.monotonic):
        self.places = {place.label: place for place in places}
        self._clock = clock
        self._lock = threading.Lock()
        self._folders: dict[tuple[str, str], Folder] = {}
        self._tops: dict[str, list[Page]] = {}
        self._problems: dict[str, Problem] = {}
        self._lookers = ThreadPoolExecutor(_LOOKERS, thread_name_prefix="look")
        self._snapshot: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """What was known last; None before the first look."""
        return self._snapshot

    def refresh(self) -> Snapshot:
        """Look at what may have changed; return what is known now."""
        with self._lock:
            for place in self.places.values():
                self._list(place)
            now = self._clock()
            least = len(self._folders) / _A_SECOND
            due = [one for one in self._folders.values() if one.due(now, least)]
            list(self._lookers.map(lambda one: one.look(now), due))
            for folder in list(self._folders.values()):
                if folder.comparison:
                    self._keep(folder.place, folder.comparison.id, folder.searches)
            nested = [one for one in self._folders.values() if one.looked is None]
            list(self._lookers.map(lambda one: one.look(now), nested))
            self._snapshot = self._taken()
            return self._snapshot

    def close(self) -> None:
        """Begin no look any more."""
        self._lookers.shutdown(wait=False, cancel_futures=True)

    def _list(self, place: Place) -> None:
        try:
            look = place.store.look()
        except StoreError as error:
            earlier = self._problems.get(place.label)
            since = earlier.since if earlier else utc()
            self._problems[place.label] = Problem(place.label, str(error), since)
            return
        self._problems.pop(place.label, None)
        names = [name for name in look.folders if place.only in (None, name)]
        self._keep(place, "", names)
        top = [] if place.only else pages_in(place.label, self._prefix(place), "", look)
        self._tops[place.label] = top

    def _keep(self, place: Place, parent: str, paths: Sequence[str]) -> None:
        """Know the folders of a place, or of a comparison, and forget those that have gone."""
        came = self._clock() if self._snapshot else None
        for path in paths:
            if (place.label, path) not in self._folders:
                folder = Folder(place, path, self._prefix(place), parent, came)
                self._folders[place.label, path] = folder
        there = set(paths)
        for key, folder in list(self._folders.items()):
            if folder.place is place and folder.parent == parent and folder.path not in there:
                del self._folders[key]
                if folder.comparison:
                    self._keep(place, folder.comparison.id, [])

    def _prefix(self, place: Place) -> str:
        return f"{place.label}:" if len(self.places) > 1 else ""

    def _taken(self) -> Snapshot:
        """Take a snapshot; its number grows if it differs from the one before."""
        folders = list(self._folders.values())
        pages = [*self._tops.values(), *(folder.pages for folder in folders)]
        before = self._snapshot
        found = Snapshot(
            {folder.row.id: folder.row for folder in folders if folder.row},
            {one.id: one for one in (folder.comparison for folder in folders) if one},
            {page.id: page for several in pages for page in several},
            list(self._problems.values()),
            before.number if before else 0,
        )
        if found == before:
            return before
        return Snapshot(
            found.rows, found.comparisons, found.pages, found.problems, found.number + 1
        )
