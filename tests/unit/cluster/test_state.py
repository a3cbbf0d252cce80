from datetime import UTC, datetime

import pytest

from tests.unit.cluster.objects import pod, rayjob, waiting_pod, warning
from tuner_job.cluster.state import failure_of, problems, said_in, seconds_of, state_of


@pytest.mark.parametrize(
    ("deployment", "job", "state"),
    [
        ("", "", "waiting"),
        ("Initializing", "", "waiting"),
        ("Running", "PENDING", "waiting"),
        ("Running", "RUNNING", "running"),
        ("Complete", "SUCCEEDED", "succeeded"),
        ("Complete", "STOPPED", "stopped"),
        ("Complete", "FAILED", "failed"),
        ("Failed", "", "failed"),
        ("Retrying", "FAILED", "retrying"),
        ("Suspended", "", "suspended"),
    ],
)
def test_state(deployment: str, job: str, state: str) -> None:
    assert state_of(rayjob(deployment, job)) == state


def test_a_deleted_job_is_ending_whatever_its_status() -> None:
    assert state_of(rayjob("Running", "RUNNING", deleted="2026-01-01T00:01:00Z")) == "ending"


def test_time_stops_at_the_end() -> None:
    now = datetime(2026, 1, 1, 1, tzinfo=UTC)
    times = {"startTime": "2026-01-01T00:00:10Z", "endTime": "2026-01-01T00:00:40Z"}
    assert seconds_of(rayjob("Complete", "SUCCEEDED", **times), now) == 30
    assert seconds_of(rayjob("Running", "RUNNING", startTime="2026-01-01T00:59:00Z"), now) == 60


def test_failure_is_told_in_the_words_of_the_tuning_job() -> None:
    log = (
        "Job failed due to an application error, last available logs (truncated to 20,000 chars):\n"
        "va-tuning: experiment.yaml: 2 problems\n  tuning.n_trial: is not a known key\n  seed: got "
        "-1\n"
    )
    failed = rayjob("Failed", "FAILED", message=log)
    assert (
        failure_of(failed)
        == "experiment.yaml: 2 problems\n  tuning.n_trial: is not a known key\n  seed: got -1"
    )
    assert said_in("nothing of note") is None
    assert failure_of(rayjob("Failed", "FAILED", message="the\nhead is gone")) == "the head is gone"
    assert failure_of(rayjob("Complete", "SUCCEEDED")) is None


def test_what_keeps_a_pod_from_running() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "message": "0/1 nodes are available: 1 Insufficient memory.",
    }
    for case, said in [
        (
            pod(conditions=[condition]),
            ["cannot be scheduled", "Insufficient memory", "500m CPU and 2Gi memory"],
        ),
        (
            waiting_pod("ImagePullBackOff", "not found"),
            ["va-tuning/tuner:9 cannot be pulled (not found)", "image.tag"],
        ),
        (
            waiting_pod("CreateContainerConfigError", 'secret "keys" not found'),
            ['secret "keys" not found', "create it"],
        ),
        (
            waiting_pod("CrashLoopBackOff", "back-off 10s"),
            ["does not stay up", "kubectl logs adult-head"],
        ),
    ]:
        found = problems([case], [])
        assert len(found) == 1
        for part in said:
            assert part in found[0]


def test_a_pod_that_starts_or_runs_has_no_problem() -> None:
    running = pod(phase="Running", containerStatuses=[{"image": "i", "state": {"running": {}}}])
    assert problems([waiting_pod("ContainerCreating"), running], []) == []


def test_out_of_memory_is_told_of_the_last_life_too() -> None:
    last = {"terminated": {"reason": "OOMKilled"}}
    killed = pod(
        phase="Running",
        containerStatuses=[{"image": "i", "state": {"running": {}}, "lastState": last}],
    )
    assert "was out of memory" in problems([killed], [])[0]


def test_warnings_that_matter() -> None:
    mount = warning("Pod", "adult-head", "FailedMount", 'configmap "adult" not found')
    refused = warning("RayCluster", "adult-x", "FailedToCreateHeadPod", "violates PodSecurity")
    other = warning("Pod", "adult-head", "Unhealthy", "Readiness probe failed")
    found = problems([pod()], [mount, mount, other])
    assert len(found) == 1
    assert found[0].startswith(
        'pod adult-head cannot start: configmap "adult" not found: create what is missing'
    )
    assert "violates PodSecurity" in problems([], [refused])[0]
    assert problems([pod(phase="Running")], [mount]) == []  # it has passed


def test_what_others_say_is_bounded_and_does_not_act_on_the_terminal() -> None:
    lines = "".join(f"  \x1b[31mproblem {i} {'x' * 900}\n" for i in range(50))
    told = failure_of(
        rayjob("Failed", "FAILED", message=f"va-tuning: experiment.yaml: 50 problems\n{lines}")
    )
    assert told is not None
    assert "\x1b" not in told
    assert told.endswith("and 40 lines more")
    assert max(map(len, told.split("\n"))) <= 202
    assert len(failure_of(rayjob("Failed", "FAILED", message="x" * 10**6)) or "") <= 200
    found = problems([waiting_pod("ErrImagePull", "\x1b]0;title\x07" + "y" * 10**6)], [])[0]
    assert "\x1b" not in found
    assert len(found) < 800


QUOTA = "exceeded quota: small, requested: cpu=2, used: cpu=0, limited: cpu=1"


@pytest.mark.parametrize(
    ("kind", "reason"), [("RayCluster", "FailedToCreateHeadPod"), ("Job", "FailedCreate")]
)
def test_a_quota_is_named(kind: str, reason: str) -> None:
    message = f'pods "adult-head" is forbidden: {QUOTA}'
    (problem,) = problems([], [warning(kind, "adult", reason, message)])
    assert problem.startswith(f"Kubernetes refuses a pod of {kind} adult: ")
    assert "exceeded quota: small" in problem
