"""What must be refused, and what is said when something is missing."""

from collections.abc import Callable
from pathlib import Path

import yaml

from tests.e2e.cluster import CONTEXT, RELEASE, Namespace, attempt, wait_until
from tuner_job.cluster.kube import Kube
from tuner_job.cluster.storage import open_results
from tuner_job.cluster.template import read_template

Write = Callable[..., Path]

_ASK = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def _answer(release: Namespace, url: str) -> str:
    """HTTP status that a plain request from inside the head gets: past the network policies,
    without any key."""
    head = release.list("pods", "ray.io/node-type=head,ray.io/cluster=" + RELEASE)[0]["metadata"][
        "name"
    ]
    return release.kubectl(
        "exec", head, "--container", "ray-head", "--", "python", "-c", _ASK, url
    ).strip()


def test_the_job_api_refuses_a_request_without_the_token(release: Namespace) -> None:
    assert _answer(release, "http://127.0.0.1:8265/api/jobs/") == "401"


def test_the_store_refuses_a_request_without_keys(release: Namespace) -> None:
    assert _answer(release, f"http://{RELEASE}-store:7070/va-results?list-type=2") == "403"


def test_submit_says_what_is_missing(release: Namespace, write: Write) -> None:
    experiment = write("nothing")
    for arguments, expected in [
        (("--release", "other"), "holds no release other of va-tuning"),
        (("--namespace", "nowhere"), "namespace nowhere: is not there"),
        (("--context", "none"), "no Kubernetes cluster is configured"),
    ]:
        code, said = release.va_tuning_fails("submit", experiment, *arguments)
        assert (code, expected in said, "Traceback" in said) == (2, True, False), said
    code, said = release.va_tuning_fails("submit", write("a" * 41))
    assert (code, "name: " in said) == (2, True)
    code, said = release.va_tuning_fails(
        "submit", write("data", data={"source": __file__, "format": "phmrc"})
    )
    assert (code, "data.source: must be an address that the cluster can read" in said) == (2, True)


def test_a_secret_that_is_missing_is_said_before_anything_is_created(
    release: Namespace, write: Write
) -> None:
    config_map = release.get("configmap", f"{RELEASE}-rayjob")
    before = config_map["data"]["rayjob.yaml"]
    job = yaml.safe_load(before)
    job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["imagePullSecrets"] = [
        {"name": "no-such"}
    ]
    _put(release, yaml.safe_dump(job))
    try:
        code, said = release.va_tuning_fails("submit", write("no-secret"), "--own-cluster")
    finally:
        _put(release, before)
    assert (code, "Secret no-such is missing" in said) == (2, True)
    assert "no-secret" not in release.va_tuning("list")


def test_status_says_why_a_pod_does_not_run(release: Namespace, write: Write) -> None:
    for name, change, expected in [
        (
            "no-image",
            {"image": "va-tuning/no-such:1", "imagePullPolicy": "Never"},
            "va-tuning/no-such:1 cannot be pulled",
        ),
        (
            "no-room",
            {"resources": {"requests": {"memory": "900Gi"}, "limits": {"memory": "900Gi"}}},
            "cannot be scheduled",
        ),
    ]:
        config_map, job = yaml.safe_load_all(
            release.va_tuning("submit", write(name), "--own-cluster", "--dry-run")
        )
        head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
        head |= change
        release.kubectl("apply", "--filename", "-", stdin=yaml.safe_dump_all([config_map, job]))
        status = wait_until(
            f"the reason of {name}",
            lambda name=name, expected=expected: (
                expected in (said := release.va_tuning("status", name)) and said
            ),
            seconds=300,
        )
        assert f"experiment {name}: waiting" in status
        release.va_tuning("cancel", name)


def _put(release: Namespace, template: str) -> None:
    patch = yaml.safe_dump({"data": {"rayjob.yaml": template}})
    release.kubectl("patch", "configmap", f"{RELEASE}-rayjob", "--type", "merge", "--patch", patch)


