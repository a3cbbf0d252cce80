"""What changes, sent to an open page as server-sent events.

A page gets parts as they are rendered for it, so that numbers are written in one place; a program
gets records.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tuner_job.web.api import as_json
from tuner_job.web.index import Snapshot
from tuner_job.web.pages import MOST_SIDE_BY_SIDE, fragment
from tuner_job.web.row import Row
from tuner_job.web.site import Site, site_of

_EVERY = 1.0
_ALIVE = 15.0
"""Seconds after which something is sent although nothing has changed: whoever has gone is noticed
so."""
MOST_OPEN = 200
"""Streams at once."""
STREAM_HEADERS = {"X-Accel-Buffering": "no"}
"""A proxy hands on what is sent at once."""
Events = dict[str, str]
"""Event → its data."""


async def overview(request: Request) -> Response:
    """Send the list of experiments whenever it changes."""

    def told(snapshot: Snapshot) -> Events:
        return {"list": fragment("list.html", snapshot=snapshot)}

    return _stream(request, told)


async def experiment(request: Request) -> Response:
    """Send how one experiment goes, and when its figures were drawn anew."""
    site, id_ = site_of(request), request.path_params["id"]

    def told(snapshot: Snapshot) -> Events:
        row = snapshot.rows.get(id_)
        if row is None:
            return {"gone": "This experiment is no more among the results."}
        drawing = site.drawing(row)
        return {
            "panel": fragment("panel.html", row=row),
            "said": said(row),
            "drawing": fragment("drawing.html", drawing=drawing, row=row),
            "drawn": str(drawing.number),
        }

    return _stream(request, told)


async def side_by_side(request: Request) -> Response:
    """Send when the figure of several experiments was drawn anew."""
    site = site_of(request)
    asked = dict.fromkeys(request.query_params.getlist("e"))

    def told(snapshot: Snapshot) -> Events:
        rows = [snapshot.rows[one] for one in asked if one in snapshot.rows][:MOST_SIDE_BY_SIDE]
        if len(rows) < 2:
            return {"gone": "These experiments are no more among the results."}
        drawing = site.side_by_side(rows)
        return {
            "drawing": fragment("drawing.html", drawing=drawing, row=None),
            "drawn": str(drawing.number),
        }

    return _stream(request, told)


async def all_records(request: Request) -> Response:
    """Send the record of each experiment whenever one changes."""

    def told(snapshot: Snapshot) -> Events:
        return {"experiments": as_json([row.document() for row in snapshot.newest_first])}

    return _stream(request, told)


async def record(request: Request) -> Response:
    """Send the record of one experiment whenever it changes."""
    id_ = request.path_params["id"]

    def told(snapshot: Snapshot) -> Events:
        row = snapshot.rows.get(id_)
        return {"progress": as_json(row.document())} if row else {"gone": "{}"}

    return _stream(request, told)


def said(row: Row) -> str:
    """Say for a screen reader how an experiment goes."""
    progress = row.progress
    if progress is None:
        return f"{row.name}: {row.state}"
    planned = "" if progress.planned is None else f" of {progress.planned}"
    best = f", best score {progress.best.score:.4f}" if progress.best else ""
    return f"{row.name}: {row.state}, {progress.done}{planned} trials{best}"


def _stream(request: Request, told: Callable[[Snapshot], Events]) -> Response:
    if request.method == "HEAD":
        return Response(media_type="text/event-stream", headers=STREAM_HEADERS)
    site = site_of(request)
    if (refusal := too_many(site)) is not None:
        return refusal
    return StreamingResponse(
        _events(site, told), media_type="text/event-stream", headers=STREAM_HEADERS
    )


def too_many(site: Site) -> Response | None:
    """Refuse one stream more than there may be."""
    if site.n_streams < MOST_OPEN:
        return None
    return Response("Too many pages are open.\n", 503, {"Retry-After": "30"})


async def _events(site: Site, told: Callable[[Snapshot], Events]) -> AsyncIterator[str]:
    """Send each event when its data are other ones than before."""
    loop = asyncio.get_running_loop()
    before: Events = {}
    sent = loop.time()
    site.n_streams += 1
    try:
        yield "retry: 3000\n\n"
        while True:
            now = told(await site.fresh())
            changed = {name: data for name, data in now.items() if before.get(name) != data}
            for name, data in changed.items():
                yield event(name, data)
            if not changed and loop.time() - sent > _ALIVE:
                yield ": still here\n\n"
                sent = loop.time()
            elif changed:
                sent = loop.time()
            if "gone" in now:
                return
            before = now
            await asyncio.sleep(_EVERY)
    finally:
        site.n_streams -= 1


def event(name: str, data: str) -> str:
    """Write an event as it is sent."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
