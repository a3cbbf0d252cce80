"""TuningExperiments on the installed release: what is shown, what stays, who hears of it."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import CHART, RELEASE, Namespace, wait_until
from tests.e2e.objects import (
    LONG,
    RETENTION,
    apply,
    condition_of,
    must_have_heard_once,
    trials_of,
    wait_for,
)

Write = Callable[..., Path]
Table = Callable[[Path], str]
Fetched = Callable[[str], str]


def test_the_lines_run_and_kubectl_shows_how_far_they_are(
    told: Namespace, write: Write, local_table: Table, fetched_table: Fetched
) -> None:
    file = write("lines", tuning={**LONG, "n_trials": 24})  # it runs on while it is looked at
    name = apply(told, file)
    wait_until("trials in kubectl get", lambda: trials_of(told, name) >= 2)
    header, row = told.kubectl("get", "tune", name).splitlines()
    assert header.split() == ["NAME", "STATE", "DONE", "PLANNED", "BEST", "MODEL", "AGE"]
    assert row.split()[:2] == [name, "Running"]
    assert row.split()[3] == "24"
    assert row.split()[5] == "random_forest"
    wait_for(told, name)
    told.kubectl("wait", f"rayjob/{name}", "--for=jsonpath={.status.jobStatus}=SUCCEEDED")
    # a store that is slow just then is read again, for a minute
    wait_until("all trials in its status", lambda: trials_of(told, name) == 24, 60)
    assert fetched_table(name) == local_table(file)
    selector = f"involvedObject.name={name},involvedObject.kind=TuningExperiment"
    events = told.kubectl("get", "events", "--field-selector", selector)
    for reason in ("Started", "BestImproved", "Succeeded"):
        assert reason in events
    must_have_heard_once(told, name, "done")


@pytest.mark.long
def test_suspended_it_waits_and_goes_on_to_the_same_answer(
    told: Namespace, write: Write, local_table: Table, fetched_table: Fetched
) -> None:
    file = write("paused", tuning=LONG)
    name = apply(told, file)
    wait_until("the second trial", lambda: trials_of(told, name) >= 2)
    apply(told, file, suspend=True)
    wait_for(told, name, "Suspended", 240)
    assert told.list("rayjobs", f"va-tuning/experiment={name}") == []
    before = fetched_table(name)
    time.sleep(10)
    assert fetched_table(name) == before
    apply(told, file, suspend=False)
    wait_for(told, name)
    assert fetched_table(name) == local_table(file)
    must_have_heard_once(told, name, "done")


@pytest.mark.long
def test_the_controller_may_die_at_any_moment(
    told: Namespace, write: Write, local_table: Table, fetched_table: Fetched
) -> None:
    file = write("unattended", tuning=LONG)
    name = apply(told, file)
    chance = random.Random(1)
    label = "app.kubernetes.io/component=operator"
    for _ in range(12):
        told.kubectl("delete", "pods", "-l", label, "--wait=false", "--grace-period", "0")
        time.sleep(chance.uniform(1, 12))
    wait_for(told, name)
    assert fetched_table(name) == local_table(file)
    must_have_heard_once(told, name, "done")


def test_cancelled_it_says_so_and_deleted_it_leaves_its_results(
    told: Namespace, write: Write, fetched_table: Fetched
) -> None:
    # its status is some seconds late: it has to have trials left by then
    name = apply(told, write("cancelled", tuning={**LONG, "n_trials": 400}))
    wait_until("the second trial", lambda: trials_of(told, name) >= 2)
    told.va_tuning("cancel", name)
    wait_for(told, name, "Failed", 240)
    assert condition_of(told, name, "Failed")["reason"] == "Cancelled"
    must_have_heard_once(told, name, "cancelled")
    told.kubectl("delete", "tune", name, "--wait")
    wait_until(
        "the end of what it made",
        lambda: not told.list("rayjobs,configmaps", f"va-tuning/experiment={name}"),
    )
    assert fetched_table(name).count("\n") > 2


def test_all_that_is_wrong_is_said_and_nothing_is_made(told: Namespace, write: Write) -> None:
    data = {"source": "deaths.csv", "label": "cause"}
    name = apply(told, write("mistaken", data=data, tuning={**LONG, "n_trial": 5}))
    found = wait_until("a verdict", lambda: condition_of(told, name, "Accepted"))
    assert (found["status"], found["reason"]) == ("False", "Invalid")
    assert "data.source: must be an address" in found["message"]
    assert "tuning.n_trial: is not a known key" in found["message"]
    assert told.list("rayjobs,configmaps", f"va-tuning/experiment={name}") == []
    told.kubectl("delete", "tune", name)


def test_what_the_schema_can_say_is_refused_at_once(told: Namespace, write: Write) -> None:
    with pytest.raises(AssertionError, match=r"n_trials.*greater than or equal to 1"):
        apply(told, write("zero", tuning={**LONG, "n_trials": 0}))
    with pytest.raises(AssertionError, match="queueName needs ownCluster: true"):
        apply(told, write("queue"), queueName="va")
    with pytest.raises(AssertionError, match=r"metadata\.name must be 1 to 40"):
        apply(told, write("n" * 41))


@pytest.mark.long
def test_plain_rayjobs_say_how_far_they_are(told: Namespace, write: Write) -> None:
    told.va_tuning("submit", write("by-hand", tuning=LONG))

    def marks() -> dict[str, str]:
        found: dict[str, str] = told.get("rayjob", "by-hand")["metadata"].get("annotations", {})
        return found

    wait_until("trials", lambda: marks().get("va-tuning.io/trials", "0/").split("/")[0] not in "01")
    assert marks()["va-tuning.io/state"] == "running"
    told.must_succeed("by-hand")
    wait_until("the end", lambda: marks().get("va-tuning.io/state") == "done")
    # read again for a minute, as a store may be slow
    wait_until("all trials", lambda: marks()["va-tuning.io/trials"] == "16/16", 60)
    must_have_heard_once(told, "by-hand", "done")


def test_after_a_while_nothing_is_left_but_results(told: Namespace, fetched_table: Fetched) -> None:
    kinds = "rayjobs,jobs,configmaps"

    def left() -> list[dict[str, Any]]:
        return told.list(kinds, "va-tuning/experiment")

    def noted() -> dict[str, str]:
        found: dict[str, str] = told.get("configmap", f"{RELEASE}-operator").get("data", {})
        return found

    wait_until("the end of what is over", lambda: not left(), 60 + 4 * RETENTION)
    wait_until("the end of what is noted", lambda: not noted())  # one look later
    assert {t["status"]["state"] for t in told.list("tune")} == {"Succeeded"}
    assert fetched_table("lines").count("\n") > 24


def test_the_controller_is_small(told: Namespace) -> None:
    (pod,) = told.list("pods", "app.kubernetes.io/component=operator")
    command = "cat /sys/fs/cgroup/memory/memory.stat /sys/fs/cgroup/memory.stat 2>/dev/null"
    said = told.kubectl("exec", pod["metadata"]["name"], "--", "sh", "-c", f"{command} || true")
    found = dict(line.split()[:2] for line in said.splitlines())
    anonymous = int(found.get("anon") or found["rss"])  # cgroup v2 and v1
    assert anonymous < 120 * 2**20


def test_a_second_release_that_forgets_is_told_what_to_say(told: Namespace) -> None:
    second = Namespace("va-tuning-e2e-second")
    values = ["--values", CHART / "values-kind.yaml", "--set", "cluster.enabled=false"]
    with pytest.raises(AssertionError, match=rf"release {RELEASE} in namespace {told.name}"):
        second.helm("install", RELEASE, CHART, *values, "--create-namespace")
    with pytest.raises(AssertionError, match=r"Set crds\.install=false"):
        second.helm("install", RELEASE, CHART, *values, "--create-namespace", "--dry-run=server")
    second.delete()
