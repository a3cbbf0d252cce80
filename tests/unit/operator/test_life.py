"""The life of a TuningExperiment: what it becomes, and what is said of it."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.operator.conftest import World, experiment
from tests.unit.operator.fake_cluster import FakeKube
from tuner_job.cluster.submit import Asked, build, submit
from tuner_job.cluster.template import Located, read_template
from tuner_job.errors import ClusterError
from tuner_job.records import ModelProgressRecord


def test_an_experiment_becomes_what_submit_makes_and_belongs_to_its_object(world: World) -> None:
    made = world.apply()
    world.look()
    job, config = (world.cluster.get(kind, "adult") for kind in ("rayjobs", "configmaps"))
    assert job
    assert config
    for one in (job, config):
        (owner,) = one["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("TuningExperiment", made["metadata"]["uid"])
        assert one["metadata"]["labels"]["va-tuning/experiment"] == "adult"
    assert job["spec"]["clusterSelector"] == {"ray.io/cluster": "va-tuning"}
    content = yaml.safe_load(config["data"]["experiment.yaml"])
    assert content == {"name": "adult", **experiment(), "results": "s3://va-results"}
    assert config["data"]["rayjob-uid"] == job["metadata"]["uid"]
    assert world.status()["state"] == "Waiting"
    assert world.condition("Accepted")[0] == "True"


def test_progress_is_in_the_status_and_the_end_in_the_conditions(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write(done=12, score=0.81234567)
    world.look()
    status = world.status()
    assert status["state"] == "Running"
    assert status["trials"] == {"done": 12, "planned": 50}
    assert status["best"] == {"model": "xgboost", "trial": 12, "score": 0.8123}
    assert (status["stage"], status["secondsLeft"]) == ("search", 120)
    assert status["results"] == "s3://va-results/adult"
    assert world.condition("Running")[:2] == ("True", "Running")
    assert world.condition("Succeeded")[0] == "False"
    world.write(done=50, score=0.9, state="done", stage=None, seconds_left=None)
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.look()
    status = world.status()
    assert status["trials"] == {"done": 50, "planned": 50}
    assert world.condition("Succeeded")[:2] == ("True", "Succeeded")
    assert world.condition("Running")[0] == "False"
    assert datetime.fromisoformat(status["completionTime"])
    assert "secondsLeft" not in status
    assert world.events() == ["BestImproved", "BestImproved", "Started", "Succeeded"]


def test_the_end_is_said_with_the_last_figures(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write(done=47)
    world.look()
    world.write(done=50, state="done")
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.controller.look()  # so soon that progress is not due to be read
    assert world.condition("Succeeded")[0] == "True"
    assert world.status()["trials"] == {"done": 50, "planned": 50}


def test_a_failure_is_told_in_the_words_of_the_tuning_job(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Failed", "FAILED", "va-tuning: adult.csv: no such column\n")
    world.look()
    assert world.condition("Failed") == ("True", "Failed", "adult.csv: no such column")
    assert world.events() == ["Failed"]
    world.look()
    assert world.events() == ["Failed"]


def test_nothing_is_written_while_nothing_changes(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write()
    world.look()
    before = len(world.cluster.writes)
    for _ in range(5):
        world.restart()
        world.look()
    assert len(world.cluster.writes) == before


def test_all_problems_are_told_together_and_nothing_is_made(world: World) -> None:
    data = {"format": "table", "source": "deaths.csv", "causes": "/etc/passwd"}
    tuning = {"n_trial": 50, "search_spaces": {"xgboost": "/etc/shadow"}, "lag": 0}
    asked = {"data": data, "models": ["xgboost"], "tuning": tuning, "start_from": ["va-results/a"]}
    world.apply(experiment=asked)
    world.look()
    assert world.cluster.names("rayjobs") == []
    assert world.cluster.names("configmaps") == ["va-tuning-operator", "va-tuning-rayjob"]
    status, reason, message = world.condition("Accepted")
    assert (status, reason) == ("False", "Invalid")
    for part in (
        "7 problems", "start_from: must be addresses that the cluster", "deaths.csv",
        "data.source: must be an address that the cluster can read",
        "data.causes: must be causes with their new names", "tuning.n_trial: is not a known key",
        "tuning.search_spaces.xgboost: must be a search space", "tuning.lag: ", "label must name",
    ):  # fmt: skip
        assert part in message, message
    assert world.status()["state"] == "Invalid"
    world.apply(experiment=experiment())
    world.look()
    assert world.condition("Accepted")[0] == "True"
    assert world.cluster.names("rayjobs") == ["adult"]


def test_what_is_said_of_a_bad_experiment_is_bounded(world: World) -> None:
    tuning = {f"key_{i}_{'x' * 400}": "y" * 10_000 for i in range(300)}
    world.apply(experiment=experiment(tuning=tuning))
    world.look()
    assert "301 problems" in world.condition("Accepted")[2]  # and `status` is below 4 KiB


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("s3://deaths/adult.csv", ""),
        ("/data/adult.csv", ""),
        ("../adult.csv", "must be an address"),
        ("https://host.org/adult.csv?X-Amz-Signature=h1dd3n", "no password, signature"),
    ],
)
def test_data_must_be_where_the_cluster_can_read_them(world: World, source: str, said: str) -> None:
    world.apply(experiment=experiment(data={"source": source, "label": "cause"}))
    world.look()
    status, _, message = world.condition("Accepted")
    assert (status == "False", said in message) == (bool(said), True)
    assert "h1dd3n" not in json.dumps(world.status())


def test_an_own_cluster_a_queue_a_priority(world: World) -> None:
    world.apply(ownCluster=True, queueName="va", priorityClassName="low")
    world.look()
    job = world.cluster.get("rayjobs", "adult")
    assert job
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "va"
    cluster = job["spec"]["rayClusterSpec"]
    pods = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    pods_specs = [p["template"]["spec"] for p in pods]
    for spec in [*pods_specs, job["spec"]["submitterPodTemplate"]["spec"]]:
        assert spec["priorityClassName"] == "low"
    world.cluster.kuberay("adult", "Suspended")
    world.look()
    assert world.condition("Running") == ("False", "Waiting", "Kueue has not admitted it yet")


def test_the_owner_is_told_as_submit_tells_it(world: World) -> None:
    world.apply(owner="Ann Òkafor")
    world.look()
    for kind in ("rayjobs", "configmaps"):
        found = world.cluster.get(kind, "adult")
        assert found
        assert found["metadata"]["annotations"]["va-tuning/owner"] == "Ann Òkafor"
        assert found["metadata"]["labels"]["va-tuning/owner"] == "Ann-kafor"
    job = world.cluster.get("rayjobs", "adult")
    assert job
    (container,) = job["spec"]["submitterPodTemplate"]["spec"]["containers"]
    assert {"name": "VA_TUNING_OWNER", "value": "Ann Òkafor"} in container["env"]


def test_suspend_deletes_the_rayjob_and_false_makes_it_again(world: World) -> None:
    world.apply()
    world.look()
    first = world.cluster.get("rayjobs", "adult")
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write(done=7)
    world.look()
    world.apply(suspend=True)
    world.look()
    assert world.status()["state"] == "Suspending"
    assert world.condition("Suspended")[0] == "False"
    world.cluster.kuberay("adult")  # stops the job and lets the RayJob go
    world.look()
    assert world.cluster.names("rayjobs") == []
    assert "adult" in world.cluster.names("configmaps")
    assert world.condition("Suspended")[0] == "True"
    assert world.status()["trials"]["done"] == 7
    world.restart()
    world.look()
    assert world.cluster.names("rayjobs") == []
    world.apply(suspend=False)
    world.look()
    job, config = (world.cluster.get(kind, "adult") for kind in ("rayjobs", "configmaps"))
    assert job
    assert config
    assert first
    assert job["metadata"]["uid"] != first["metadata"]["uid"]
    assert config["data"]["rayjob-uid"] == job["metadata"]["uid"]
    assert world.condition("Suspended")[0] == "False"
    assert world.heard.ends == []


def test_an_experiment_that_is_suspended_from_the_start_waits(world: World) -> None:
    world.apply(suspend=True)
    world.look()
    assert world.cluster.names("rayjobs") == []
    assert world.status()["state"] == "Suspended"


def test_a_rayjob_that_somebody_deletes_is_a_cancelled_experiment(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write()
    world.look()
    world.cluster.remove("rayjobs", "adult")
    world.look()
    assert world.status()["state"] == "Running"  # until KubeRay has stopped it
    world.cluster.kuberay("adult")
    world.restart()
    world.look()
    assert world.condition("Failed")[:2] == ("True", "Cancelled")
    world.look()
    assert world.cluster.names("rayjobs") == []
    assert world.heard.ends == [("adult", "cancelled")]
    world.apply(suspend=True)
    world.look()
    world.apply(suspend=False)
    world.look()
    assert world.cluster.names("rayjobs") == ["adult"]


@pytest.mark.parametrize(
    ("written", "state", "end"),
    [("done", "Succeeded", "done"), ("failed", "Failed", "failed"),
     ("cancelled", "Cancelled", "cancelled"), ("running", "Cancelled", "cancelled")],
)  # fmt: skip
def test_a_rayjob_that_went_while_nobody_looked_ended_as_it_has_written(
    world: World, written: Any, state: str, end: str
) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.look()
    world.write(state=written, reason="out of room" if written == "failed" else "")
    world.cluster.remove("rayjobs", "adult")
    world.cluster.kuberay("adult")
    world.restart()
    world.look()
    assert world.status()["state"] == state
    assert world.heard.ends == [("adult", end)]
    if written == "failed":
        assert world.condition("Failed")[2] == "out of room"


def test_what_an_earlier_run_wrote_is_not_taken_for_the_end_of_this_one(world: World) -> None:
    world.write(state="done", began="2020-01-01T00:00:00Z", run_by="job another on h")
    world.apply()
    world.look()
    world.cluster.remove("rayjobs", "adult")
    world.cluster.kuberay("adult")
    world.look()
    assert world.status()["state"] == "Cancelled"


def test_a_change_while_it_runs_waits_and_says_so(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    before = world.cluster.get("rayjobs", "adult")
    world.apply(experiment=experiment(tuning={"n_trials": 80}))
    world.look()
    status, reason, message = world.condition("Accepted")
    assert (status, reason) == ("True", "ChangedWhileRunning")
    assert "suspend: true and then false" in message
    now = world.cluster.get("rayjobs", "adult")
    assert before
    assert now
    assert now["metadata"]["uid"] == before["metadata"]["uid"]
    assert world.status()["observedGeneration"] == 2


def test_more_trials_after_the_end_go_on(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.look()
    world.apply(ttlSecondsAfterFinished=10**6)  # which decides nothing of the run
    world.look()
    assert world.condition("Succeeded")[0] == "True"
    world.apply(experiment=experiment(tuning={"n_trials": 80}))
    world.look()
    world.cluster.kuberay("adult")
    world.look()
    config = world.cluster.get("configmaps", "adult")
    assert config
    assert yaml.safe_load(config["data"]["experiment.yaml"])["tuning"] == {"n_trials": 80}
    assert world.condition("Succeeded")[0] == "False"
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.look()
    assert world.condition("Succeeded")[0] == "True"
    assert [end for _, end in world.heard.ends] == ["done", "done"]


def test_another_experiment_under_an_old_name_is_refused_with_what_to_do(world: World) -> None:
    from tuner_job.operator.asked import read
    from tuner_job.operator.resource import TuningExperiment

    other = TuningExperiment.model_validate(
        {"metadata": {"name": "adult"}, "spec": {"experiment": experiment(seed=7)}}
    )
    document = yaml.safe_dump(read(other).config.document(), sort_keys=False)
    world.store.put("adult/experiment.yaml", f"# digest: abc\n{document}".encode())
    world.apply()
    world.look()
    assert world.cluster.names("rayjobs") == []
    status, reason, message = world.condition("Accepted")
    assert (status, reason) == ("False", "Changed")
    assert "seed: 7 there, 42 here" in message
    assert "another name" in message
    world.apply(experiment=experiment(seed=7, tuning={"n_trials": 99}))
    world.look()
    assert world.cluster.names("rayjobs") == ["adult"]


def test_a_name_that_somebody_else_has_is_left_alone(world: World) -> None:
    world.submit("adult")
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.apply()
    world.look()
    assert world.condition("Accepted")[:2] == ("False", "NameTaken")
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.look()
    world.cluster.kuberay("adult")
    world.look()
    assert world.condition("Accepted")[0] == "True"
    job = world.cluster.get("rayjobs", "adult")
    assert job
    assert job["metadata"]["ownerReferences"]


def test_a_rayjob_that_is_no_experiment_s_is_never_touched(world: World) -> None:
    stranger = {"metadata": {"name": "adult"}, "spec": {}}
    kept = world.cluster.put("rayjobs", stranger)
    world.retention = 0
    world.apply()
    world.look()
    assert world.condition("Accepted")[:2] == ("False", "NameTaken")
    assert world.cluster.get("rayjobs", "adult") == kept


def test_a_release_that_lacks_something_is_told_and_waited_for(world: World) -> None:
    template = world.cluster.objects.pop(("configmaps", "va-tuning-rayjob"))
    world.apply()
    world.look()
    assert world.condition("Accepted")[:2] == ("False", "NotReady")
    world.cluster.put("configmaps", template)
    world.look()
    assert world.status()["state"] == "Waiting"
    assert world.cluster.names("rayjobs") == ["adult"]


def test_what_the_api_server_refuses_is_told(world: World) -> None:
    def quota(method: str, plural: str, name: str) -> tuple[int, str] | None:
        refused = (method, plural) == ("POST", "rayjobs")
        return (403, "exceeded quota: team") if refused else None

    world.cluster.refuse = quota
    world.apply()
    world.look()
    assert world.condition("Accepted") == ("False", "Refused", "exceeded quota: team")


def test_deleting_the_object_takes_what_was_made_and_leaves_results(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write()
    world.look()
    world.cluster.remove("tuningexperiments", "adult")
    world.cluster.kuberay("adult")
    world.look()
    assert world.cluster.names("rayjobs") == []
    assert "adult" not in world.cluster.names("configmaps")
    assert world.store.paths("adult") == ["adult/progress.json"]
    assert world.heard.ends == [("adult", "cancelled")]


def test_one_experiment_s_trouble_is_not_another_s(world: World) -> None:
    world.apply("adult")
    world.apply("child")
    world.cluster.refuse = lambda method, plural, name: (
        (500, "oh") if (method, plural, name) == ("POST", "rayjobs", "adult") else None
    )
    world.look()
    assert world.cluster.names("rayjobs") == ["child"]
    world.cluster.refuse = lambda *asked: None
    world.look()
    assert world.cluster.names("rayjobs") == ["adult", "child"]


def test_submit_leaves_the_name_of_an_object_alone(world: World, tmp_path: Path) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.look()
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump({"name": "adult", **experiment()}))
    kube = FakeKube(world.cluster)
    found = read_template(kube, "va-tuning")
    made = build(path, Asked(), lambda: Located(found, kube.namespace))
    with pytest.raises(ClusterError, match="belongs to the TuningExperiment of that name"):
        submit(kube, made)


def test_a_run_that_was_dropped_and_lingers_is_not_told_of_again(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.look()
    first = world.cluster.get("rayjobs", "adult")
    world.apply(suspend=True)
    world.controller.look()
    world.cluster.kuberay("adult", "Failed", "FAILED")  # before it is dropped
    world.look()
    assert world.status()["state"] == "Suspended"
    world.apply(suspend=False)
    world.look()  # the RayJob is deleted, and KubeRay has not let it go
    world.cluster.kuberay("adult")
    world.look()
    second = world.cluster.get("rayjobs", "adult")
    assert first
    assert second
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert world.status()["state"] == "Waiting"
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.look()
    assert world.condition("Succeeded")[0] == "True"


def test_a_config_map_that_is_no_experiment_s_is_seen_before_anything_is_made(
    world: World,
) -> None:
    kept = world.cluster.put("configmaps", {"metadata": {"name": "adult"}, "data": {"a": "b"}})
    world.apply()
    world.look()
    assert world.cluster.names("rayjobs") == []
    assert world.condition("Accepted")[:2] == ("False", "NameTaken")
    assert world.cluster.get("configmaps", "adult") == kept


def test_a_config_map_that_is_refused_is_told_and_tried_again(world: World) -> None:
    def quota(method: str, plural: str, name: str) -> tuple[int, str] | None:
        refused = (method, plural, name) == ("POST", "configmaps", "adult")
        return (403, "exceeded quota: team") if refused else None

    world.cluster.refuse = quota
    world.apply()
    world.look()
    assert world.condition("Accepted") == ("False", "Refused", "exceeded quota: team")
    assert world.status()["rayJob"]
    world.cluster.refuse = lambda *_: None
    world.look()
    assert world.condition("Accepted")[0] == "True"
    assert world.cluster.get("configmaps", "adult")


def test_a_run_that_ends_although_it_was_to_be_dropped_is_told(world: World) -> None:
    def broken(method: str, plural: str, name: str) -> tuple[int, str] | None:
        return (503, "busy") if (method, plural) == ("DELETE", "rayjobs") else None

    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.look()
    world.apply(suspend=True)
    world.cluster.refuse = broken
    world.look()
    world.cluster.refuse = lambda *_: None
    world.write(state="done")
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.look()
    assert world.condition("Succeeded")[0] == "True"
    assert world.heard.ends == [("adult", "done")]


@pytest.mark.parametrize("folder", ["va-results", "/data/results", "file:///data/results"])
def test_a_folder_for_results_means_the_releases_store(world: World, folder: str) -> None:
    world.apply(experiment=experiment(results=folder))
    world.look()
    content = world.cluster.objects["configmaps", "adult"]["data"]["experiment.yaml"]
    assert yaml.safe_load(content)["results"] == "s3://va-results"
    assert world.status()["results"] == "s3://va-results/adult"


def test_results_are_looked_for_where_the_run_writes_them(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.look()
    before = world.status()["results"]
    world.apply(experiment=experiment(results="s3://elsewhere/x"))
    world.look()
    assert world.status()["results"] == before


def test_a_plan_that_is_no_longer_known_is_no_longer_said(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write(done=3)
    world.look()
    assert world.status()["trials"] == {"done": 3, "planned": 50}
    world.write(done=4, models={"xgboost": ModelProgressRecord(planned=None, done=4)})
    world.look()
    assert world.status()["trials"] == {"done": 4}
