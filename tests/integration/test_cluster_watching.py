"""Logs and states as a server tells them: bounded, harmless on a terminal, and gone when they
are gone."""

import json
from datetime import timedelta

import pytest

from tests.integration.api_server import Answer, ApiServer, experiment_map, rayjob, submitter
from tests.integration.cluster_commands import sentence, va_tuning


@pytest.fixture
def watched(api: ApiServer) -> ApiServer:
    api.put("rayjobs", rayjob("adult", "Complete", "SUCCEEDED"))
    api.put("configmaps", experiment_map("adult"))
    api.put("pods", submitter("adult"))
    return api


def test_a_log_acts_on_no_terminal_and_holds_no_endless_line(watched: ApiServer) -> None:
    watched.logs["adult-submitter"] = f"a\tb\x1b]0;title\x07\r\n{'x' * 500_000}\n\x9b31mlast"
    done = va_tuning("logs", "adult")
    first, *middle, last = done.stdout.rstrip("\n").split("\n")
    assert (first, last) == ("a\tb\\x1b]0;title\\x07", "\\x9b31mlast")
    assert "".join(middle) == "x" * 500_000
    assert max(map(len, middle)) <= 2**18


def test_status_quotes_a_bounded_last_line(watched: ApiServer) -> None:
    watched.put("rayjobs", rayjob("adult"))
    watched.logs["adult-submitter"] = "first\n" + "\x1b[2J" + "z" * 10**6 + "\n\n"
    done = va_tuning("status", "adult")
    assert done.exit_code == 0, done.output
    assert len(done.stdout) < 500
    assert "\x1b" not in done.stdout


def test_programs_read_states_as_json(watched: ApiServer) -> None:
    watched.put("rayjobs", rayjob("child", "Failed", "FAILED"))
    listed = json.loads(va_tuning("list", "--json").stdout)
    assert {one["name"]: one["state"] for one in listed} == {
        "adult": "succeeded",
        "child": "failed",
    }
    assert all(one["seconds"] >= 0 and one["own_cluster"] in (True, False) for one in listed)
    watched.logs["adult-submitter"] = "last"
    said = json.loads(va_tuning("status", "adult", "--json").stdout)
    assert (said["name"], said["state"], said["problems"]) == ("adult", "succeeded", [])
    for name in ("adult", "child"):
        watched.objects.pop(("rayjobs", name))
    assert json.loads(va_tuning("list", "--json").stdout) == []


def test_status_quotes_a_bounded_failure(watched: ApiServer) -> None:
    job = rayjob("adult", "Failed", "FAILED")
    job["status"]["message"] = (
        "va-tuning: \x1b[31m" + "y" * 10**6 + "".join(f"\n  line {i}" for i in range(99))
    )
    watched.put("rayjobs", job)
    watched.logs["adult-submitter"] = ""
    done = va_tuning("status", "adult")
    assert done.exit_code == 0, done.output
    assert len(done.stdout) < 1000
    assert "\x1b" not in done.stdout


def test_the_pod_with_the_log_may_go_at_any_time(watched: ApiServer) -> None:
    assert "has just gone; try again" in sentence("logs", "adult")
    done = va_tuning("status", "adult")
    assert (done.exit_code, done.stdout) == (0, "experiment adult: succeeded\n")
    done = va_tuning("logs", "adult", "--follow")
    assert (done.exit_code, "experiment adult: succeeded" in done.stdout) == (0, True)
    watched.objects.pop(("pods", "adult-submitter"))
    assert "no pod has its log any more" in sentence("logs", "adult")


def test_other_experiments_troubles_are_not_this_one_s(watched: ApiServer) -> None:
    watched.put("rayjobs", rayjob("adult", "", ""))
    for i, (kind, name) in enumerate(
        [("RayJob", "adult"), ("RayJob", "adult-2"), ("RayCluster", "adult-2-x")]
    ):
        about = {"kind": kind, "name": name}
        event = {
            "type": "Warning",
            "reason": "FailedToCreateX",
            "message": name,
            "involvedObject": about,
        }
        watched.put("events", {"metadata": {"name": f"event-{i}"}, **event})
    watched.logs["adult-submitter"] = ""
    said = va_tuning("status", "adult").stdout
    assert "a pod of RayJob adult: adult\n" in said
    assert "adult-2" not in said


def test_an_experiment_that_does_not_go_is_said_so(
    watched: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner_job.cluster.cancel._SECONDS", 0)
    watched.spoil = lambda method, path: Answer(200, b"{}") if method == "DELETE" else None
    assert "KubeRay must stop adult within 0 s of its deletion; it has not" in sentence(
        "cancel", "adult"
    )


@pytest.mark.parametrize("command", [("list",), ("status", "adult"), ("cancel", "adult")])
def test_an_answer_must_end(
    watched: ApiServer, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr("tuner_job.cluster.kube._WHOLE_ANSWER", -1)
    assert "must come within" in sentence(*command)
    monkeypatch.setattr("tuner_job.cluster.kube._WHOLE_ANSWER", 60)
    monkeypatch.setattr("tuner_job.cluster.kube._MOST_BYTES", 100)
    assert "it goes on" in sentence(*command)
    assert watched.writes == []


def test_a_tunnel_that_is_refused_is_the_reason(
    watched: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner_job.cluster.storage.FIRST_CONTACT", timedelta(seconds=1))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "key")
    ports = [{"port": 7070}]
    watched.put(
        "services",
        {"metadata": {"name": "va-tuning-store"}, "spec": {"selector": {"a": "b"}, "ports": ports}},
    )
    pod = submitter("store")
    pod["metadata"]["labels"] = {"a": "b"}
    watched.put("pods", pod)
    watched.spoil = lambda method, path: (
        Answer(403, b"no") if path.endswith("/portforward") else None
    )
    assert "cannot reach port 7070 of pod store-submitter: " in sentence("fetch", "adult")
