"""What the controller asks an API server for: pages, watches, changes of fields, on a real wire."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.api_server import Answer, ApiServer, rayjob
from tuner_job.cluster.kube import Kube, UnreachableError
from tuner_job.cluster.objects import RayJob
from tuner_job.errors import ClusterError


def test_a_list_is_read_to_its_last_page(api: ApiServer) -> None:
    jobs = [rayjob(f"job-{i}") for i in range(5)]
    pages: Iterator[tuple[list[object], str]] = iter(
        [(jobs[:2], "a"), (jobs[2:4], "b"), (jobs[4:], "")]
    )

    def page(method: str, path: str) -> Answer | None:
        if not path.endswith("/rayjobs"):
            return None
        items, rest = next(pages)
        return Answer(200, json.dumps({"items": items, "metadata": {"continue": rest}}).encode())

    api.spoil = page
    assert [job.metadata.name for job in Kube().list(RayJob)] == [f"job-{i}" for i in range(5)]
    assert len([path for _, path in api.requests if path.endswith("/rayjobs")]) == 3


def test_a_list_that_never_ends_is_given_up(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner_job.cluster.kube._LISTED", 3)
    again = json.dumps({"items": [], "metadata": {"continue": "x"}}).encode()
    api.spoil = lambda method, path: Answer(200, again)
    with pytest.raises(ClusterError, match="must end after 3 pages"):
        Kube().list(RayJob)


def test_a_change_of_fields_names_the_object_and_is_a_merge_patch(api: ApiServer) -> None:
    kept = api.put("rayjobs", rayjob("adult"))
    found = Kube().get(RayJob, "adult")
    assert found
    Kube().patch(found, {"metadata": {"annotations": {"a": "b", "c": None}}})
    method, kind, body = api.contents[-1]
    assert (method, kind) == ("PATCH", "application/merge-patch+json")
    assert body["metadata"] == {
        "uid": kept["metadata"]["uid"],
        "annotations": {"a": "b", "c": None},
    }
    Kube().patch(found, {"status": {"x": 1}}, "status")
    assert api.requests[-1][1].endswith("/rayjobs/adult/status")


def test_a_watch_tells_that_something_changed_and_ends(api: ApiServer) -> None:
    api.spoil = lambda method, path: Answer(200, b'{"type": "ADDED"}\n')
    assert 1 <= len(list(Kube().changes(RayJob, {"a": "b"}))) <= 2
    api.spoil = lambda method, path: Answer(200, b'{"type"', cut=100)
    with pytest.raises(UnreachableError):
        list(Kube().changes(RayJob))
