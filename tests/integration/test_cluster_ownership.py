"""Commands act on what is exactly named and is ours, and on nothing else."""

import threading
from pathlib import Path

import pytest
import yaml

from tests.integration.api_server import Answer, ApiServer, experiment_map, labels, rayjob
from tests.integration.cluster_commands import sentence, va_tuning

NAMES = [
    "", " ", "a b", "a/b", "/", "..", ".", "a..b", "?", "a?dryRun=All", "%2e%2e", "%2F", "Adult",
    "-x",
    "--", "x-", "9a",
    "a" * 41, "a" * 100_000, "été", "\u202eadult", "adult\n", "a\x00b", "a,b=c", "a=b", "a!=b", "*",
    "a.b",
    "a_b", "#", "a;b",
]  # fmt: skip
PLACES = [
    "", " ", "a b", "a/b", "..", "?", "A", "-x", "x-", "a" * 254, "é", "a\n", "a\x00b", "a,b",
    "../../kube-system", "a%2fb",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "command", [("status",), ("logs",), ("cancel",), ("cancel", "--purge", "--yes"), ("fetch",)]
)
def test_a_wrong_name_reaches_no_cluster(
    api: ApiServer, command: tuple[str, ...], name: str
) -> None:
    assert "name: must be 1 to 40 lower-case letters" in sentence(*command, "--", name)
    assert api.requests == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("command", "option"),
    [
        *[(command, "--namespace") for command in ("submit", "status", "logs", "cancel", "fetch")],
        *[(command, "--release") for command in ("submit", "fetch", "cancel")],
    ],
)
def test_a_wrong_place_reaches_no_cluster(
    api: ApiServer, command: str, option: str, place: str
) -> None:
    assert f"{option}: must be 1 to " in sentence(command, f"{option}={place}", "adult")
    assert api.requests == []


@pytest.mark.parametrize("context", ["", " ", "a\nb", "x" * 300, "\x1b[31m"])
def test_a_wrong_context_reaches_no_cluster(api: ApiServer, context: str) -> None:
    assert "--context: must be" in sentence("list", f"--context={context}")
    assert "context nowhere is not in kubeconfig" in sentence("list", "--context=nowhere")
    assert api.requests == []


def test_a_name_that_a_file_gives_is_checked_too(api: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    for name in NAMES:
        path.write_text(
            yaml.safe_dump({"name": name, "data": {"format": "synthetic"}, "models": ["xgboost"]})
        )
        done = va_tuning("submit", str(path))
        assert (done.exit_code, "name: " in done.stderr) == (2, True), done.output
    assert api.requests == []


FOREIGN = [
    {},
    {"labels": None},
    {"labels": {"app": "other"}},
    {"labels": {"va-tuning/experiment": "adult"}},
    {"labels": labels("adult-2")},
    {"labels": {**labels("adult"), "app.kubernetes.io/component": "submitter"}},
]


@pytest.mark.parametrize("metadata", FOREIGN)
@pytest.mark.parametrize(
    "state", [("Running", "RUNNING"), ("Complete", "SUCCEEDED"), ("Failed", "FAILED")]
)
@pytest.mark.parametrize(
    "command", [("status",), ("logs",), ("logs", "--follow"), ("cancel",), ("submit",)]
)
def test_a_rayjob_that_is_not_ours_is_left_alone(
    api: ApiServer,
    experiment: Path,
    command: tuple[str, ...],
    state: tuple[str, str],
    metadata: dict[str, object],
) -> None:
    api.put("rayjobs", {**rayjob("adult", *state), "metadata": {"name": "adult", **metadata}})
    before = dict(api.objects)
    said = sentence(*command, str(experiment) if command == ("submit",) else "adult")
    assert "RayJob adult is not an experiment of va-tuning" in said
    assert (api.writes, api.objects) == ([], before)


@pytest.mark.parametrize("metadata", FOREIGN)
@pytest.mark.parametrize("command", [("submit",), ("fetch",), ("cancel", "--purge", "--yes")])
def test_a_config_map_that_is_not_ours_is_left_alone(
    api: ApiServer, experiment: Path, command: tuple[str, ...], metadata: dict[str, object]
) -> None:
    api.put("configmaps", {**experiment_map("adult"), "metadata": {"name": "adult", **metadata}})
    before = dict(api.objects)
    said = sentence(*command, str(experiment) if command == ("submit",) else "adult")
    assert "ConfigMap adult is not an experiment of va-tuning" in said
    assert (api.writes, api.objects) == ([], before)


def test_what_was_checked_is_what_is_deleted(api: ApiServer) -> None:
    api.put("rayjobs", rayjob("adult"))

    def replaced(method: str, path: str) -> None:
        if method == "GET" and path.endswith("/rayjobs/adult"):
            api.after = lambda method, path: None
            api.put("rayjobs", {**rayjob("adult"), "metadata": {"name": "adult"}})

    api.after = replaced
    said = sentence("cancel", "adult")
    assert "was replaced by somebody else" in said or "is not an experiment of va-tuning" in said
    assert ("rayjobs", "adult") in api.objects


def test_a_label_that_is_taken_away_meanwhile_is_seen(api: ApiServer) -> None:
    made = api.put("rayjobs", rayjob("adult"))

    def relabelled(method: str, path: str) -> None:
        if method == "GET" and path.endswith("/rayjobs/adult"):
            api.after = lambda method, path: None
            api.put("rayjobs", {**made, "metadata": {**made["metadata"], "labels": {}}})

    api.after = relabelled
    assert "RayJob adult is not an experiment of va-tuning" in sentence("cancel", "adult")
    assert ("rayjobs", "adult") in api.objects


def test_kuberay_may_write_a_rayjob_while_it_is_cancelled(api: ApiServer) -> None:
    api.put("rayjobs", rayjob("adult"))
    api.put("rayjobs", rayjob("adult-2"))
    left = [3]

    def written(method: str, path: str) -> None:
        if method == "GET" and path.endswith("/rayjobs/adult") and left[0]:
            left[0] -= 1
            api.put("rayjobs", api.objects["rayjobs", "adult"])

    api.after = written
    done = va_tuning("cancel", "adult")
    assert done.exit_code == 0, done.output
    assert [name for kind, name in api.objects if kind == "rayjobs"] == ["adult-2"]


def test_an_experiment_that_ended_is_submitted_again(api: ApiServer, experiment: Path) -> None:
    api.put("rayjobs", rayjob("adult", "Failed", "FAILED"))
    api.put("configmaps", experiment_map("adult", "name: adult\nseed: 1\n"))
    done = va_tuning("submit", str(experiment))
    assert done.exit_code == 0, done.output
    assert "status" not in api.objects["rayjobs", "adult"]
    assert yaml.safe_load(api.objects["configmaps", "adult"]["data"]["experiment.yaml"])[
        "models"
    ] == ["random_forest"]
    assert (
        api.objects["configmaps", "adult"]["metadata"]["labels"].items() >= labels("adult").items()
    )


def test_config_maps_are_made_and_never_changed_or_deleted(
    api: ApiServer, experiment: Path
) -> None:
    for _ in range(2):
        assert va_tuning("submit", str(experiment)).exit_code == 0
        job = api.objects["rayjobs", "adult"]
        (owner,) = api.objects["configmaps", "adult"]["metadata"]["ownerReferences"]
        assert owner == {
            "apiVersion": "ray.io/v1",
            "kind": "RayJob",
            "name": "adult",
            "uid": job["metadata"]["uid"],
        }
        job["status"] = {"jobDeploymentStatus": "Failed", "jobStatus": "FAILED"}
    assert va_tuning("cancel", "adult").exit_code == 0
    assert not any(name == "adult" for _, name in api.objects)
    touched = [method for method, path in api.writes if "/configmaps" in path]
    assert touched == ["POST", "POST"]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (rayjob("adult"), "is running"),
        (rayjob("adult", "", ""), "is waiting"),
        (
            rayjob("adult", deletionTimestamp="2026-01-01T00:00:00Z"),
            "is being deleted; submit it again when it is gone",
        ),
    ],
)
def test_an_experiment_that_is_there_is_not_submitted_over(
    api: ApiServer, experiment: Path, job: dict[str, object], expected: str
) -> None:
    api.put("rayjobs", job)
    assert expected in sentence("submit", str(experiment))
    assert api.writes == []


