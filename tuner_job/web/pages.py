"""The pages: all experiments, one of them, several side by side, comparisons, pages of
predictions."""

import asyncio
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tuner_job.errors import StoreError
from tuner_job.report.text import visible
from tuner_job.web.access import POLICY_OF_STORED
from tuner_job.web.drawer import Drawing
from tuner_job.web.index import Snapshot
from tuner_job.web.row import Row
from tuner_job.web.site import Site, site_of
from tuner_job.web.stored import files_of
from tuner_job.web.templates import templates

MOST_SIDE_BY_SIDE = 8
_PATIENCE = 0.4
"""Seconds that a page waits for the list of files before it does without."""


async def overview(request: Request) -> Response:
    """Show all experiments, comparisons and pages of predictions."""
    snapshot = await site_of(request).fresh()
    return page("overview.html", snapshot=snapshot)


async def experiment(request: Request) -> Response:
    """Show one experiment: how it goes, and all that its report shows."""
    site = site_of(request)
    row = await experiment_of(request)
    if row is None:
        return nothing(f"There is no experiment {request.path_params['id']} here.")
    files = await _files(site, row)
    drawing = site.drawing(row)
    return page("experiment.html", row=row, files=files, drawing=drawing,
                parts=parts_of(drawing.text()))  # fmt: skip


async def content(request: Request) -> Response:
    """Return what is drawn of an experiment, to be put into its page."""
    row = await experiment_of(request)
    if row is None:
        return nothing("There is no such experiment here.")
    return _drawn(site_of(request).drawing(row))


async def report(request: Request) -> Response:
    """Return what is drawn of an experiment as a page of its own, to be kept."""
    row = await experiment_of(request)
    if row is None:
        return nothing("There is no such experiment here.")
    drawing = site_of(request).drawing(row)
    if drawing.task and not drawing.version:
        await asyncio.wait([drawing.task], timeout=600)
    text = drawing.text("page.html")
    if text is None:
        return nothing(drawing.problem or "The page is being drawn; try again in a minute.", 503)
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY_OF_STORED})


async def side_by_side(request: Request) -> Response:
    """Show several experiments in one table and one figure."""
    snapshot, rows = await _several(request)
    if len(rows) < 2:
        return page("side_by_side.html", snapshot=snapshot, rows=rows, drawing=None, parts=None)
    drawing = site_of(request).side_by_side(rows)
    return page("side_by_side.html", snapshot=snapshot, rows=rows, drawing=drawing,
                parts=parts_of(drawing.text()))  # fmt: skip


async def side_by_side_content(request: Request) -> Response:
    """Return what is drawn of several experiments."""
    _, rows = await _several(request)
    if len(rows) < 2:
        return nothing("Choose two experiments at least.")
    return _drawn(site_of(request).side_by_side(rows))


async def comparison(request: Request) -> Response:
    """Show a comparison: its tables, its report, its searches."""
    snapshot = await site_of(request).fresh()
    found = snapshot.comparisons.get(request.path_params["id"])
    if found is None:
        return nothing("There is no such comparison here.")
    return page("comparison.html", snapshot=snapshot, one=found)


async def comparison_report(request: Request) -> Response:
    """Return a comparison's report as it stands in the results."""
    site = site_of(request)
    found = (await site.fresh()).comparisons.get(request.path_params["id"])
    if found is None or not found.has_report:
        return nothing("This comparison has no report yet.")
    return await _stored(site, found.place, f"{found.path}/report.html")


async def prediction(request: Request) -> Response:
    """Return a page of predictions as it stands in the results."""
    site = site_of(request)
    found = (await site.fresh()).pages.get(request.path_params["id"])
    if found is None:
        return nothing("There is no such page here.")
    return await _stored(site, found.place, found.path)


async def not_found(request: Request, error: Exception) -> Response:
    """Say that there is nothing at an address."""
    return nothing("There is nothing at this address.")


async def away(request: Request, error: Exception) -> Response:
    """Say why storage did not give what was asked for."""
    return nothing(str(error), 503)


def page(name: str, status: int = 200, **more: Any) -> HTMLResponse:
    """Render a template of a whole page."""
    return HTMLResponse(visible(templates().get_template(name).render(**more)), status)


def fragment(name: str, **more: Any) -> str:
    """Render a part of a page."""
    return visible(templates().get_template(name).render(**more))


def nothing(sentence: str, status: int = 404) -> Response:
    """Say in one sentence why there is nothing to show."""
    return page("nothing.html", status, sentence=sentence)


async def experiment_of(request: Request) -> Row | None:
    """Return the experiment that an address names."""
    snapshot = await site_of(request).fresh()
    return snapshot.rows.get(request.path_params["id"])


def parts_of(drawn: str | None) -> tuple[Markup, Markup] | None:
    """Take apart what was drawn: what stands above, and the rest; None while nothing is."""
    if drawn is None:
        return None
    head, main, rest = drawn.partition("<main>")
    return (Markup(head), Markup(main + rest)) if main else (Markup(""), Markup(drawn))


def _drawn(drawing: Drawing) -> Response:
    text = drawing.text()
    if text is None:
        return Response(drawing.problem or drawing.doing, 503, media_type="text/plain")
    return HTMLResponse(text, headers={"X-Drawing": str(drawing.number)})


async def _several(request: Request) -> tuple[Snapshot, list[Row]]:
    snapshot = await site_of(request).fresh()
    asked = dict.fromkeys(request.query_params.getlist("e"))
    rows = [snapshot.rows[one] for one in asked if one in snapshot.rows]
    return snapshot, rows[:MOST_SIDE_BY_SIDE]


async def _files(site: Site, row: Row) -> dict[str, int]:
    try:
        return await asyncio.wait_for(asyncio.to_thread(files_of, site.index, row), _PATIENCE)
    except (StoreError, TimeoutError):
        return {}


async def _stored(site: Site, place: str, path: str) -> Response:
    content = await asyncio.to_thread(site.index.places[place].store.get, path)
    if content is None:
        return nothing("It has gone since.")
    return HTMLResponse(content, headers={"Content-Security-Policy": POLICY_OF_STORED})
