"""The few files that pages load: two style sheets and a script, all from here."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tuner_job.web.pages import nothing

_HERE = Path(__file__).parent
_FILES = {
    "report.css": (_HERE.parent / "report" / "style.css", "text/css"),
    "web.css": (_HERE / "static" / "web.css", "text/css"),
    "web.js": (_HERE / "static" / "web.js", "text/javascript"),
}


async def asset(request: Request) -> Response:
    """Return one of the files; a browser that has it already is told so."""
    name = request.path_params["name"]
    if name not in _FILES:
        return nothing("There is no such file here.")
    content, tag = _content(name)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_FILES[name][1], headers=headers)


@cache
def _content(name: str) -> tuple[bytes, str]:
    content = _FILES[name][0].read_bytes()
    return content, f'"{sha256(content).hexdigest()[:16]}"'
