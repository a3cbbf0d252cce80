"""What goes after an experiment's end, and what does not."""

import json

from tests.unit.operator.conftest import World, experiment


def _left(world: World) -> list[str]:
    found = [key for key in world.cluster.objects if key[0] in ("rayjobs", "configmaps")]
    return sorted(f"{kind}/{name}" for kind, name in found if not name.startswith("va-tuning-"))


def _end_and_clean(world: World) -> None:
    """Run an experiment to its end, and wait until what it made is gone."""
    world.retention = 600
    world.apply()
    world.look()
    world.write(done=50, state="done")
    _finish(world, "adult")
    world.later(601)
    world.look()
    world.cluster.kuberay("adult")


def _finish(world: World, name: str, deployment: str = "Complete", job: str = "SUCCEEDED") -> None:
    world.cluster.kuberay(name, deployment, job)
    world.look()


def test_thirty_experiments_leave_nothing_but_results(world: World) -> None:
    world.retention = 600
    for i in range(30):
        name = f"experiment-{i}"
        world.submit(name)
        world.look()
        world.write(name, state="done")
        _finish(world, name)
    assert len(_left(world)) == 60
    world.later(601)
    world.look()
    for name in world.cluster.names("rayjobs"):
        world.cluster.kuberay(name)
    world.look()
    assert _left(world) == []
    assert len(world.store.folders()) == 30
    assert world.cluster.objects["configmaps", "va-tuning-operator"]["data"] == {}


def test_what_runs_and_what_ended_a_moment_ago_stay(world: World) -> None:
    world.retention = 600
    for name in ("runs", "ended"):
        world.submit(name)
        world.cluster.kuberay(name, "Running", "RUNNING")
    world.look()
    world.later(10**6)
    _finish(world, "ended", "Failed", "FAILED")
    world.look()
    assert _left(world) == [
        "configmaps/ended", "configmaps/runs", "rayjobs/ended", "rayjobs/runs",
    ]  # fmt: skip


def test_without_a_retention_everything_stays(world: World) -> None:
    world.submit("old")
    _finish(world, "old")
    world.later(10**8)
    world.look()
    assert _left(world) == ["configmaps/old", "rayjobs/old"]


def test_an_own_cluster_stays_as_long_as_its_rayjob_says(world: World) -> None:
    world.retention = 10
    made = world.submit("own")
    world.cluster.change("rayjobs", "own", lambda o: o["spec"].update(ttlSecondsAfterFinished=300))
    _finish(world, "own")
    world.later(200)
    world.look()
    assert "rayjobs/own" in _left(world)
    world.later(200)
    world.look()
    assert world.cluster.objects["rayjobs", "own"]["metadata"]["deletionTimestamp"]
    assert made


def test_the_config_map_of_a_rayjob_that_was_deleted_goes_later(world: World) -> None:
    world.retention = 600
    world.submit("gone")
    world.look()
    world.cluster.remove("rayjobs", "gone")
    world.cluster.kuberay("gone")
    world.look()
    world.later(500)
    world.look()
    assert _left(world) == ["configmaps/gone"]
    world.cluster.put("rayjobs", {**world.cluster.objects["configmaps", "gone"], "spec": {}})
    world.look()
    config = world.cluster.objects["configmaps", "gone"]
    assert "va-tuning.io/unused-since" not in config["metadata"]["annotations"]
    world.cluster.remove("rayjobs", "gone")
    world.cluster.kuberay("gone")
    world.look()
    world.later(601)
    world.look()
    assert _left(world) == []


def test_what_is_not_an_experiment_s_stays(world: World) -> None:
    world.retention = 0
    others = {
        "metadata": {"name": "settings", "labels": {"app.kubernetes.io/part-of": "va-tuning"}},
        "data": {"experiment.yaml": "name: settings"},
    }
    world.cluster.put("configmaps", others)
    finished = {"metadata": {"name": "theirs", "labels": {"team": "va"}}, "spec": {}}
    world.cluster.put("rayjobs", finished)
    world.cluster.kuberay("theirs", "Complete", "SUCCEEDED")
    for _ in range(3):
        world.look()
        world.later(10**6)
    assert _left(world) == ["configmaps/settings", "rayjobs/theirs"]
    assert "annotations" not in world.cluster.objects["rayjobs", "theirs"]["metadata"]


def test_what_changed_since_it_was_looked_at_is_not_deleted(world: World) -> None:
    world.retention = 600
    world.submit("adult")
    _finish(world, "adult")
    world.later(601)
    changes = iter(range(3))

    def touched() -> None:
        method, plural, name = world.cluster.writes[-1]
        if (method, plural) == ("DELETE", "rayjobs") and next(changes, None) is not None:
            world.cluster.change(plural, name, lambda o: o["metadata"].update(changed=str(changes)))

    world.cluster.before = touched
    world.look()
    deletions = [one for one in world.cluster.writes if one[:2] == ("DELETE", "rayjobs")]
    assert len(deletions) >= 1
    assert "configmaps/adult" not in _left(world) or "rayjobs/adult" in _left(world)


