"""Reading a data file from a web server: plain, with user and password, or by a presigned URL."""

import re
import ssl
import time
from base64 import b64encode
from http.client import HTTPException, IncompleteRead
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tuner_job.address import Address
from tuner_job.errors import StoreError
from tuner_job.public import without_secrets
from tuner_job.wording import plain

_PATIENCE = 10.0
"""Seconds in which a server that is away, or overloaded, is asked again."""
_PAUSE = 0.5
_SILENCE = 30.0
"""Seconds without a byte after which it is given up."""
_LONGEST = 3600.0
"""Seconds for a whole file, however it trickles in."""
_MOST_BYTES = 8 * 2**30
_CHUNK = 1 << 20
_OVERLOADED = (429, 500, 502, 503, 504)
_SERVER_SAYS = re.compile(r"<Code>(\w+)</Code>(?:.*?<Message>([^<]*)</Message>)?", re.DOTALL)


def download(address: Address, shown: str) -> bytes:
    """Read a file over http or https.

    Parameters
    ----------
    shown
        What of the address may stand in messages.

    Raises
    ------
    StoreError
        It is not there or cannot be read.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _get(address)
        except HTTPError as error:
            with error:
                said, passing = _refusal(error, bool(address.query)), error.code in _OVERLOADED
        except (OSError, HTTPException, ValueError) as error:
            said, passing = _reason(error), _may_pass(error)
        if not passing or time.monotonic() > deadline:
            raise StoreError(f"{plain(shown, 500)}: cannot be read: {said}")
        time.sleep(_PAUSE)


def server_says(text: str) -> str:
    """Code and message of a store's error document, bounded; empty if the text holds none."""
    said = _SERVER_SAYS.search(text)
    return (
        plain(without_secrets(": ".join(part for part in said.groups() if part)), 300)
        if said
        else ""
    )


def _get(address: Address) -> bytes:
    request = Request(_ascii(address), headers={"User-Agent": "va-tuning", "Accept": "*/*"})
    if address.login:
        login = b64encode(":".join(address.login).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {login}")
    with build_opener(_Redirects()).open(request, timeout=_SILENCE) as answer:
        return _read_all(answer)


def _ascii(address: Address) -> str:
    """The URL as a request line holds it: only the server's name may still be beyond ASCII."""
    place = address.place if address.place.isascii() else address.place.encode("idna").decode()
    return address.url.replace(f"//{address.place}", f"//{place}", 1)


def _read_all(answer: Any) -> bytes:
    expected = answer.length  # None where the server does not say
    if (expected or 0) > _MOST_BYTES:
        raise _UnusableError(
            f"it has {expected / 2**30:.1f} GiB; at most {_MOST_BYTES // 2**30} can be read"
        )
    content, deadline = bytearray(), time.monotonic() + _LONGEST
    while chunk := answer.read1(_CHUNK):
        content += chunk
        if len(content) > _MOST_BYTES:
            raise _UnusableError(f"it is larger than {_MOST_BYTES // 2**30} GiB")
        if time.monotonic() > deadline:
            raise _UnusableError(f"it took longer than {_LONGEST / 60:.0f} min")
    if expected is not None and len(content) < expected:
        raise IncompleteRead(b"")
    return bytes(content)


class _Redirects(HTTPRedirectHandler):
    """Follows to other addresses, but not from https to http; user and password go to the same
    server only."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in ("http", "https") or (old.scheme, new.scheme) == ("https", "http"):
            fp.close()
            raise _UnusableError(
                f"the server sends elsewhere, to a {plain(new.scheme, 20)}:// address"
            )
        if "@" in new.netloc:
            fp.close()
            raise _UnusableError("the server sends elsewhere, with a user and password of its own")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        login = req.unredirected_hdrs.get("Authorization")
        if following and login and (old.scheme, old.netloc) == (new.scheme, new.netloc):
            following.add_unredirected_header("Authorization", login)
        return following


class _UnusableError(ValueError):
    """What the server sends is not taken; the message says why."""


def _may_pass(error: Exception) -> bool:
    reason = error.reason if isinstance(error, URLError) else error
    return not isinstance(reason, ssl.SSLError | TimeoutError | ValueError) and isinstance(
        reason, OSError | HTTPException
    )


def _refusal(error: HTTPError, signed: bool) -> str:
    """What a status code means, and what the server says to it."""
    try:
        body = error.read(4096).decode(errors="replace")
    except (OSError, HTTPException):
        body = ""
    said = f"{error.code}{f', {words}' if (words := server_says(body)) else ''}"
    if error.code == 404:
        return f"there is no such file (the server says {said})"
    if error.code in (400, 401, 403):
        hint = "its signature may have expired or been cut" if signed else "check user and password"
        return f"the server refuses (it says {said}): {hint}"
    return f"the server says {said}"


def _reason(error: Exception) -> str:
    """What went wrong with the connection, without the address, which the library's own words
    may repeat."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {plain(reason.verify_message)}"
    if isinstance(reason, TimeoutError):
        return f"the server did not answer within {_SILENCE:.0f} s"
    if isinstance(reason, _UnusableError):
        return str(reason)
    if isinstance(reason, IncompleteRead):
        return "the connection ended before the file did"
    if isinstance(reason, OSError) and reason.strerror:
        return plain(reason.strerror)
    return f"the server's answer cannot be understood ({type(reason).__name__})"
