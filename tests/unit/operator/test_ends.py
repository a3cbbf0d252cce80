"""Ends are told: once by key, whatever fails and whenever the controller is killed."""

import hashlib
import hmac
import json
from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path

import pytest

from tests.unit.operator.conftest import ADDRESS, KEY, World, experiment
from tests.unit.operator.fake_cluster import Killed
from tuner_job.operator.ledger import Entry
from tuner_job.operator.notify import Receiver

pytestmark = pytest.mark.slow

End = Callable[[World], None]


def _succeeds(world: World, name: str = "adult") -> None:
    world.write(name, state="done", stage=None)
    world.cluster.kuberay(name, "Complete", "SUCCEEDED")
    world.look()


def _fails(world: World, name: str = "adult") -> None:
    world.cluster.kuberay(name, "Failed", "FAILED", "va-tuning: no room\n")
    world.look()


def _is_deleted(world: World, name: str = "adult") -> None:
    world.cluster.remove("rayjobs", name)
    world.look()
    world.cluster.kuberay(name)
    world.look()


def _is_purged(world: World, name: str = "adult") -> None:
    world.cluster.remove("rayjobs", name)
    world.cluster.kuberay(name)
    world.cluster.remove("configmaps", name)
    world.look()


def _is_suspended_and_goes_on(world: World, name: str = "adult") -> None:
    world.apply(suspend=True)
    world.look()
    if world.cluster.get("rayjobs", name):
        world.cluster.kuberay(name)
    world.look()
    world.apply(suspend=False)
    world.look()
    world.cluster.kuberay(name, "Running", "RUNNING")
    world.look()
    _succeeds(world)


def _gets_more_trials(world: World, name: str = "adult") -> None:
    _succeeds(world)
    world.apply(experiment=experiment(tuning={"n_trials": 99}))
    world.look()
    if world.cluster.objects["rayjobs", name]["metadata"].get("deletionTimestamp"):
        world.cluster.kuberay(name)
    world.look()
    _succeeds(world)


def _is_cleaned(world: World, name: str = "adult") -> None:
    world.retention = 3600
    world.restart()
    _succeeds(world)
    world.later(4000)
    world.look()
    if world.cluster.get("rayjobs", name):
        world.cluster.kuberay(name)
    world.look()
    world.later(8000)
    world.look()


def _object(world: World) -> None:
    world.apply()


def _plain(world: World) -> None:
    world.submit("adult")


STORIES: list[tuple[Callable[[World], None], End, list[str]]] = [
    (_object, _succeeds, ["done"]),
    (_object, _fails, ["failed"]),
    (_object, _is_deleted, ["cancelled"]),
    (_object, _is_suspended_and_goes_on, ["done"]),
    (_object, _gets_more_trials, ["done", "done"]),
    (_object, _is_cleaned, ["done"]),
    (_plain, _succeeds, ["done"]),
    (_plain, _fails, ["failed"]),
    (_plain, _is_deleted, ["cancelled"]),
    (_plain, _is_purged, ["cancelled"]),
    (_plain, _is_cleaned, ["done"]),
]


def _live(world: World, begin: Callable[[World], None], end: End) -> None:
    begin(world)
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write()
    world.look()
    end(world)
    world.look()


@pytest.mark.parametrize(
    ("begin", "end", "ends"),
    STORIES,
    ids=[f"{begin.__name__}{end.__name__}" for begin, end, _ in STORIES],
)
def test_killed_at_every_step_the_receiver_sees_each_end_once(
    tmp_path: Path, begin: Callable[[World], None], end: End, ends: list[str]
) -> None:
    steady = World(tmp_path / "steady")
    _live(steady, begin, end)
    assert [told for _, told in steady.heard.ends] == ends
    for fatal in count():
        world = World(tmp_path / str(fatal))
        calls = count()

        def killed(calls: "count[int]" = calls, fatal: int = fatal) -> None:
            if next(calls) == fatal:
                raise Killed

        world.cluster.after = world.heard.around = killed
        _live(world, begin, end)
        assert [told for _, told in world.heard.ends] == ends, fatal
        assert all(len(set(bodies)) == 1 for bodies in world.heard.bodies.values()), fatal
        assert _what_is_left(world) == _what_is_left(steady), fatal
        if next(calls) <= fatal:
            break
    assert fatal >= 4  # writes and messages


def _what_is_left(world: World) -> tuple[object, ...]:
    """Objects, and what is said of the experiment, without times, uids and versions."""
    found = world.cluster.get("tuningexperiments", "adult")
    said = found["status"] if found else {}
    conditions = [(c["type"], c["status"], c["reason"]) for c in said.get("conditions", [])]
    figures = {key: said.get(key) for key in ("state", "trials", "best", "stage", "results")}
    names = [key for key in world.cluster.objects if key[0] != "events"]
    return sorted(names), conditions, figures, world.events()


