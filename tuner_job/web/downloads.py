"""Files to be had: those that stand in the results, and tables of trials."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from tuner_job.web.children import Children
from tuner_job.web.pages import experiment_of, nothing
from tuner_job.web.row import Row
from tuner_job.web.site import site_of
from tuner_job.web.stored import open_file
from tuner_job.web.templates import address

_KINDS = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


async def stored_file(request: Request) -> Response:
    """Return a file of an experiment."""
    row = await experiment_of(request)
    if row is None:
        return nothing("There is no such experiment here.")
    path = request.path_params["path"]
    pieces = await asyncio.to_thread(open_file, site_of(request).index, row, path)
    return _attached(pieces, path.rpartition("/")[2], request.method)


async def table_of_comparison(request: Request) -> Response:
    """Return a table of a comparison."""
    site = site_of(request)
    found = (await site.fresh()).comparisons.get(request.path_params["id"])
    name = request.path_params["name"]
    if found is None or name not in found.files:
        return nothing("There is no such table here.")
    store = site.index.places[found.place].store
    return _attached(
        await asyncio.to_thread(store.chunks, f"{found.path}/{name}"), name, request.method
    )


async def trials(request: Request) -> Response:
    """Return the trials of an experiment as a table, made as ``va-tuning show --trials`` does."""
    kind = request.path_params["kind"]
    row = await experiment_of(request)
    if row is None or kind not in _KINDS:
        return nothing("There is no such table here.")
    if request.method == "HEAD":
        return Response(media_type=_KINDS[kind])
    site = site_of(request)
    if site.tables.locked():
        return nothing("Other tables are being written: try again in a moment.", 503)
    async with site.tables:
        file = Path(tempfile.mkdtemp(prefix="trials-", dir=site.folder), f"trials.{kind}")
        problem = await asyncio.to_thread(_write_table, site.children, row, file)
    if problem:
        _remove(file)
        return nothing(problem, 503)
    return FileResponse(
        file, media_type=_KINDS[kind], filename=f"{row.name}-trials.{kind}",
        background=BackgroundTask(_remove, file),
    )  # fmt: skip


def _write_table(children: Children, row: Row, file: Path) -> str:
    """Have the command write the table; return what went wrong, or nothing."""
    command = [sys.executable, "-m", "tuner_job", "show", row.address, "--trials", "--wide"]
    try:
        with children.started([*command, "--output", str(file)], stderr=PIPE) as process:
            assert process.stderr
            said = process.stderr.read().decode(errors="replace")
    except OSError as error:
        return f"no process can be started: {error.strerror}"
    if not process.returncode:
        return ""
    return said.strip().removeprefix("va-tuning: ") or "the table could not be written"


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.parent.rmdir()


def _attached(pieces: "Iterator[bytes] | None", name: str, method: str) -> Response:
    if pieces is None:
        return nothing("There is no such file here, or it is not one to be had.")
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{address(name)}"}
    kind = "application/octet-stream"
    if method == "HEAD":
        return Response(media_type=kind, headers=headers)
    return StreamingResponse(pieces, media_type=kind, headers=headers)