def test_an_object_stays_and_what_it_made_goes(world: World) -> None:
    _end_and_clean(world)
    for _ in range(3):
        world.later(10**6)
        world.look()
    assert _left(world) == []
    assert world.status()["state"] == "Succeeded"
    assert world.status()["trials"] == {"done": 50, "planned": 50}
    assert world.heard.ends == [("adult", "done")]


def test_an_object_goes_when_it_asks_for_it(world: World) -> None:
    world.apply(ttlSecondsAfterFinished=60)
    world.look()
    world.write(state="done")
    _finish(world, "adult")
    assert world.cluster.names("tuningexperiments") == ["adult"]
    world.later(61)
    world.look()
    world.cluster.kuberay("adult")
    world.look()
    assert world.cluster.names("tuningexperiments") == []
    assert _left(world) == []
    assert world.store.paths("adult")
    assert world.heard.ends == [("adult", "done")]


def test_a_suspended_experiment_keeps_its_config_map(world: World) -> None:
    world.retention = 0
    world.apply()
    world.look()
    world.apply(suspend=True)
    world.look()
    world.cluster.kuberay("adult")
    world.look()
    world.later(10**6)
    world.look()
    assert _left(world) == ["configmaps/adult"]


def test_plain_rayjobs_carry_the_same_progress(world: World) -> None:
    world.submit("plain")
    world.cluster.kuberay("plain", "Running", "RUNNING")
    world.write("plain", done=12, score=0.81234)
    world.look()

    def said() -> dict[str, str]:
        annotations: dict[str, str] = world.cluster.objects["rayjobs", "plain"]["metadata"][
            "annotations"
        ]
        return {key.removeprefix("va-tuning.io/"): value for key, value in annotations.items()}

    assert said() == {"state": "running", "trials": "12/50", "best": "0.8123 xgboost"}
    world.write("plain", done=50, score=0.9, state="done")
    _finish(world, "plain")
    assert said() == {"state": "done", "trials": "50/50", "best": "0.9 xgboost"}
    assert world.events() == []
    before = json.dumps(world.cluster.objects["rayjobs", "plain"])
    world.restart()
    world.look()
    assert json.dumps(world.cluster.objects["rayjobs", "plain"]) == before


def test_an_object_that_asks_for_more_by_then_stays_and_runs(world: World) -> None:
    world.apply()
    world.look()
    world.write(state="done")
    _finish(world, "adult")
    world.later(10**6)
    world.apply(ttlSecondsAfterFinished=60, experiment=experiment(tuning={"n_trials": 99}))
    world.look()
    world.cluster.kuberay("adult")
    world.look()
    assert world.cluster.names("tuningexperiments") == ["adult"]
    assert world.status()["state"] == "Waiting"


def test_what_had_ended_before_there_was_a_controller_goes_too(world: World) -> None:
    world.retention = 600
    world.submit("old")
    world.cluster.kuberay("old", "Complete", "SUCCEEDED")
    world.later(3600)
    world.look()
    world.later(601)
    world.look()
    world.cluster.kuberay("old")
    world.look()
    assert _left(world) == []
    assert world.heard.ends == []


def test_a_suspended_experiment_whose_run_failed_by_itself_keeps_nothing(world: World) -> None:
    world.retention = 600
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.look()
    world.apply(suspend=True)
    world.controller.look()
    _finish(world, "adult", "Failed", "FAILED")  # before it is dropped
    assert world.status()["state"] == "Suspended"
    assert "rayjobs/adult" in _left(world)
    world.later(601)
    world.look()
    world.cluster.kuberay("adult")
    world.look()
    assert (_left(world), world.status()["state"]) == ([], "Suspended")
    world.apply(suspend=False)
    world.look()
    assert _left(world) == ["configmaps/adult", "rayjobs/adult"]


def test_an_object_that_asks_for_nothing_that_can_be_run_keeps_what_was_said_of_its_end(
    world: World,
) -> None:
    world.retention = 600
    world.apply(ttlSecondsAfterFinished=3600)
    world.look()
    world.write(done=50, state="done")
    _finish(world, "adult")
    before = world.status()
    world.apply(experiment=experiment(tuning={"n_trial": 1}))
    world.look()
    world.later(601)
    world.look()
    world.cluster.kuberay("adult")
    world.look()
    assert _left(world) == []
    status = world.status()
    assert (status["state"], status["trials"]) == ("Succeeded", before["trials"])
    assert status["completionTime"]
    assert world.condition("Accepted")[:2] == ("False", "Invalid")
    world.later(3600)
    world.look()
    assert world.cluster.names("tuningexperiments") == ["adult"]  # it asks for something else
    world.apply(experiment=experiment())
    world.controller.look()
    assert world.cluster.names("tuningexperiments") == []


def test_what_is_asked_for_again_as_it_was_run_is_said_to_be_accepted(world: World) -> None:
    _end_and_clean(world)
    for asked, accepted in ((experiment(models=["nonesuch"]), "False"), (experiment(), "True")):
        world.apply(experiment=asked)
        world.look()
        assert (world.status()["state"], world.condition("Accepted")[0]) == ("Succeeded", accepted)
    assert _left(world) == []
