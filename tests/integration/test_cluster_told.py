"""Progress, logs and owners of experiments, as a cluster and a store tell them; and manifests
without a cluster."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.api_server import (
    ApiServer,
    experiment_map,
    kubeconfig,
    rayjob,
    release,
    submitter,
)
from tests.integration.cluster_commands import sentence, va_tuning
from tests.integration.s3_server import S3Server
from tests.integration.test_cluster_results import cloud  # noqa: F401 (a fixture)
from tuner_job.process.owner import OWNER
from tuner_job.records import BestSoFar, ModelProgressRecord, ProgressRecord, RunState, utc
from tuner_job.results.progress import write_progress
from tuner_job.results.run_log import RunLog
from tuner_job.results.store import Store

ROOT = Path(__file__).parents[2]
LABEL = "va-tuning/owner"


def record(name: str, state: RunState = "running", **changes: Any) -> ProgressRecord:
    found = ProgressRecord(
        experiment=name,
        state=state,
        stage="search" if state == "running" else None,
        metric="csmf_accuracy",
        models={
            "xgboost": ModelProgressRecord(planned=20, done=12, best_score=0.7125, best_trial=3)
        },
        best=BestSoFar(model="xgboost", trial=3, score=0.7125),
        seconds_left=90.0 if state == "running" else None,
        began=utc(datetime.now(UTC) - timedelta(minutes=5)),
        written=utc(),
        run_by="job uid on head, since 2026-03-01",
        owner="Jane Doe",
        reason="the data are gone" if state == "failed" else "",
    )
    return found.model_copy(update=changes)


def said(store: Store, name: str, *lines: str) -> None:
    log = RunLog(store, name)
    for line in lines:
        log.say(line)
    log.write()


@pytest.fixture
def reached(cloud: Store, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Store:  # noqa: F811
    """The release's store, whose address the user trusts."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    return cloud


def listed(*options: str) -> dict[str, dict[str, Any]]:
    done = va_tuning("list", "--json", *options)
    assert done.exit_code == 0, done.output
    return {one["name"]: one for one in json.loads(done.stdout)}


def test_a_list_shows_what_runs_and_what_only_the_store_knows(
    api: ApiServer, reached: Store
) -> None:
    api.put("rayjobs", rayjob("adult"))
    api.put("rayjobs", rayjob("waits", "Initializing", ""))
    write_progress(reached, record("adult"))
    write_progress(reached, record("waits", "done"))  # of an earlier run of that name
    write_progress(reached, record("gone", "failed", owner="Li"))
    ago = utc(datetime.now(UTC) - timedelta(minutes=10))
    write_progress(reached, record("killed", written=ago))
    found = listed()
    states = {name: one["state"] for name, one in found.items()}
    assert states == {"adult": "running", "waits": "waiting", "gone": "failed", "killed": "lost"}
    adult = found["adult"]
    assert (adult["stage"], adult["done"], adult["planned"]) == ("search", 12, 20)
    assert adult["best"] == {"model": "xgboost", "trial": 3, "score": 0.7125}
    assert adult["seconds_left"] == 90.0
    assert (adult["own_cluster"], found["gone"]["own_cluster"]) == (False, None)
    assert (found["waits"]["done"], found["waits"]["best"]) == (None, None)
    api.put("rayjobs", rayjob("with-a-name-of-forty-characters-as-it-is"))
    table = va_tuning("list").stdout
    (line,) = (one for one in table.splitlines() if "with-a-name" in one)
    assert re.match(r"^ with-a-name-of-forty-characters-as-it-is +running .* the installed", line)
    assert "running: search" in table
    assert "12 of 20" in table
    assert "0.7125 xgboost" in table
    assert "Jane Doe" in table


def test_a_list_of_many_asks_the_api_server_no_more_than_one_of_few(
    api: ApiServer, reached: Store
) -> None:
    numbers = []
    for n in (1, 100):
        for i in range(n):
            api.put("rayjobs", rayjob(f"exp-{i}"))
            api.put("configmaps", experiment_map(f"exp-{i}"))
        write_progress(reached, record("exp-0"))
        api.requests.clear()
        assert len(listed()) == n
        numbers.append(len(api.requests))
    assert numbers[0] == numbers[1] <= 5


def test_a_list_without_the_right_to_read_results_goes_without(
    api: ApiServer,
    cloud: Store,  # noqa: F811
) -> None:
    marks = {"va-tuning.io/trials": "3/20", "va-tuning.io/best": "0.71 xgboost"}
    api.put("rayjobs", rayjob("adult", annotations=marks))
    done = va_tuning("list")
    assert done.exit_code == 0, done.output
    assert "note: results cannot be read" in done.stderr
    assert "3 of 20" in done.stdout
    assert "0.71 xgboost" in done.stdout
    assert listed()["adult"]["done"] is None


