"""``va-tuning serve`` as a process of its own, and what it answers."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.integration.experiments import start

PATIENCE = 180.0
"""Seconds for what must happen; a busy machine may need them."""


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes
    ----------
    url
        Where it says that its page is, with the token that it made if it made one.
    """

    url: str
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return "/".join(self.url.split("/")[:3])

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and text of an answer."""
        try:
            with urlopen(Request(self.origin + path, headers=headers), timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def json(self, path: str) -> Any:
        """The document at a path."""
        return json.loads(self.get(path)[1])

    def until(self, path: str, holds: Callable[[str], bool]) -> str:
        """Ask again until something holds of the text; return it."""
        deadline = time.monotonic() + PATIENCE
        while not holds(text := self.get(path)[1]):
            assert time.monotonic() < deadline, text[-2000:]
            time.sleep(0.2)
        return text

    def events(self, path: str) -> Iterator[tuple[str, str]]:
        """Name and data of each event that is sent."""
        with urlopen(self.origin + path, timeout=PATIENCE) as answer:
            name, data = "", []
            for line in map(bytes.decode, answer):
                key, _, value = line.rstrip("\n").partition(": ")
                if key == "event":
                    name, data = value, []
                elif key == "data":
                    data.append(value)
                elif not key and name:
                    yield name, "\n".join(data)
                    name = ""


@contextmanager
def serving(
    *addresses: str | Path,
    host: str = "127.0.0.1",
    port: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """Serve addresses until the block ends."""
    process = start(
        "serve", *addresses, "--host", host, "--port", str(port), environment=environment
    )
    try:
        assert process.stdout
        line = process.stdout.readline().strip()
        assert line.startswith("http://"), process.communicate()
        yield Served(line, process)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
