"""The application: which address is answered by what."""

from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tuner_job.errors import StoreError
from tuner_job.web import api, downloads, events, log, metrics, pages
from tuner_job.web.access import Access
from tuner_job.web.assets import asset
from tuner_job.web.place import Place
from tuner_job.web.site import Site

_ROUTES: list[BaseRoute] = [
    Route("/", pages.overview),
    Route("/events", events.overview),
    Route("/experiments/{id}", pages.experiment),
    Route("/experiments/{id}/content", pages.content),
    Route("/experiments/{id}/report", pages.report),
    Route("/experiments/{id}/events", events.experiment),
    Route("/experiments/{id}/trials.{kind}", downloads.trials),
    Route("/experiments/{id}/files/{path:path}", downloads.stored_file),
    Route("/{kind}/{id}/log", log.log),
    Route("/{kind}/{id}/log/events", log.events),
    Route("/side-by-side", pages.side_by_side),
    Route("/side-by-side/content", pages.side_by_side_content),
    Route("/side-by-side/events", events.side_by_side),
    Route("/comparisons/{id}", pages.comparison),
    Route("/comparisons/{id}/report", pages.comparison_report),
    Route("/comparisons/{id}/files/{name}", downloads.table_of_comparison),
    Route("/pages/{id}", pages.prediction),
    Route("/api/experiments", api.experiments),
    Route("/api/experiments/{id}", api.experiment),
    Route("/api/experiments/{id}/trials", api.trials),
    Route("/api/experiments/{id}/events", events.record),
    Route("/api/events", events.all_records),
    Route("/static/{name}", asset),
    Route("/metrics", metrics.metrics),
]


def application(places: Sequence[Place], folder: Path, token: str | None) -> Starlette:
    """Make the application.

    Parameters
    ----------
    places
        What is served.
    folder
        Of this machine, for what is drawn.
    token
        That is asked for; None: none is.
    """
    app = Starlette(
        routes=[Route("/healthz", _healthy), *_ROUTES],
        middleware=[Middleware(Access, token=token)],
        exception_handlers={HTTPException: pages.not_found, StoreError: pages.away},
    )
    app.state.site = Site(places, folder)
    return app


async def _healthy(request: Request) -> Response:
    """Say that this process answers; storage that is away is no reason to start it anew."""
    return PlainTextResponse("ok\n")
