"""The chart's hook and test scripts, against the real S3 server, started as the chart starts it."""

import base64
import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import chart_tools
import obstore
import pytest
from conftest import Render

FILES = chart_tools.ROOT / "images" / "tuner" / "jobs"
KEYS = {
    "AWS_ACCESS_KEY_ID": "test-access-key",
    "AWS_SECRET_ACCESS_KEY": "test-secret-key-0123456789",
}
OTHER_KEYS = {
    "ROOT_ACCESS_KEY_ID": "root-access-key",
    "ROOT_SECRET_ACCESS_KEY": "root-secret-key-0123456789",
    "READER_ACCESS_KEY_ID": "reader-access-key",
    "READER_SECRET_ACCESS_KEY": "reader-secret-key-0123456789",
}
URL = "s3://va-results/some/prefix"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FILES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.fixture(params=[False, True], ids=["extended attributes", "sidecar"], scope="module")
def store(
    request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Run the server with the arguments of the chart's Deployment; yield a client's environment."""
    binary = chart_tools.tool_path("versitygw")
    if not binary.exists():
        pytest.skip("versitygw is not installed: run tests/install-tools.sh")
    documents = render({"store": {"embedded": {"sidecarMetadata": request.param}}})
    deployment = next(
        one
        for one in documents
        if one["kind"] == "Deployment" and one["metadata"]["name"] == "va-tuning-store"
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (accounts,) = deployment["spec"]["template"]["spec"]["initContainers"]
    folder, port = tmp_path_factory.mktemp("store"), free_port()
    for mount in container["volumeMounts"]:
        Path(f"{folder}{mount['mountPath']}").mkdir(parents=True)
    arguments = [
        argument.replace(":7070", f"127.0.0.1:{port}")
        .replace("/data/", f"{folder}/data/")
        .replace("/accounts", f"{folder}/accounts")
        for argument in container["args"]
    ]
    (file,) = accounts["args"]
    made = run_script(
        Path(accounts["command"][1]).name, f"{folder}{file}", environment=KEYS | OTHER_KEYS
    )
    assert made.returncode == 0, made.stderr
    environment = {
        "ROOT_ACCESS_KEY": OTHER_KEYS["ROOT_ACCESS_KEY_ID"],
        "ROOT_SECRET_KEY": OTHER_KEYS["ROOT_SECRET_ACCESS_KEY"],
    }
    health = container["readinessProbe"]["httpGet"]["path"]
    with subprocess.Popen(
        [binary, *arguments], env=environment, stdout=subprocess.DEVNULL
    ) as server:
        endpoint, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
        while not answers(endpoint + health):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield KEYS | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }
        server.terminate()


def run_script(
    name: str, *arguments: str, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, FILES / name, *arguments]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=clean | environment
    )


def test_bucket_and_round_trip(store: dict[str, str]) -> None:
    absent = run_script("check_store.py", "s3://no-such-bucket", environment=store)
    assert absent.returncode == 1
    assert absent.stderr.startswith("the store at s3://no-such-bucket does not work: ")
    assert len(absent.stderr.splitlines()) == 1
    for _ in range(2):  # an upgrade runs the hook again
        made = run_script("make_bucket.py", URL, environment=store | OTHER_KEYS)
        assert made.returncode == 0, made.stderr
    for _ in range(2):  # a second test clears what the first left
        result = run_script("check_store.py", URL, environment=store)
        assert result.returncode == 0, result.stderr
        assert "a second creation was refused" in result.stdout
    wrong = run_script(
        "check_store.py", URL, environment=store | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    )
    assert wrong.returncode == 1
    reads = {
        "AWS_ACCESS_KEY_ID": OTHER_KEYS["READER_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": OTHER_KEYS["READER_SECRET_ACCESS_KEY"],
    }
    writes = run_script("check_store.py", URL, environment=store | reads)
    assert writes.returncode == 1
    assert "403" in writes.stderr or "AccessDenied" in writes.stderr


def test_accounts_have_one_bucket_and_the_reader_only_reads(store: dict[str, str]) -> None:
    reader = {"AWS_ACCESS_KEY_ID": OTHER_KEYS["READER_ACCESS_KEY_ID"]}
    for bucket, client in {"ours": {}, "theirs": reader}.items():
        environment = store | OTHER_KEYS | client
        made = run_script("make_bucket.py", f"s3://{bucket}", environment=environment)
        assert made.returncode == 0, made.stderr

    def opened(bucket: str, account: str) -> obstore.store.S3Store:
        keys = KEYS | OTHER_KEYS
        return obstore.store.S3Store(
            bucket,
            endpoint=store["AWS_ENDPOINT_URL"],
            region=store["AWS_REGION"],
            access_key_id=keys[f"{account}_ACCESS_KEY_ID"],
            secret_access_key=keys[f"{account}_SECRET_ACCESS_KEY"],
            client_options={"allow_http": True},
        )

    obstore.put(opened("ours", "AWS"), "a", b"1")
    assert bytes(obstore.get(opened("ours", "READER"), "a").bytes()) == b"1"
    assert [each["path"] for each in obstore.list(opened("ours", "READER")).collect()] == ["a"]
    for refused in (
        lambda: obstore.put(opened("ours", "READER"), "b", b"2"),
        lambda: obstore.delete(opened("ours", "READER"), "a"),
        lambda: obstore.put(opened("theirs", "AWS"), "b", b"2"),
        lambda: obstore.list(opened("theirs", "AWS")).collect(),
    ):
        with pytest.raises(obstore.exceptions.BaseError, match=r"(?i)access ?denied|permission"):
            refused()
    assert [each["path"] for each in obstore.list(opened("ours", "AWS")).collect()] == ["a"]


def test_bucket_of_a_dead_server_is_told() -> None:
    dead = (
        KEYS
        | OTHER_KEYS
        | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "AWS_REGION": "us-east-1"}
    )
    result = run_script("make_bucket.py", URL, "0", environment=dead)
    assert result.returncode == 1
    assert result.stderr.startswith(
        f"bucket va-results could not be made at {dead['AWS_ENDPOINT_URL']}: "
    )


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ("va-tuning-weekly-29394000", "weekly-20251120-1200"),
        ("va-tuning-weekly-manual", "weekly-manual"),
        ("by-hand-7", "weekly-7"),
    ],
)
def test_a_scheduled_run_is_named_by_its_minute(job: str, expected: str) -> None:
    assert load("run_scheduled").run_name("weekly", job) == expected


def test_a_scheduled_name_keeps_within_an_experiments_limit() -> None:
    assert len(load("run_scheduled").run_name("x" * 26, "some-cronjob-29394000")) == 40


def test_new_keys_are_new_secrets_of_the_same_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = load("make_keys")
    for name in keys.ADDRESS:
        monkeypatch.setenv(name, "x")
    made, _ = keys.change(None, ["root", "reader"], 1)
    assert sorted(made["data"]) == sorted(OTHER_KEYS)
    kept, said = keys.change(made, ["root", "reader"], 1)
    assert "data" not in kept
    assert said == "keeps its keys of generation 1"
    renewed, _ = keys.change(made, ["root", "reader"], 2)
    for name, value in made["data"].items():
        assert (renewed["data"][name] == value) == ("SECRET" not in name)
    clients, _ = keys.change(None, ["client"], 1)
    assert set(clients["data"]) == {*KEYS, *keys.ADDRESS}


def test_the_pages_token_is_one_more_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = load("make_keys")
    made, _ = keys.change(None, ["web"], 1)
    assert list(made["data"]) == ["VA_TUNING_WEB_TOKEN"]
    assert len(base64.b64decode(made["data"]["VA_TUNING_WEB_TOKEN"])) == 40
    assert "data" not in keys.change(made, ["web"], 1)[0]
    renewed, _ = keys.change(made, ["web"], 2)
    assert renewed["data"] != made["data"]
