"""What all answers are made of: the index, kept as new as it is asked for, and the drawer."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request

from tuner_job.web.children import Children
from tuner_job.web.drawer import Drawer, Drawing
from tuner_job.web.index import Index, Snapshot
from tuner_job.web.place import Place
from tuner_job.web.row import Row

_AGE = 1.0
"""Seconds that what is shown may be old, where storage answers."""
_PATIENCE = 0.4
"""Seconds that a page waits for storage before it shows what was known."""
_FIRST = 15.0
"""Seconds that the first page waits."""
_TABLES = 2
_EMPTY = Snapshot({}, {}, {}, [], 0)


class Site:
    """The results at some places, for the time that a server runs.

    Parameters
    ----------
    folder
        Of this machine, for what is drawn.
    """

    def __init__(self, places: Sequence[Place], folder: Path):
        self.index = Index(places)
        self.children = Children()
        self.drawer = Drawer(folder, self.children)
        self.folder = folder
        self.tables = asyncio.Semaphore(_TABLES)
        """Of trials, written at once: each is a process that reads all of them."""
        self.n_streams = 0
        """Streams of events that are open."""
        self._looking: asyncio.Task[None] | None = None
        self._looked = -1e9

    async def fresh(self, age: float = _AGE) -> Snapshot:
        """Return what is known, not older than so many seconds unless storage is slow."""
        now = asyncio.get_running_loop().time()
        if now - self._looked > age and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look())
        if self._looking and not self._looking.done():
            patience = _FIRST if self.index.snapshot is None else _PATIENCE
            await asyncio.wait([self._looking], timeout=patience)
        return self.index.snapshot or _EMPTY

    def drawing(self, row: Row) -> Drawing:
        """Return what is drawn of an experiment, and have it drawn anew if it has changed."""
        return self.drawer.want("experiment", [row], self.index.places)

    def side_by_side(self, rows: Sequence[Row]) -> Drawing:
        """Return what is drawn of several experiments together."""
        return self.drawer.want("several", rows, self.index.places)

    def close(self) -> None:
        """End what is under way."""
        self.children.close()
        self.index.close()

    async def _look(self) -> None:
        await asyncio.to_thread(self.index.refresh)
        self._looked = asyncio.get_running_loop().time()


def site_of(request: Request) -> Site:
    """Return the site that a request is about."""
    found: Site = request.app.state.site
    return found
