"""A ConfigMap of an experiment's name that was not made for its run: its pods would read that."""

from collections.abc import Callable

from tests.unit.operator.conftest import World
from tests.unit.operator.fake_cluster import Killed, labels
from tuner_job.cluster.objects import Object


def _make(world: World, **data: str) -> Object:
    """Make one as another release does."""
    of_another = labels("adult") | {"app.kubernetes.io/instance": "other"}
    about = {"name": "adult", "labels": of_another}
    return world.cluster.put("configmaps", {"metadata": about, "data": {"a": "b", **data}})


def _at(world: World, call: tuple[str, str, str], act: Callable[[], object]) -> None:
    """Have something happen once, just before the controller asks for this."""

    def asked(*now: str) -> None:
        if now == call:
            world.cluster.refuse = lambda *_: None
            act()

    world.cluster.refuse = asked


def _let_go(world: World) -> None:
    """Have KubeRay let go of what is being deleted, and look on."""
    if world.cluster.get("rayjobs", "adult"):
        assert world.cluster.objects["rayjobs", "adult"]["metadata"].get("deletionTimestamp")
        world.cluster.kuberay("adult")
    world.look()


def _assert_left_alone(world: World) -> None:
    """The ConfigMap is as it was, nothing runs, and the experiment begins once it is gone."""
    assert world.cluster.names("rayjobs") == []
    status, reason, message = world.condition("Accepted")
    assert (status, reason) == ("False", "NameTaken")
    assert "a ConfigMap adult is there" in message
    assert world.cluster.objects["configmaps", "adult"]["data"] == {"a": "b"}
    assert world.heard.ends == []
    world.cluster.remove("configmaps", "adult")
    world.look()
    assert world.condition("Accepted")[0] == "True"
    job, config = (world.cluster.objects[kind, "adult"] for kind in ("rayjobs", "configmaps"))
    assert config["data"]["rayjob-uid"] == job["metadata"]["uid"]


def test_another_release_s_is_seen_before_anything_is_made(world: World) -> None:
    _make(world)
    world.apply()
    world.look()
    _assert_left_alone(world)


def test_one_that_comes_after_the_list_was_read_is_seen_too(world: World) -> None:
    world.apply()
    _at(world, ("GET", "rayjobs", "adult"), lambda: _make(world))
    world.controller.look()
    assert ("POST", "rayjobs", "adult") not in world.cluster.writes
    _assert_left_alone(world)


def test_one_that_comes_after_the_rayjob_takes_that_back(world: World) -> None:
    world.apply()
    _at(world, ("POST", "configmaps", "adult"), lambda: _make(world))
    world.look()
    _let_go(world)
    _assert_left_alone(world)


def test_one_that_comes_while_no_controller_looks_does_so_too(world: World) -> None:
    def killed() -> None:
        if world.cluster.writes[-1] == ("POST", "rayjobs", "adult"):
            world.cluster.after = lambda: None
            _make(world)
            raise Killed

    world.apply()
    world.cluster.after = killed
    world.look()
    _let_go(world)
    _assert_left_alone(world)


def test_one_that_another_controller_made_for_the_same_run_is_its_own(world: World) -> None:
    def make() -> None:
        uid = world.cluster.objects["rayjobs", "adult"]["metadata"]["uid"]
        _make(world, **{"rayjob-uid": uid})

    world.apply()
    _at(world, ("POST", "configmaps", "adult"), make)
    world.controller.look()
    assert "deletionTimestamp" not in world.cluster.objects["rayjobs", "adult"]["metadata"]
    assert world.condition("Accepted")[0] == "True"
