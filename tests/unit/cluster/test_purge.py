"""What `cancel --purge` says that it removes, and what is gone when it is done."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.operator.fake_cluster import FakeCluster, FakeKube, labels
from tuner_job.cluster import cancel, follow
from tuner_job.cluster.objects import Object
from tuner_job.results.store import Store


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """One in which KubeRay lets go of what is deleted, while somebody waits for it."""
    made = FakeCluster()

    def pause(_: float) -> None:
        for name in made.names("rayjobs"):
            if made.objects["rayjobs", name]["metadata"].get("deletionTimestamp"):
                made.kuberay(name)

    monkeypatch.setattr(follow.time, "sleep", pause)
    return made


def _submit(cluster: FakeCluster, owner: str) -> None:
    about = {"name": "adult", "labels": labels("adult")}
    owners: dict[str, Object] = {
        "RayJob": cluster.put("rayjobs", {"metadata": about, "spec": {}}),
        "TuningExperiment": cluster.put("tuningexperiments", {"metadata": about, "spec": {}}),
    }
    whose: dict[str, Any] = {}
    if owner:
        uid = owners[owner]["metadata"]["uid"]
        whose = {"ownerReferences": [{"kind": owner, "name": "adult", "uid": uid}]}
    cluster.put("configmaps", {"metadata": about | whose, "data": {}})


@pytest.mark.parametrize("owner", ["", "RayJob"])
def test_a_config_map_of_its_own_or_of_its_rayjob_is_removed(
    cluster: FakeCluster, tmp_path: Path, owner: str
) -> None:
    _submit(cluster, owner)
    kube, store = FakeKube(cluster), Store(str(tmp_path))
    store.put("adult/experiment.yaml", b"name: adult")
    found = cancel.belongings(kube, "adult", store)
    assert ", ConfigMap adult, 1 object below " in str(found)
    assert "stays" not in str(found)
    assert cancel.purge(kube, found) == 1
    assert (cluster.get("rayjobs", "adult"), cluster.get("configmaps", "adult")) == (None, None)


def test_a_config_map_that_goes_later_than_its_rayjob_is_waited_for(
    cluster: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _submit(cluster, "RayJob")
    kube, config = FakeKube(cluster), cluster.objects["configmaps", "adult"]
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            cluster.kuberay("adult")
            cluster.objects["configmaps", "adult"] = config  # not collected yet
        elif len(pauses) == 4:
            cluster.remove("configmaps", "adult")

    monkeypatch.setattr(follow.time, "sleep", pause)
    cancel.purge(kube, cancel.belongings(kube, "adult", Store(str(tmp_path))))
    assert cluster.get("configmaps", "adult") is None


def test_a_config_map_of_an_object_stays_and_that_is_said(
    cluster: FakeCluster, tmp_path: Path
) -> None:
    _submit(cluster, "TuningExperiment")
    kube = FakeKube(cluster)
    found = cancel.belongings(kube, "adult", Store(str(tmp_path)))
    assert str(found) == (
        "RayJob adult (waiting); ConfigMap adult stays with TuningExperiment adult: "
        "kubectl delete tune adult removes both"
    )
    cancel.purge(kube, found)
    assert cluster.get("rayjobs", "adult") is None
    assert cluster.get("configmaps", "adult")
    assert str(cancel.belongings(kube, "adult", Store(str(tmp_path)))).startswith("nothing; ")
