import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.s3_server import S3Server, binary, serve


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if binary() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the S3 server is not installed: run tests/install-tools.sh")
        pytest.skip("the S3 server is not installed: run tests/install-tools.sh")
    root: Path = tmp_path_factory.mktemp("s3") / "buckets"
    root.mkdir()
    with serve(root) as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The S3 server, with this process's environment pointing at it."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server
