"""The page of a release: who sees it, how live it is, what its key may do."""

import base64
import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import CHART, CONTEXT, RELEASE, TOOLS, Namespace, wait_until
from tests.e2e.objects import LONG

Write = Callable[..., Path]
_WRITE = """
import os, obstore
store = obstore.store.S3Store("va-results", client_options={"allow_http": True})
print(len(obstore.list(store).collect()) > 0)
try:
    obstore.put(store, "written-by-the-page", b"x")
    print("written")
except Exception as error:
    print("refused" if "403" in str(error) or "Denied" in str(error) else error)
"""


@pytest.fixture
def page(release: Namespace) -> Iterator[tuple[str, str]]:
    """Where the page answers on this machine, and its token."""
    values = ["--reuse-values", "--set", "web.enabled=true", "--wait", "--timeout", "5m"]
    release.helm("upgrade", RELEASE, CHART, *values)
    said = release.get("secret", f"{RELEASE}-web-token")["data"]["VA_TUNING_WEB_TOKEN"]
    with _forwarded(release) as address:
        yield address, base64.b64decode(said).decode()
    release.helm("upgrade", RELEASE, CHART, *values[:2], "web.enabled=false", *values[3:])


def test_the_page_follows_an_experiment_and_writes_nothing(
    page: tuple[str, str], release: Namespace, write: Write
) -> None:
    address, token = page
    assert _get(f"{address}/healthz", "")[0] == 200
    assert _get(f"{address}/api/experiments", "")[0] == 401
    assert _get(f"{address}/api/experiments", "no such token")[0] == 401
    release.va_tuning(
        "submit", write("watched", tuning={**LONG, "n_trials": 32})
    )  # seen while it runs

    def seen() -> dict[str, Any]:
        status, body = _get(f"{address}/api/experiments", token)
        assert status == 200, body
        found = [one for one in json.loads(body)["experiments"] if one["name"] == "watched"]
        return found[0] if found else {}

    wait_until("a running experiment", lambda: seen().get("state") == "running", 240)
    wait_until("a trial", lambda: seen().get("done", 0) >= 1, 240)
    release.must_succeed("watched")
    wait_until("its end", lambda: seen().get("state") == "done", 120)
    assert seen()["best"]["model"] == "random_forest"
    _, text = _get(f"{address}/metrics", token)
    assert 'va_tuning_trials{experiment="watched",model="random_forest",state="complete"}' in text
    (pod,) = release.list("pods", "app.kubernetes.io/component=web")
    said = release.kubectl("exec", pod["metadata"]["name"], "--", "python", "-c", _WRITE)
    assert said.split() == ["True", "refused"]


@contextmanager
def _forwarded(release: Namespace) -> Iterator[str]:
    where = ["--context", CONTEXT, "--namespace", release.name]
    command = ["kubectl", *where, "port-forward", f"service/{RELEASE}-web", ":80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=TOOLS) as tunnel:
        assert tunnel.stdout
        try:
            found = re.search(r"127\.0\.0\.1:(\d+)", tunnel.stdout.readline())
            assert found
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            tunnel.terminate()


def _get(url: str, token: str) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
