"""A real S3 server (versitygw, one Go binary over a folder) on loopback."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ACCESS, SECRET = "test-access", "test-secret"


@dataclass(frozen=True)
class S3Server:
    """Where it listens and where its buckets stand: a bucket is a folder."""

    endpoint: str
    root: Path

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
    port = port or _free_port()
    command = [
        server,
        "--port",
        f"127.0.0.1:{port}",
        "--access",
        ACCESS,
        "--secret",
        SECRET,
        "--quiet",
    ]
    if certificate:
        command += ["--cert", str(certificate[0]), "--key", str(certificate[1])]
    scheme = "https" if certificate else "http"
    with (root.parent / f"s3-{port}.log").open("w") as log:
        process = subprocess.Popen([*command, "posix", root], stdout=log, stderr=log)
        try:
            _wait_until_open(port, process)
            yield S3Server(f"{scheme}://127.0.0.1:{port}", root)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the S3 server did not open port {port} within 20 s")