def test_experiments_with_results_of_their_own_are_found_there(
    api: ApiServer, reached: Store, s3: S3Server
) -> None:
    s3.make_bucket("elsewhere")
    api.put("rayjobs", rayjob("adult"))
    api.put("configmaps", experiment_map("adult", "name: adult\nresults: s3://elsewhere/of-it\n"))
    write_progress(Store(str(s3.root / "elsewhere" / "of-it")), record("adult"))
    write_progress(reached, record("child", "done"))
    found = listed()
    assert (found["adult"]["done"], found["child"]["state"]) == (12, "succeeded")
    assert "xgboost 12 of 20" in va_tuning("status", "adult").stdout


def test_one_odd_place_hides_no_other(api: ApiServer, reached: Store, s3: S3Server) -> None:
    for name, results in {
        "a-folder": "/data/results",
        "b-absent": "s3://no-such-bucket/x",
        "c-there": "s3://elsewhere",
    }.items():
        api.put("rayjobs", rayjob(name))
        api.put("configmaps", experiment_map(name, f"name: {name}\nresults: {results}\n"))
    s3.make_bucket("elsewhere")
    write_progress(Store(str(s3.root / "elsewhere")), record("c-there"))
    write_progress(reached, record("old", "done"))
    found = listed()
    assert (found["c-there"]["done"], found["old"]["state"]) == (12, "succeeded")


def test_status_shows_progress_while_it_runs_and_when_all_is_gone(
    api: ApiServer, reached: Store
) -> None:
    api.put("rayjobs", rayjob("adult"))
    write_progress(reached, record("adult"))
    shown = va_tuning("status", "adult").stdout
    assert shown.startswith("experiment adult: running\n")
    assert "search: xgboost 12 of 20, best 0.7125; about 1 min 30 s left" in shown
    assert "best: xgboost trial 3, csmf_accuracy 0.7125" in shown
    api.objects.pop(("rayjobs", "adult"))
    write_progress(reached, record("adult", "failed"))
    assert va_tuning("status", "adult").stdout.startswith(
        "experiment adult: failed: the data are gone\n"
    )
    document = json.loads(va_tuning("status", "adult", "--json").stdout)
    assert (document["state"], document["failure"]) == ("failed", "the data are gone")
    assert document["progress"]["models"]["xgboost"]["done"] == 12
    assert "no experiment nobody runs or ran here" in sentence("status", "nobody")


def test_the_log_is_there_when_pod_and_rayjob_are_gone(api: ApiServer, reached: Store) -> None:
    said(reached, "adult", "adult: 90 deaths", "failed after 3 s: no column cause")
    api.put("rayjobs", rayjob("adult"))
    api.put("pods", submitter("adult"))
    api.logs["adult-submitter"] = "from the pod\nto its end\n"
    assert va_tuning("logs", "adult").stdout == "from the pod\nto its end\n"
    assert va_tuning("logs", "adult", "--tail", "1").stdout == "to its end\n"
    api.objects.pop(("pods", "adult-submitter"))
    assert "has no log yet" in sentence("logs", "adult")  # what is stored is of an earlier run
    api.put("rayjobs", rayjob("adult", "Failed", "FAILED"))
    assert "no column cause" in va_tuning("logs", "adult").stdout
    api.objects.pop(("rayjobs", "adult"))
    whole = va_tuning("logs", "adult").stdout
    assert [line.partition(" ")[2] for line in whole.splitlines()] == [
        "adult: 90 deaths",
        "failed after 3 s: no column cause",
    ]
    assert va_tuning("logs", "adult", "--tail", "1").stdout == whole.splitlines()[1] + "\n"
    assert "no pod has a log of experiment nobody" in sentence("logs", "nobody")


def test_at_an_address_no_cluster_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    place = str(tmp_path / "results")
    assert "no experiments in" in va_tuning("list", "--results", place).stdout
    store = Store(place)
    write_progress(store, record("adult", "done"))
    write_progress(store, record("child", "cancelled", owner="Li"))
    said(store, "adult", "one", "two")
    found = listed("--results", place)
    assert {name: one["state"] for name, one in found.items()} == {
        "adult": "succeeded",
        "child": "stopped",
    }
    assert set(listed("--results", place, "--owner", "Li")) == {"child"}
    monkeypatch.setenv(OWNER, "Jane Doe")
    assert set(listed("--results", place, "--mine")) == {"adult"}
    assert "done: xgboost 12 of 20" in va_tuning("status", "adult", "--results", place).stdout
    for options in (["--follow"], []):
        lines = va_tuning("logs", "adult", "--results", place, *options).stdout.splitlines()
        assert [line.partition(" ")[2] for line in lines] == ["one", "two"]
    assert "holds no log" in sentence("logs", "child", "--results", place)
    assert "tells no progress" in sentence("status", "nobody", "--results", place)
    assert "needs no cluster" in sentence("list", "--results", place, "--namespace", "va")
    code = va_tuning("logs", "child", "--results", place, "--follow").exit_code
    assert code == 1  # it was cancelled


