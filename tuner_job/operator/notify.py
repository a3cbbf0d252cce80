"""Telling a receiver of an end: one signed POST, the same one each time that it is tried.

It carries ``Idempotency-Key`` (the RayJob's uid and the end), ``X-VA-Tuning-Timestamp`` (seconds
since 1970) and ``X-VA-Tuning-Signature``: ``sha256=`` and the HMAC-SHA256 of the timestamp, a point
and the body, in hexadecimal digits.
"""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tuner_job.operator.ledger import Entry
from tuner_job.public import public
from tuner_job.wording import plain

_log = logging.getLogger(__name__)
_SECONDS = 5.0  # for an answer
_FIRST, _LONGEST = 2.0, 300.0  # seconds between two tries

Send = Callable[[str, bytes, Mapping[str, str]], int]
"""Address, body and headers → the status of the answer; raises OSError where there is none."""


def sign(key: bytes, timestamp: str, body: bytes) -> str:
    """Return the signature of a body."""
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def body_of(namespace: str, uid: str, entry: Entry) -> bytes:
    """Write what is told of an end: the same bytes for the same end."""
    return json.dumps(
        {
            "key": key_of(uid, entry),
            "experiment": entry.name,
            "namespace": namespace,
            "state": entry.end,
            "reason": entry.reason,
            "ended": entry.ended,
            "best": entry.best.model_dump() if entry.best else None,
            "trials": {"done": entry.done, "planned": entry.planned},
            "results": f"{entry.results}/{entry.name}" if entry.results else None,
        },
        ensure_ascii=False,
    ).encode()


def key_of(uid: str, entry: Entry) -> str:
    """What all messages about one end have in common, and no others."""
    return f"{uid}-{entry.end}"


class Receiver:
    """Where ends are told; one that does not answer is tried again, ever more rarely.

    Parameters
    ----------
    url
        Its address.
    key
        That messages are signed with.
    """

    def __init__(
        self,
        url: str,
        key: bytes,
        send: "Send | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._url, self._key = url, key
        self._send, self._clock = send or post, clock
        self._not_before, self._pause = 0.0, _FIRST

    @property
    def is_due(self) -> bool:
        """Whether it may be tried now."""
        return self._clock() >= self._not_before

    def tell(self, namespace: str, uid: str, entry: Entry) -> bool:
        """Tell of an end once; return whether the receiver has taken it."""
        body, timestamp = body_of(namespace, uid, entry), str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "va-tuning",
            "Idempotency-Key": key_of(uid, entry),
            "X-VA-Tuning-Timestamp": timestamp,
            "X-VA-Tuning-Signature": f"sha256={sign(self._key, timestamp, body)}",
        }
        try:
            status = self._send(self._url, body, headers)
            problem = "" if 200 <= status < 300 else f"it answers {status}"
        except (OSError, HTTPException, ValueError) as error:
            problem = plain(getattr(error, "reason", None) or error)
        if problem:
            _log.warning(
                "%s: cannot be told that experiment %s is %s: %s; tried again in %.0f s",
                *(public(self._url), entry.name, entry.end, problem, self._pause),
            )
            self._not_before = self._clock() + self._pause
            self._pause = min(2 * self._pause, _LONGEST)
            return False
        self._not_before, self._pause = 0.0, _FIRST
        _log.info("%s: was told that %s is %s", public(self._url), entry.name, entry.end)
        return True


class _NoRedirects(HTTPRedirectHandler):
    """What is signed for one address is not sent to another."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Follow nothing: the answer is taken as it is."""
        return


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send a POST and return the status of its answer.

    Raises
    ------
    OSError
        No answer came.
    """
    request = Request(url, data=body, headers=dict(headers), method="POST")
    try:
        with build_opener(_NoRedirects()).open(request, timeout=_SECONDS) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code
