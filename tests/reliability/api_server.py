"""A Kubernetes API server on loopback that answers as a case wants it to, and notes what it is
asked."""

import atexit
import json
import os
import re
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

PLURALS = {"configmaps", "secrets", "services", "serviceaccounts", "pods", "events", "rayjobs"}


@dataclass(frozen=True)
class Answer:
    """What is sent instead of the object; `length` and `seconds` make it a lie and late."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    length: int | None = None
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """A cluster: ``plural/name`` → object, and patterns of ``METHOD path`` that are answered
    otherwise."""

    objects: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)


def serve(worlds: Sequence[World], log: Path) -> str:
    """Serve every world below a path of its number, in a process that ends with this one; return
    the address."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        try:
            _run(listening, worlds, log)
        finally:
            os._exit(0)
    atexit.register(lambda: os.kill(pid, signal.SIGKILL) if os.getpid() == parent else None)
    listening.close()
    return address


def requests_to(log: Path, number: int) -> list[str]:
    """``METHOD path`` of every request to a world."""
    path = log / str(number)
    return path.read_text().splitlines() if path.exists() else []


def _run(listening: socket.socket, worlds: Sequence[World], log: Path) -> None:
    class Handler(_Handler):
        pass

    Handler.worlds, Handler.log = worlds, log
    server = _Server(listening.getsockname(), Handler, bind_and_activate=False)
    server.socket = listening
    server.daemon_threads = True
    server.serve_forever()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no matter."""


class _Handler(BaseHTTPRequestHandler):
    worlds: Sequence[World] = ()
    log = Path()
    deleted: ClassVar[set[str]] = set()

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        _, number, path = (urlsplit(self.path).path + "/").split("/", 2)
        with (self.log / number).open("a") as file:
            file.write(f"{self.command} /{path.rstrip('/')}\n")
        self._send(self._answer(int(number), "/" + path.rstrip("/"), body))
        self.close_connection = True

    def _answer(self, number: int, path: str, body: bytes) -> Answer:
        world, parts = self.worlds[number], path.strip("/").split("/")
        for pattern, answer in world.answers.items():
            if re.search(pattern, f"{self.command} {path}"):
                return answer
        if self.command in ("POST", "PUT"):
            return Answer(201, body)
        if parts[-1] in PLURALS:
            items = [o for key, o in world.objects.items() if key.startswith(parts[-1] + "/")]
            return _json({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items})
        if parts[-2:-1] == ["namespaces"]:
            return _json({"kind": "Namespace", "metadata": {"name": parts[-1]}})
        name = "/".join(parts[-2:])
        found = None if f"{number}/{name}" in self.deleted else world.objects.get(name)
        if found is None:
            return refusal(404, f"{name} not found")
        if self.command == "DELETE":
            self.deleted.add(f"{number}/{name}")
            return _json({"kind": "Status", "status": "Success"})
        return _json(found)

    def _send(self, answer: Answer) -> None:
        time.sleep(answer.seconds)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header(
            "Content-Length", str(len(answer.body) if answer.length is None else answer.length)
        )
        self.send_header("Connection", "close")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _json(document: Any) -> Answer:
    return Answer(200, json.dumps(document).encode())


def refusal(code: int, message: str) -> Answer:
    """What an API server says when it refuses."""
    return Answer(
        code,
        json.dumps(
            {"kind": "Status", "status": "Failure", "message": message, "code": code}
        ).encode(),
    )
