"""Who may look: a token where others can reach the port, and only this machine's own names where
they cannot.

A page of elsewhere in the same browser must not read results: it gets no cookie (SameSite), no
answer that it may read (no CORS header), and with a name of its own that points to this machine
(DNS rebinding) it is refused.
"""

import hmac
import ipaddress
import re
import secrets
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuner_job.errors import InputError
from tuner_job.web.templates import templates

TOKEN = "VA_TUNING_WEB_TOKEN"
"""Environment variable with the token."""
COOKIE = "va-tuning"
SHORTEST_TOKEN = 16
OPEN_TO_ALL = ("/healthz", "/login", "/static/web.css", "/static/report.css")
_LOGIN = "/login"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]*)(?::[0-9]{1,5})?", re.IGNORECASE)
_LARGEST_FORM = 4096

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Of our pages: nothing from elsewhere, no script but our file. Figures have style attributes."""
POLICY_OF_STORED = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Of pages that stand in the results, which anybody may have written who can write there."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that is bound to this name or address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def chosen_token(host: str, given: str | None) -> str | None:
    """Return the token that is asked for; None: none is.

    Parameters
    ----------
    given
        What the environment says; a line break at its end, as a file has one, is no part of it.

    Raises
    ------
    InputError
        It is too short to keep anybody out, or nobody can send it.
    """
    given = given if given is None else given.strip()
    if given is not None and not (given.isascii() and given.isprintable()):
        raise InputError(f"{TOKEN}: must be printable ASCII characters; it holds others")
    if given is not None and len(given) < SHORTEST_TOKEN:
        raise InputError(
            f"{TOKEN}: must have at least {SHORTEST_TOKEN} characters, got {len(given)}; leave it "
            "out to have one made"
        )
    return given or (None if is_loopback(host) else secrets.token_urlsafe(24))


class Access:
    """Lets in who may look, and says with each answer what a browser may do with it.

    Parameters
    ----------
    token
        None: none is asked for, and only requests to this machine's own names are answered.
    """

    def __init__(self, app: ASGIApp, token: str | None):
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = await self._refusal(request)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", POLICY)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await (answer or self._app)(scope, receive, guarded)

    async def _refusal(self, request: Request) -> Response | None:
        """Answer what is not handed on: None for what is."""
        path = request.scope["path"]  # the address holds what the caller says of the host
        if self._token is None and not _is_own(request.headers.get("host", "")):
            return PlainTextResponse(
                "This page answers only to localhost: open http://127.0.0.1 with its port.\n", 421
            )
        if path == _LOGIN and self._token is not None:
            return await self._login(request)
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("Results are only read here: GET and HEAD.\n", 405,
                                     {"Allow": "GET, HEAD"})  # fmt: skip
        if self._token is None or path in OPEN_TO_ALL:
            return None
        if "token" in request.query_params:
            return self._let_in(request, request.query_params["token"])
        if self._may(request):
            return None
        if path.startswith(("/api/", "/metrics")) or path == "/api":
            return PlainTextResponse("A token is needed: Authorization: Bearer …\n", 401,
                                     {"WWW-Authenticate": "Bearer"})  # fmt: skip
        return _form(401)

    async def _login(self, request: Request) -> Response:
        """Show the form, or take what it sends."""
        if request.method in ("GET", "HEAD"):
            given = request.query_params.get("token")
            return _form(200) if given is None else self._let_in(request, given)
        if request.method != "POST":
            return PlainTextResponse("", 405, {"Allow": "GET, HEAD, POST"})
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST_FORM:
                return PlainTextResponse("That is no token.\n", 413)
        found = parse_qs(body.decode(errors="replace"))
        return self._let_in(request, found.get("token", [""])[0].strip())

    def _let_in(self, request: Request, given: str) -> Response:
        """Set the cookie and lead to the page without the token in its address."""
        if not self._is_token(given):
            return _form(401, wrong=True)
        left = request.url.remove_query_params("token")
        target = (
            "/" if left.path == _LOGIN else left.path + (f"?{left.query}" if left.query else "")
        )
        answer = RedirectResponse(f"/{target.lstrip('/')}", 303)
        answer.set_cookie(
            COOKIE, self._session(), httponly=True, samesite="strict", path="/",
            secure=request.headers.get("x-forwarded-proto", request.url.scheme) == "https",
        )  # fmt: skip
        return answer

    def _may(self, request: Request) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._is_token(given.strip())
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(request.headers.get("cookie", ""))
        except CookieError:
            return False
        session = cookies[COOKIE].value if COOKIE in cookies else ""
        return _same(session, self._session())

    def _is_token(self, given: str) -> bool:
        return _same(given, self._token or "")

    def _session(self) -> str:
        """What the cookie holds: it tells nothing of the token."""
        return hmac.new((self._token or "").encode(), b"va-tuning web", sha256).hexdigest()


def _same(given: str, wanted: str) -> bool:
    """Compare in a time that tells nothing, not even the length."""
    one, other = (sha256(text.encode(errors="replace")).digest() for text in (given, wanted))
    return hmac.compare_digest(one, other)


def _is_own(host: str) -> bool:
    """Whether a request's host is a name of this machine that nobody else can have pointed here."""
    match = _HOST.fullmatch(host)
    return match is not None and is_loopback(match[1])


def _form(status: int, wrong: bool = False) -> Response:
    page = templates().get_template("login.html").render(wrong=wrong)
    return Response(page, status, media_type="text/html")
