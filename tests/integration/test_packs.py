"""Packs of trials on a real S3 server, whose versions are its own."""

import pytest

from tests.integration.s3_server import S3Server
from tests.unit.results.test_packs import record
from tuner_job.results import packs
from tuner_job.results.bucket import Bucket
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.store import Store


def test_a_pack_stands_for_what_has_not_changed(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "FEWEST", 10)
    monkeypatch.setattr("tuner_job.results.trial_folder.FEWEST", 10)
    asked: list[str] = []
    get = Bucket.get

    def noting(self: Bucket, path: str) -> bytes | None:
        asked.append(path.rpartition("/")[2])
        return get(self, path)

    monkeypatch.setattr(Bucket, "get", noting)
    store = ExperimentStore(Store(s3.make_bucket("packs")), "x")
    for number in range(20):
        store.save_trial("m", record(number))
    first = store.load_trials("m", pack=True)
    asked.clear()
    assert store.load_trials("m") == first == [record(number) for number in range(20)]
    assert all(name.startswith("pack-") for name in asked)
    store.store.put("x/m/trials/000003.json", record(3, 0.9).model_dump_json().encode())
    store.store.delete("x/m/trials/000004.json")
    asked.clear()
    found = {one.trial: one for one in store.load_trials("m")}
    assert found.keys() == set(range(20)) - {4}
    assert found[3] == record(3, 0.9)
    assert [name for name in asked if not name.startswith("pack-")] == ["000003.json"]