def test_a_message_is_signed_and_says_what_there_is_to_know(world: World) -> None:
    made = world.submit("adult")
    world.look()
    world.write(score=0.91)
    _succeeds(world)
    (key,) = world.heard.bodies
    (body,), (headers,) = world.heard.bodies[key], world.heard.headers
    assert key == f"{made['metadata']['uid']}-done"
    signed = headers["X-VA-Tuning-Timestamp"].encode() + b"." + body
    wanted = hmac.new(KEY, signed, hashlib.sha256).hexdigest()
    assert headers["X-VA-Tuning-Signature"] == f"sha256={wanted}"
    said = json.loads(body)
    assert said["experiment"], said["namespace"] == ("adult", "va")
    assert (said["state"], said["reason"], said["key"]) == ("done", "", key)
    assert said["results"] == "s3://va-results/adult"
    assert said["best"] == {"model": "xgboost", "trial": 3, "score": 0.8}
    assert said["trials"] == {"done": 3, "planned": 50}


def test_what_is_told_is_what_was_written_last(world: World) -> None:
    world.submit("adult")
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write(done=3, score=0.5)
    world.look()
    world.write(done=50, score=0.9, state="done")
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.controller.look()  # so soon that progress is not due to be read
    ((body,),) = world.heard.bodies.values()
    assert json.loads(body)["best"]["score"] == 0.9


def test_a_receiver_that_fails_is_tried_again_and_hears_the_same(world: World) -> None:
    world.heard.status = 503
    world.submit("adult")
    world.look()
    _fails(world)
    for _ in range(3):
        world.restart()
        world.look()
    assert world.heard.ends == []
    world.heard.status = 200
    world.look()
    assert world.heard.ends == [("adult", "failed")]
    world.restart()
    world.look()
    assert [len(bodies) for bodies in world.heard.bodies.values()] == [1]


def test_an_end_is_told_although_all_objects_are_gone_by_then(world: World) -> None:
    world.heard.status = 500
    world.retention = 0
    world.submit("adult")
    world.look()
    _succeeds(world)
    world.cluster.kuberay("adult")
    world.look()
    assert world.cluster.names("rayjobs") == []
    assert world.cluster.names("configmaps") == ["va-tuning-operator", "va-tuning-rayjob"]
    world.heard.status = 200
    world.restart()
    world.look()
    assert world.heard.ends == [("adult", "done")]
    ledger = world.cluster.objects["configmaps", "va-tuning-operator"]
    assert ledger["data"] == {}


def test_what_had_ended_before_anybody_was_to_hear_of_it_is_not_told(world: World) -> None:
    world.submit("old")
    world.cluster.kuberay("old", "Complete", "SUCCEEDED")
    world.later(3600)
    world.look()
    assert world.heard.ends == []
    world.submit("new")
    world.cluster.kuberay("new", "Complete", "SUCCEEDED")
    world.look()
    assert world.heard.ends == [("new", "done")]


def test_while_the_store_is_away_a_run_that_is_gone_is_not_judged(world: World) -> None:
    from tuner_job.errors import StoreError
    from tuner_job.results.store import Store

    class Away(Store):
        def get(self, path: str) -> bytes | None:
            raise StoreError("s3://va-results: does not answer")

    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.look()
    world.write(state="done")
    whole = world.store
    world.store = Away(whole.url)
    world.cluster.remove("rayjobs", "adult")
    world.cluster.kuberay("adult")
    world.restart()
    for _ in range(3):
        world.look()
    assert (world.heard.ends, world.status()["state"]) == ([], "Running")
    world.store = whole
    world.restart()
    world.look()
    assert (world.heard.ends, world.status()["state"]) == ([("adult", "done")], "Succeeded")


def test_a_receiver_rests_ever_longer_after_failures() -> None:
    seconds, tries = [0.0], []

    def refuse(*_: object) -> int:
        tries.append(seconds[0])
        raise OSError("no route to host")

    receiver = Receiver(ADDRESS, KEY, refuse, lambda: seconds[0])
    entry = Entry(name="adult", end="done")
    for second in range(2000):
        seconds[0] = float(second)
        if receiver.is_due:
            assert not receiver.tell("va", "uid", entry)
    pauses = [b - a for a, b in pairwise(tries)]
    assert pauses[:4] == [2, 4, 8, 16]
    assert max(pauses) == 300


def test_a_note_that_somebody_spoiled_is_made_anew(world: World) -> None:
    made = world.submit("adult")
    world.look()
    uid = made["metadata"]["uid"]
    world.cluster.change(
        "configmaps", "va-tuning-operator", lambda o: o["data"].update({uid: "{", "x": "1"})
    )
    _succeeds(world)
    assert world.heard.ends == [("adult", "done")]