def test_who_submits_is_told_wherever_it_is_shown(
    api: ApiServer, experiment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OWNER, raising=False)
    _, job = yaml.safe_load_all(va_tuning("submit", str(experiment), "--dry-run").stdout)
    assert job["metadata"]["labels"][LABEL] == "me"  # the kubeconfig's user
    done = va_tuning("submit", str(experiment), "--owner", "Dr. Zoë Ruiz <zoe@who.int>")
    assert done.exit_code == 0, done.output
    for plural in ("rayjobs", "configmaps"):
        about = api.objects[plural, "adult"]["metadata"]
        assert about["labels"][LABEL] == "Dr.-Zo-Ruiz-zoe-who.int"
        assert about["annotations"][LABEL] == "Dr. Zoë Ruiz <zoe@who.int>"
    spec = api.objects["rayjobs", "adult"]["spec"]["submitterPodTemplate"]["spec"]
    (container,) = spec["containers"]
    assert {"name": OWNER, "value": "Dr. Zoë Ruiz <zoe@who.int>"} in container["env"]
    api.put(
        "rayjobs", rayjob("child", labels=rayjob("child")["metadata"]["labels"] | {LABEL: "me"})
    )
    assert set(listed()) == {"adult", "child"}
    assert set(listed("--mine")) == {"child"}
    assert set(listed("--owner", "Dr. Zoë Ruiz <zoe@who.int>")) == {"adult"}
    monkeypatch.setenv(OWNER, "Dr. Zoë Ruiz <zoe@who.int>")
    assert set(listed("--mine")) == {"adult"}
    assert "--owner: must be 1 to 200 printable" in sentence("list", "--owner", " ")


def template(tmp_path: Path, **metadata: str) -> Path:
    """The chart's template among other objects, as Helm renders them."""
    content = {"apiVersion": "v1", **release()}
    content["metadata"] = {**content["metadata"], **metadata}
    other = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}}
    path = tmp_path / "rendered.yaml"
    path.write_text("---\n# Source: chart\n" + yaml.safe_dump_all([other, content]))
    return path


def test_manifests_are_made_of_a_template_without_a_cluster(
    experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv(OWNER, raising=False)
    path = template(tmp_path, namespace="va")
    done = va_tuning("submit", str(experiment), "--dry-run", "--template", str(path))
    assert done.exit_code == 0, done.output
    config_map, job = yaml.safe_load_all(done.stdout)
    assert (config_map["kind"], job["kind"]) == ("ConfigMap", "RayJob")
    assert job["metadata"]["namespace"] == config_map["metadata"]["namespace"] == "va"
    assert yaml.safe_load(config_map["data"]["experiment.yaml"])["results"] == "s3://va-results"
    assert "no cluster was asked" in done.stderr
    assert LABEL not in job["metadata"]["labels"]
    other = ("--namespace", "other", "--owner", "Li", "--own-cluster")
    again = va_tuning("submit", str(experiment), "--dry-run", "--template", str(path), *other)
    _, job = yaml.safe_load_all(again.stdout)
    assert (job["metadata"]["namespace"], job["metadata"]["labels"][LABEL]) == ("other", "Li")
    assert "rayClusterSpec" in job["spec"]


def test_manifests_without_a_cluster_are_those_with_one(
    api: ApiServer, experiment: Path, tmp_path: Path
) -> None:
    path = template(tmp_path, namespace="va")
    with_cluster = va_tuning("submit", str(experiment), "--dry-run").stdout
    without = va_tuning("submit", str(experiment), "--dry-run", "--template", str(path)).stdout
    assert without == with_cluster


def test_a_template_that_is_none(experiment: Path, tmp_path: Path) -> None:
    def refused(*options: str) -> str:
        return sentence("submit", str(experiment), *options)

    path = template(tmp_path)
    assert "--template needs --dry-run" in refused("--template", str(path))
    assert "must be a file" in refused("--dry-run", "--template", str(tmp_path))
    path.write_text("kind: Secret\n")
    assert "it holds none: it is what `helm template" in refused(
        "--dry-run", "--template", str(path)
    )
    twice = yaml.safe_dump_all([release(), release()])
    path.write_text(twice)
    assert "it holds 2 of them" in refused("--dry-run", "--template", str(path))
    path.write_bytes(b"\xff\xfe\x00")
    assert "it is not text" in refused("--dry-run", "--template", str(path))


def test_a_queue_that_does_not_apply_is_said(api: ApiServer, experiment: Path) -> None:
    content = release()
    job = yaml.safe_load(content["data"]["rayjob.yaml"])
    job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = "team"
    content["data"]["rayjob.yaml"] = yaml.safe_dump(job)
    api.put("configmaps", content)
    said = "note: queue team (kueue.queueName) does not apply on the installed cluster"
    assert said in va_tuning("submit", str(experiment), "--dry-run").stderr
    assert said not in va_tuning("submit", str(experiment), "--dry-run", "--own-cluster").stderr
    done = va_tuning("submit", str(experiment))
    assert done.exit_code == 0
    assert said in done.stderr


def test_the_user_of_a_kubeconfig_without_one(
    api: ApiServer, experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OWNER, raising=False)
    content = kubeconfig(api.url)
    content["contexts"][0]["context"].pop("user")
    (tmp_path / "kubeconfig.yaml").write_text(yaml.safe_dump(content))
    _, job = yaml.safe_load_all(va_tuning("submit", str(experiment), "--dry-run").stdout)
    assert LABEL not in job["metadata"]["labels"]
    assert set(listed("--mine")) == set()
