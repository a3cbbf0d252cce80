"""A proxy before an S3 server that can be slow, refuse, answer rubbish or break off."""

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Disturbance:
    """What happens to some requests.

    Attributes
    ----------
    of
        Whether it happens to the n-th request (from 1), of a method.
    status, body
        Sent instead of what the server says; status 0: the server's own, with the body; -1: the
        connection breaks;
        -2: half of the server's body, then it breaks; -3: the request is done, but its answer is
        lost.
    seconds
        Waited before.
    """

    of: Callable[[int, str], bool] = lambda number, method: True
    status: int = -4
    body: bytes = b""
    seconds: float = 0.0


@contextmanager
def disturbed(endpoint: str, disturbance: Disturbance) -> Iterator[str]:
    """Pass requests on to an endpoint, some of them disturbed; yield the proxy's own endpoint."""

    class Handler(_Handler):
        pass

    Handler.place, Handler.disturbance, Handler.numbers = (
        urlsplit(endpoint).netloc,
        disturbance,
        itertools.count(1),
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    place = ""
    disturbance = Disturbance()
    numbers = itertools.count(1)

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        here = (
            self.disturbance
            if self.disturbance.of(next(self.numbers), self.command)
            else Disturbance()
        )
        time.sleep(here.seconds)
        if here.status == -1:
            self.close_connection = True
            return
        if here.status > 0:
            self._answer(here.status, [], here.body)
            return
        connection = http.client.HTTPConnection(self.place, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if here.status == -3:
            self.close_connection = True
            return
        self._answer(
            answer.status,
            answer.getheaders(),
            here.body if here.status == 0 else content,
            here.status == -2,
        )

    def _answer(
        self, status: int, headers: list[tuple[str, str]], body: bytes, broken: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        length = next((v for n, v in headers if n.lower() == "content-length"), None)
        self.send_header(
            "Content-Length", length if self.command == "HEAD" and length else str(len(body))
        )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if broken else body)
        self.close_connection = self.close_connection or broken

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass
