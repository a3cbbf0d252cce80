"""What was cancelled stays so, and what was not is not said to be: whatever is changed or lost."""

import pytest

from tests.unit.operator.conftest import World, experiment

MORE = experiment(tuning={"n_trials": 80})


def _run(world: World) -> None:
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.look()


def _delete(world: World) -> None:
    world.cluster.remove("rayjobs", "adult")
    world.look()
    world.cluster.kuberay("adult")
    world.look()


def _lose_what_is_said(world: World) -> None:
    world.cluster.refuse = lambda method, plural, name: (
        (409, "it has changed") if (method, plural) == ("PATCH", "tuningexperiments") else None
    )
    world.look()
    world.cluster.refuse = lambda *_: None


def test_a_change_that_waited_does_not_begin_when_the_run_is_cancelled(world: World) -> None:
    _run(world)
    world.apply(experiment=MORE)
    world.look()
    _delete(world)
    assert (world.cluster.names("rayjobs"), world.status()["state"]) == ([], "Cancelled")
    world.apply(suspend=True)
    world.look()
    world.apply(suspend=False)
    world.look()
    assert world.cluster.names("rayjobs") == ["adult"]


def test_nor_when_its_ray_job_is_stopped(world: World) -> None:
    _run(world)
    world.apply(experiment=MORE)
    world.cluster.kuberay("adult", "Complete", "STOPPED")
    world.look()
    assert world.status()["state"] == "Cancelled"
    assert "deletionTimestamp" not in world.cluster.objects["rayjobs", "adult"]["metadata"]
    _delete(world)  # as a cleaner does
    assert (world.cluster.names("rayjobs"), world.status()["state"]) == ([], "Cancelled")


def test_a_change_after_that_begins(world: World) -> None:
    _run(world)
    _delete(world)
    world.apply(experiment=MORE)
    world.look()
    assert world.cluster.names("rayjobs") == ["adult"]


def test_one_that_was_cancelled_with_a_change_goes_when_its_time_is_over(world: World) -> None:
    _run(world)
    world.apply(experiment=MORE, ttlSecondsAfterFinished=60)
    world.look()
    _delete(world)
    world.later(61)
    world.look()
    assert world.cluster.names("tuningexperiments") == []


def test_a_run_that_was_dropped_to_begin_anew_was_not_cancelled(world: World) -> None:
    world.cluster.refuse = lambda *asked: (
        (403, "exceeded quota") if asked == ("POST", "configmaps", "adult") else None
    )
    world.apply()
    world.look()
    world.apply(experiment=MORE)
    _lose_what_is_said(world)  # it is dropped: nothing of it has begun
    world.cluster.kuberay("adult")
    world.look()
    assert (world.cluster.names("rayjobs"), world.status()["state"]) == (["adult"], "Waiting")
    assert (world.heard.ends, world.events()) == ([], [])


@pytest.mark.parametrize("earlier", [False, True])
def test_a_run_that_was_cancelled_before_it_was_named_was_cancelled(
    world: World, earlier: bool
) -> None:
    world.apply()
    if earlier:
        world.look()
        world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
        world.look()
        world.apply(experiment=MORE)
        world.look()
        world.cluster.kuberay("adult")
    _lose_what_is_said(world)
    _delete(world)
    assert (world.cluster.names("rayjobs"), world.status()["state"]) == ([], "Cancelled")
    assert world.heard.ends[:1] == [("adult", "cancelled")]


def test_a_run_that_is_stopped_before_it_is_named_is_not_begun_again(world: World) -> None:
    _run(world)
    _delete(world)
    world.apply(experiment=MORE)
    _lose_what_is_said(world)
    world.cluster.kuberay("adult", "Complete", "STOPPED")
    uid = world.cluster.objects["rayjobs", "adult"]["metadata"]["uid"]
    world.look()
    assert world.cluster.objects["rayjobs", "adult"]["metadata"]["uid"] == uid
    assert "deletionTimestamp" not in world.cluster.objects["rayjobs", "adult"]["metadata"]
    assert (world.status()["state"], world.status()["rayJob"]["uid"]) == ("Cancelled", uid)