def test_what_is_not_ours_is_left_alone(release: Namespace, write: Write) -> None:
    _, job = yaml.safe_load_all(
        release.va_tuning("submit", write("somebody-elses"), "--own-cluster", "--dry-run")
    )
    job["metadata"]["labels"] = {"app": "other"}
    job["spec"]["suspend"] = True
    release.kubectl("create", "--filename", "-", stdin=yaml.safe_dump(job))
    uid = release.get("rayjob", "somebody-elses")["metadata"]["uid"]
    try:
        for command, *more in [("cancel",), ("cancel", "--purge", "--yes"), ("status",), ("logs",)]:
            code, said = release.va_tuning_fails(command, "somebody-elses", *more)
            assert (code, "is not an experiment of va-tuning" in said) == (2, True), said
        code, said = release.va_tuning_fails("submit", write("somebody-elses"))
        assert (code, "is not an experiment of va-tuning" in said) == (2, True), said
        assert release.get("rayjob", "somebody-elses")["metadata"]["uid"] == uid
        assert _look_for(release, "configmap", "somebody-elses") != 0
    finally:
        release.kubectl("delete", "rayjob", "somebody-elses")
    code, said = release.va_tuning_fails("cancel", "")
    assert (code, "name: must be" in said) == (2, True), said
    code, said = release.va_tuning_fails("cancel", f"{RELEASE}-rayjob", "--purge", "--yes")
    assert (code, "is not an experiment of va-tuning" in said) == (2, True), said
    assert release.get("configmap", f"{RELEASE}-rayjob")


def test_a_dry_run_uploads_nothing_and_a_purge_leaves_nothing(
    release: Namespace, write: Write, tmp_path: Path
) -> None:
    rows = "".join(f"{'AB'[i % 2]},{'xy'[i % 3 == 0]},{i % 2},{i % 3 == 0:d}\n" for i in range(120))
    (tmp_path / "deaths.csv").write_text(f"site,cause,s1,s2\n{rows}")
    data = {"source": "deaths.csv", "format": "table", "label": "cause", "site": "site"}
    tuning = {"search_method": "random", "n_trials": 1, "cv_folds": 2, "search_spaces": {
        "random_forest": {"n_estimators": [5], "max_depth": [2, 3]},
    }}  # fmt: skip
    experiment = write("purged", data=data, tuning=tuning)
    neighbour = write("purged-not", data=data, tuning=tuning)
    release.va_tuning("submit", experiment, "--upload", "--dry-run")
    assert _keys(release, "purged") == []
    for path, name in ((experiment, "purged"), (neighbour, "purged-not")):
        release.va_tuning("submit", path, "--upload")
        release.must_succeed(name)
    kept = _keys(release, "purged-not")
    assert [key for key in _keys(release, "purged") if key.startswith("purged/data/")]
    said = release.va_tuning("cancel", "purged", "--purge", "--yes")
    assert "to be removed: RayJob purged (succeeded), ConfigMap purged, " in said
    assert _keys(release, "purged") == []
    assert _look_for(release, "rayjob", "purged") != 0
    assert _look_for(release, "configmap", "purged") != 0
    assert _keys(release, "purged-not") == kept
    code, said = release.va_tuning_fails("cancel", "purged", "--purge", "--yes")
    assert (code, "there is no experiment purged" in said) == (2, True), said


def _keys(release: Namespace, name: str) -> list[str]:
    """Everything below an experiment in the release's store."""
    kube = Kube(CONTEXT, release.name)
    with open_results(kube, read_template(kube, RELEASE), "s3://va-results") as store:
        return store.paths(name)


def _look_for(release: Namespace, kind: str, name: str) -> int:
    """Exit code of looking for an object: 0 if it is there."""
    return attempt(
        "kubectl", "--context", CONTEXT, "--namespace", release.name, "get", kind, name
    ).returncode
