import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.api_server import ApiServer, kubeconfig, release, serve_api
from tests.integration.s3_server import S3Server, binary, serve
from tuner_job.models import FAMILIES


@pytest.fixture(scope="session", autouse=True)
def hang_up() -> None:
    """What the tests start heeds SIGHUP, though they may be run by nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


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


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """An API server with a release, and a kubeconfig file that leads to it."""
    with serve_api() as server:
        server.put("configmaps", release())
        for name in FAMILIES:
            space = f"va-tuning-space-{name.replace('_', '-')}"
            server.put("configmaps", {"metadata": {"name": space}, "data": {}})
        server.put("serviceaccounts", {"metadata": {"name": "va-tuning"}})
        server.put("secrets", {"metadata": {"name": "va-tuning-store"}, "data": {}})
        path = tmp_path / "kubeconfig.yaml"
        path.write_text(yaml.safe_dump(kubeconfig(server.url)))
        monkeypatch.setenv("KUBECONFIG", str(path))
        yield server


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """A small experiment file named adult."""
    path = tmp_path / "experiment.yaml"
    path.write_text("name: adult\ndata: {format: synthetic}\nmodels: [random_forest]\n")
    return path
