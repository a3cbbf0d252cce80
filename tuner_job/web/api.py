"""The same for programs: JSON."""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tuner_job.errors import StoreError
from tuner_job.records import TrialRecord
from tuner_job.results.damage import Damage
from tuner_job.results.trial_folder import TrialFolder, parse_trial
from tuner_job.web.index import Index
from tuner_job.web.pages import experiment_of
from tuner_job.web.row import Row
from tuner_job.web.site import site_of

_LIMIT, _MOST = 1000, 5000
"""Trials of one answer."""


async def experiments(request: Request) -> Response:
    """List what there is, experiments newest first."""
    snapshot = await site_of(request).fresh()
    return answer(
        {
            "experiments": [row.document() for row in snapshot.newest_first],
            "comparisons": [one.document() for one in snapshot.comparisons.values()],
            "pages": [{"id": one.id, "path": one.path} for one in snapshot.pages.values()],
            "problems": [
                {"place": one.place, "problem": one.sentence, "since": one.since}
                for one in snapshot.problems
            ],
        }
    )


async def experiment(request: Request) -> Response:
    """Tell how one experiment goes; of one that has ended, its summary too."""
    row = await experiment_of(request)
    if row is None:
        return failure(404, "there is no such experiment here")
    try:
        summary = await asyncio.to_thread(_summary, site_of(request).index, row)
    except StoreError as error:
        return failure(503, str(error))
    return answer({**row.document(), "summary": summary})


async def trials(request: Request) -> Response:
    """Return trials of one model in their order, some at a time."""
    row = await experiment_of(request)
    if row is None:
        return failure(404, "there is no such experiment here")
    asked = request.query_params
    models = sorted(row.progress.models) if row.progress else []
    model = asked.get("model", models[0] if len(models) == 1 else "")
    if model not in models:
        return failure(400, f"model: must be one of {', '.join(models)}")
    offset, limit = _number(asked.get("offset", "0")), _number(asked.get("limit", str(_LIMIT)))
    if offset is None or limit is None or limit > _MOST:
        return failure(400, f"offset and limit: must be whole numbers, limit at most {_MOST:,}")
    try:
        found = await asyncio.to_thread(_trials, site_of(request).index, row, model, offset, limit)
    except StoreError as error:
        return failure(503, str(error))
    return answer(found)


def answer(document: Any, status: int = 200) -> Response:
    """Return a document."""
    return Response(as_json(document), status, media_type="application/json")


def as_json(document: Any) -> str:
    """Write a document as JSON, which has no numbers that are not finite: null stands for them."""
    try:
        return json.dumps(document, allow_nan=False)
    except ValueError:
        return json.dumps(json.loads(json.dumps(document), parse_constant=lambda _: None))


def failure(status: int, sentence: str) -> Response:
    """Say in one sentence what was wrong."""
    return answer({"error": sentence}, status)


def _summary(index: Index, row: Row) -> Any:
    content = index.places[row.place].store.get(f"{row.path}/summary.json")
    try:
        return json.loads(content) if content else None
    except ValueError:
        raise StoreError(f"{row.address}/summary.json: is damaged") from None


def _trials(index: Index, row: Row, model: str, offset: int, limit: int) -> dict[str, Any]:
    folder = TrialFolder(index.places[row.place].store, f"{row.path}/{model}/trials")
    own = folder.there()
    if isinstance(own, Damage):
        raise StoreError(own.sentence)
    chosen = dict(list(own.items())[offset : offset + limit])
    found = folder.read_these(chosen, parse_trial)
    return {
        "model": model,
        "total": len(own),
        "offset": offset,
        "trials": [one.model_dump(mode="json") for _, one in found if isinstance(one, TrialRecord)],
        "damaged": [one.sentence for _, one in found if isinstance(one, Damage)],
    }


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
