"""A cluster in this process, a store in a folder, a receiver that keeps keys, and a controller
between them that may be killed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.operator.fake_cluster import FakeCluster, FakeKube, Killed, labels
from tuner_job.cluster.objects import Object
from tuner_job.operator import results
from tuner_job.operator.controller import Controller, Settings
from tuner_job.operator.notify import Receiver
from tuner_job.operator.results import Results
from tuner_job.records import BestSoFar, ModelProgressRecord, ProgressRecord
from tuner_job.results.progress import write_progress
from tuner_job.results.store import Store

ADDRESS, KEY = "https://receiver.example/hook", b"a key"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store in a folder answers, however busy the machine is."""
    monkeypatch.setattr(results, "_LONGEST", 120.0)


@dataclass
class Heard:
    """A receiver: what came, by key. It may refuse; the sender may be killed meanwhile."""

    bodies: dict[str, list[bytes]] = field(default_factory=dict)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    status: int = 200
    around: Callable[[], None] = lambda: None

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        assert url == ADDRESS
        self.around()
        if self.status == 200:
            self.bodies.setdefault(headers["Idempotency-Key"], []).append(body)
            self.headers.append(headers)
        self.around()
        return self.status

    @property
    def ends(self) -> list[tuple[str, str]]:
        """Experiment and end of each key."""
        told = [json.loads(bodies[0]) for bodies in self.bodies.values()]
        return sorted((one["experiment"], one["state"]) for one in told)


class World:
    """All that a controller meets."""

    def __init__(self, folder: Path):
        self.cluster, self.heard = FakeCluster(), Heard()
        self.store = Store(str(folder))
        self.retention: float | None = None
        self.seconds = 0.0
        self._controller: Controller | None = None

    def apply(self, name: str = "adult", **spec: Any) -> Object:
        """Make a TuningExperiment, or change what it asks for."""
        content = {"experiment": experiment(), **spec}
        there = self.cluster.get("tuningexperiments", name)
        if there:
            self.cluster.change("tuningexperiments", name, lambda o: o["spec"].update(content))
        else:
            self.cluster.put("tuningexperiments", {"metadata": {"name": name}, "spec": content})
        return self.cluster.objects["tuningexperiments", name]

    def submit(self, name: str = "plain", **metadata: Any) -> Object:
        """Make a RayJob and a ConfigMap as `kubectl apply` does."""
        about = {"name": name, "labels": labels(name), **metadata}
        spec = {"clusterSelector": {"ray.io/cluster": "va-tuning"}}
        text = f"name: {name}\nresults: s3://va-results\n"
        made = {"metadata": about, "data": {"experiment.yaml": text}}
        self.cluster.put("configmaps", made)
        return self.cluster.put("rayjobs", {"metadata": about, "spec": spec})

    def write(self, name: str = "adult", done: int = 3, score: float = 0.8, **more: Any) -> None:
        """Be the driver: say in the store how it is going."""
        uid = (self.cluster.get("rayjobs", name) or {"metadata": {"uid": "gone"}})["metadata"][
            "uid"
        ]
        moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        said: dict[str, Any] = {
            "experiment": name, "state": "running", "stage": "search", "metric": "csmf_accuracy",
            "models": {"xgboost": ModelProgressRecord(planned=50, done=done)},
            "best": BestSoFar(model="xgboost", trial=done, score=score),
            "seconds_left": 123.4, "began": moment, "written": moment, "run_by": f"job {uid} on h",
        }  # fmt: skip
        write_progress(self.store, ProgressRecord.model_validate(said | more))

    def restart(self) -> None:
        """Have a new controller, which remembers nothing."""
        self._controller = None

    @property
    def controller(self) -> Controller:
        """The one that runs."""
        if self._controller is None:
            receiver = Receiver(ADDRESS, KEY, self.heard, lambda: self.seconds)
            results = Results(lambda url: self.store, lambda: self.seconds)
            settings = Settings("va-tuning", "va-tuning", self.retention)
            kube = FakeKube(self.cluster)
            self._controller = Controller(kube, settings, results, receiver, lambda: self.seconds)
        return self._controller

    def look(self) -> None:
        """Look until nothing is to be done any more; a controller that is killed is replaced."""
        for _ in range(40):
            self.seconds += 400.0  # whatever paces there are have passed
            before = len(self.cluster.writes), sum(map(len, self.heard.bodies.values()))
            try:
                self.controller.look()
            except Killed:
                self.restart()
                continue
            if before == (len(self.cluster.writes), sum(map(len, self.heard.bodies.values()))):
                return
        raise AssertionError(f"it does not come to rest: {self.cluster.writes[-6:]}")

    def later(self, seconds: float) -> None:
        """Let so much time pass, in what was written down."""
        for (plural, name), found in list(self.cluster.objects.items()):
            moved = _moved(found, timedelta(seconds=seconds))
            if moved != found:
                self.cluster.change(plural, name, lambda o, moved=moved: o.update(moved))  # type: ignore[misc]

    def status(self, name: str = "adult") -> Object:
        """What is said of an experiment."""
        found = self.cluster.objects["tuningexperiments", name]
        status: Object = found.get("status", {})
        assert len(json.dumps(status)) < 4096
        return status

    def condition(self, kind: str, name: str = "adult") -> tuple[str, str, str]:
        """Status, reason and message of a condition."""
        (one,) = [c for c in self.status(name)["conditions"] if c["type"] == kind]
        return one["status"], one["reason"], one["message"]

    def events(self) -> list[str]:
        """Reasons of all Events."""
        return sorted(
            o["reason"] for (kind, _), o in self.cluster.objects.items() if kind == "events"
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "store")


def experiment(**changes: Any) -> Object:
    """What an experiment file may hold."""
    tuning = {"search_method": "bayesian", "n_trials": 50}
    return {"data": {"format": "synthetic"}, "models": ["xgboost"], "tuning": tuning, **changes}


def _moved(node: Any, back: timedelta) -> Any:
    """Move every moment that stands in an object back."""
    if isinstance(node, dict):
        return {key: _moved(value, back) for key, value in node.items()}
    if isinstance(node, list):
        return [_moved(value, back) for value in node]
    if isinstance(node, str) and node.startswith("{"):
        try:
            return json.dumps(_moved(json.loads(node), back), separators=(",", ":"))
        except ValueError:
            return node
    try:
        then = datetime.strptime(node, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (ValueError, TypeError):
        return node
    return (then - back).strftime("%Y-%m-%dT%H:%M:%SZ")