def test_of_many_submits_at_once_one_wins_with_its_own_file(api: ApiServer, tmp_path: Path) -> None:
    api.put("configmaps", experiment_map("adult", "name: adult\nseed: 99\n"))
    api.put("rayjobs", rayjob("adult", "Complete", "SUCCEEDED"))
    from tuner_job.cluster.kube import Kube
    from tuner_job.cluster.submit import Asked, build, submit
    from tuner_job.cluster.template import Located, read_template
    from tuner_job.errors import ClusterError

    said: dict[int, str] = {}

    def one(seed: int) -> None:
        path = tmp_path / f"{seed}.yaml"
        path.write_text(
            f"name: adult\ndata: {{format: synthetic}}\nmodels: [xgboost]\nseed: {seed}\n"
        )
        kube = Kube()
        located = Located(read_template(kube, "va-tuning"), kube.namespace)
        made = build(path, Asked(), lambda: located)
        barrier.wait()
        try:
            submit(kube, made)
            said[seed] = ""
        except ClusterError as error:
            said[seed] = str(error)

    barrier = threading.Barrier(6)
    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [seed for seed, sentence in said.items() if not sentence]
    assert len(winners) == 1, said
    assert (
        yaml.safe_load(api.objects["configmaps", "adult"]["data"]["experiment.yaml"])["seed"]
        == winners[0]
    )


def test_a_refused_creation_puts_the_earlier_config_map_back(
    api: ApiServer, experiment: Path
) -> None:
    api.put("configmaps", experiment_map("adult", "name: adult\nseed: 1\n"))
    forbidden = Answer(
        403, b'{"kind": "Status", "message": "exceeded quota", "reason": "Forbidden"}'
    )
    api.spoil = lambda method, path: (
        forbidden if (method, path[-8:]) == ("POST", "/rayjobs") else None
    )
    assert "exceeded quota" in sentence("submit", str(experiment))
    assert api.objects["configmaps", "adult"]["data"] == {
        "experiment.yaml": "name: adult\nseed: 1\n"
    }


def test_a_large_experiment_is_refused_before_anything_is_made(
    api: ApiServer, tmp_path: Path
) -> None:
    path = tmp_path / "large.yaml"
    base = "name: adult\ndata: {format: synthetic}\nmodels: [xgboost]\n"
    path.write_text(base + "# " + "x" * 2**20)
    assert "must have at most 262,144 bytes" in sentence("submit", str(path))
    assert api.writes == []


def test_an_experiment_that_is_deleted_while_it_is_followed_is_said_so(api: ApiServer) -> None:
    api.put("rayjobs", rayjob("adult"))

    def deleted(method: str, path: str) -> None:
        if path.endswith("/pods"):
            api.objects.pop(("rayjobs", "adult"), None)

    api.after = deleted
    assert "was deleted while it was followed" in sentence("logs", "adult", "--follow", code=1)
