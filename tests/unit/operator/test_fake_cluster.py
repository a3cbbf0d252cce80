"""The cluster in this process does as a real one, where that is easily mistaken."""

from tests.unit.operator.fake_cluster import FakeCluster


def test_what_several_own_goes_with_the_last_of_them() -> None:
    cluster = FakeCluster()
    owners = [cluster.put("configmaps", {"metadata": {"name": name}}) for name in ("a", "b")]
    references = [{"uid": owner["metadata"]["uid"]} for owner in owners]
    cluster.put("configmaps", {"metadata": {"name": "c", "ownerReferences": references}})
    cluster.remove("configmaps", "a")
    assert cluster.get("configmaps", "c")
    cluster.remove("configmaps", "b")
    assert cluster.get("configmaps", "c") is None
