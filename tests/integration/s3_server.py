"""A real S3 server (versitygw, one Go binary over a folder) on loopback."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

ACCESS, SECRET = "test-access", "test-secret"


@dataclass(frozen=True)
class S3Server:
    """Where it listens, where its buckets stand (a bucket is a folder), and its process."""

    endpoint: str
    root: Path
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a client at it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def make_bucket(self, name: str) -> str:
        """Make an empty bucket; return its URL."""
        shutil.rmtree(self.root / name, ignore_errors=True)
        (self.root / name).mkdir()
        return f"s3://{name}"


def binary() -> Path | None:
    """The installed server; None if it is not there."""
    cache = Path(os.environ.get("VA_TUNING_CACHE", Path.home() / ".cache" / "va-tuning"))
    path = cache / "bin" / "versitygw"
    return path if path.exists() else None


@contextmanager
def serve(
    root: Path, port: int | None = None, certificate: tuple[Path, Path] | None = None
) -> Iterator[S3Server]:
    """Run the server over a folder until the block ends.

    Parameters
    ----------
    certificate
        Its certificate and the key to it, for https; None: http.
    """
    server = binary()
    assert server
    command = [server, "--access", ACCESS, "--secret", SECRET, "--quiet"]
    if certificate:
        command += ["--cert", str(certificate[0]), "--key", str(certificate[1])]
    scheme = "https" if certificate else "http"
    with (root.parent / "s3.log").open("a") as log:
        process, port = _started([*command, "posix", root], port, log)
        try:
            yield S3Server(f"{scheme}://127.0.0.1:{port}", root, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _started(
    command: Sequence[str | Path], port: int | None, log: IO[str]
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server, once more where somebody else has just taken its port."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        number = port or _free_port()
        listens = [command[0], "--port", f"127.0.0.1:{number}", *command[1:]]
        process = subprocess.Popen(listens, stdout=log, stderr=log)
        while process.poll() is None and time.monotonic() < deadline:
            if _listens(process, number):
                return process, number
            time.sleep(0.05)
        process.kill()
        process.wait()
    raise RuntimeError(f"the S3 server did not open a port within 120 s, see {log.name}")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether it is this process that answers at the port."""
    with suppress(psutil.Error):
        return any(
            one.status == psutil.CONN_LISTEN and one.laddr.port == port
            for one in psutil.Process(process.pid).net_connections("tcp")
        )
    return False
