"""What runs have said: the last lines, and those that come while a page is open."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tuner_job.errors import StoreError
from tuner_job.results.run_log import log_pieces, read_log
from tuner_job.results.store import Store
from tuner_job.web.events import STREAM_HEADERS, event, too_many
from tuner_job.web.found import Comparison
from tuner_job.web.pages import nothing, page
from tuner_job.web.row import Row
from tuner_job.web.site import Site, site_of

TAIL = 500
"""Lines that a page begins with."""
_EVERY = 1.5
_ALIVE = 10
"""Looks without news after which something is sent all the same."""


async def log(request: Request) -> Response:
    """Show the last lines that the runs of an experiment or a comparison have said."""
    site = site_of(request)
    found = await _found(request, site)
    if found is None:
        return nothing("There is nothing of this name here.")
    store = site.index.places[found.place].store
    lines = await asyncio.to_thread(read_log, store, found.path, TAIL)
    return page("log.html", one=found, kind=request.path_params["kind"], lines=lines)


async def events(request: Request) -> Response:
    """Send lines as they are said."""
    site = site_of(request)
    found = await _found(request, site)
    if found is None:
        return nothing("There is nothing of this name here.")
    if request.method == "HEAD":
        return Response(media_type="text/event-stream", headers=STREAM_HEADERS)
    if (refusal := too_many(site)) is not None:
        return refusal
    follower = Follower(site.index.places[found.place].store, found.path)
    return StreamingResponse(
        _events(site, follower), media_type="text/event-stream", headers=STREAM_HEADERS
    )


class Follower:
    """Reads what is said from now on: pieces only grow, and new ones come after them."""

    def __init__(self, store: Store, folder: str):
        self._store, self._folder = store, folder
        self._versions: dict[str, str] = {}
        self._last, self._seen = "", 0

    def begin(self) -> str:
        """Return the last lines that there are."""
        self._changed()
        pieces = log_pieces(self._store, self._folder)
        if pieces:
            self._last = pieces[-1]
            self._seen = len(self._store.get(self._last) or b"")
        return "\n".join(read_log(self._store, self._folder, TAIL))

    def more(self) -> str:
        """Return what was said since."""
        if not self._changed():
            return ""
        found = b""
        for path in log_pieces(self._store, self._folder):
            if path < self._last:
                continue
            content = self._store.get(path) or b""
            found += content[self._seen :] if path == self._last else content
            self._last, self._seen = path, len(content)
        return found.decode(errors="replace").rstrip("\n")

    def _changed(self) -> bool:
        """Whether the newest run has written: one look at its folder tells."""
        top = f"{self._folder}/logs"
        runs = sorted(self._store.look(top).folders)
        there = self._store.look(f"{top}/{runs[-1]}").objects if runs else {}
        versions = {f"{runs[-1]}/{name}": one.version for name, one in there.items()}
        before, self._versions = self._versions, versions
        return versions != before


async def _events(site: Site, follower: Follower) -> AsyncIterator[str]:
    site.n_streams += 1
    quiet = 0
    try:
        yield event("log", await asyncio.to_thread(follower.begin))
        while True:
            await asyncio.sleep(_EVERY)
            try:
                said = await asyncio.to_thread(follower.more)
            except StoreError:  # it comes back, and with it what was said meanwhile
                continue
            quiet = 0 if said else quiet + 1
            if said:
                yield event("more", said)
            elif quiet % _ALIVE == 0:
                yield ": still here\n\n"
    except StoreError as error:
        yield event("gone", str(error))
    finally:
        site.n_streams -= 1


async def _found(request: Request, site: Site) -> Row | Comparison | None:
    snapshot = await site.fresh()
    kinds: dict[str, Mapping[str, Row | Comparison]] = {
        "experiments": snapshot.rows,
        "comparisons": snapshot.comparisons,
    }
    return kinds.get(request.path_params["kind"], {}).get(request.path_params["id"])
