"""A lost worker, head or store costs time, never results: the trials table stays what it is
without the fault."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.cluster import CONTEXT, RELEASE, Namespace, wait_until
from tests.e2e.objects import LONG
from tuner_job.cluster.kube import Kube
from tuner_job.cluster.storage import open_results
from tuner_job.cluster.template import read_template

Write = Callable[..., Path]
Table = Callable[[Path], str]
Fetched = Callable[[str], str]


def _delete_pod(release: Namespace, node_type: str) -> None:
    pods = release.list("pods", f"ray.io/node-type={node_type},ray.io/cluster={RELEASE}")
    release.kubectl("delete", "pod", pods[0]["metadata"]["name"], "--wait=false")


def _lose_worker(release: Namespace) -> None:
    _delete_pod(release, "worker")


def _lose_head(release: Namespace) -> None:
    _delete_pod(release, "head")


def _lose_store(release: Namespace) -> None:
    deployment = f"deployment/{RELEASE}-store"
    release.kubectl("scale", deployment, "--replicas", "0")
    time.sleep(30)
    release.kubectl("scale", deployment, "--replicas", "1")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(_lose_worker, id="worker", marks=pytest.mark.long),
        pytest.param(_lose_head, id="head"),
        pytest.param(_lose_store, id="store", marks=pytest.mark.long),
    ],
)
def test_fault(
    fault: Callable[[Namespace], None],
    release: Namespace,
    write: Write,
    local_table: Table,
    fetched_table: Fetched,
    tmp_path: Path,
) -> None:
    name = fault.__name__.strip("_").replace("_", "-")
    experiment = write(name, tuning=LONG)
    expected: list[str] = []
    local = threading.Thread(target=lambda: expected.append(local_table(experiment)))
    release.va_tuning("submit", experiment)
    wait_until("the third trial", lambda: _n_trials(release, name) >= 3)
    release.va_tuning("fetch", name, "--output", tmp_path / "before")
    fault(release)
    local.start()
    release.must_succeed(name, 900)
    local.join()
    assert [fetched_table(name)] == expected
    finished_before = sorted((tmp_path / "before").rglob("trials/*.json"))
    assert len(finished_before) >= 3
    for trial in finished_before:  # none of them was run again
        after = tmp_path / "fetched" / trial.relative_to(tmp_path / "before")
        assert after.read_bytes() == trial.read_bytes()


def _n_trials(release: Namespace, name: str) -> int:
    """Finished trials, counted in the store from outside the cluster."""
    kube = Kube(CONTEXT, release.name)
    with open_results(kube, read_template(kube, RELEASE), "s3://va-results") as store:
        return len(store.paths(f"{name}/random_forest/trials"))


_SIGNAL = """
import os, pathlib, signal
for one in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    if b"va-tuning\\0tune" in one.read_bytes():
        os.kill(int(one.parent.name), signal.SIGTERM)
"""


@pytest.mark.long
def test_a_driver_that_is_told_to_end(
    release: Namespace, write: Write, local_table: Table, fetched_table: Fetched
) -> None:
    experiment = write("told-to-end", tuning=LONG)
    release.va_tuning("submit", experiment)
    wait_until("the third trial", lambda: _n_trials(release, "told-to-end") >= 3)
    (head,) = release.list("pods", f"ray.io/node-type=head,ray.io/cluster={RELEASE}")
    release.kubectl(
        "exec", head["metadata"]["name"], "--container", "ray-head", "--", "python", "-c", _SIGNAL
    )
    assert release.wait_for_end("told-to-end", 300) == "FAILED"
    said = release.va_tuning("status", "told-to-end")
    assert "the search was interrupted; run the same command again to go on from here" in said
    release.va_tuning("submit", experiment)
    release.must_succeed("told-to-end", 480)
    assert fetched_table("told-to-end") == local_table(experiment)
