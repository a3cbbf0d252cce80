import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner_job.errors import StoreError, UnreadableError
from tuner_job.records import FoldRecord, TrialRecord
from tuner_job.results import packs
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.folder import Folder
from tuner_job.results.store import Store

N = 25
Read = Callable[..., list[int]]


@pytest.fixture(autouse=True)
def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "FEWEST", 10)
    monkeypatch.setattr("tuner_job.results.trial_folder.FEWEST", 10)


def record(number: int, score: float = 0.5) -> TrialRecord:
    scores = {"csmf_accuracy": score}
    fold = FoldRecord(fold=0, n_validation=9, validation=scores, train=scores, fit_seconds=0.1)
    return TrialRecord(
        trial=number, batch=number, params={"C": number / 7}, state="complete", folds=[fold],
        scores=scores,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> ExperimentStore:
    made = ExperimentStore(Store(str(tmp_path / "results")), "x")
    for number in range(N):
        made.save_trial("m", record(number))
    return made


@pytest.fixture
def trials(tmp_path: Path) -> Path:
    return tmp_path / "results" / "x" / "m" / "trials"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Trials' own objects that were read."""
    names: list[str] = []
    get = Folder.get

    def noting(self: Folder, path: str) -> bytes | None:
        if "pack-" not in path:
            names.append(path.rpartition("/")[2])
        return get(self, path)

    monkeypatch.setattr(Folder, "get", noting)
    return names


def test_many_records_are_read_from_few_objects(
    store: ExperimentStore, trials: Path, asked: list[str]
) -> None:
    first = store.load_trials("m", pack=True)
    assert len(list(trials.glob("pack-*"))) == 3
    asked.clear()
    assert store.load_trials("m") == first == [record(number) for number in range(N)]
    assert asked == []
    store.save_trial("m", record(N))
    assert store.load_trials("m", pack=True)[-1] == record(N)
    assert asked == [f"{N:06d}.json"]
    assert len(list(trials.glob("pack-*"))) == 3  # one trial is not worth a pack


def test_few_records_and_whoever_only_reads_make_none(store: ExperimentStore, trials: Path) -> None:
    store.load_trials("m")
    assert not list(trials.glob("pack-*"))
    for number in range(9, N):
        (trials / f"{number:06d}.json").unlink()
    store.load_trials("m", pack=True)
    assert not list(trials.glob("pack-*"))


def test_what_changed_since_is_taken_from_its_own_object(
    store: ExperimentStore, trials: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.load_trials("m", pack=True)
    (trials / "000003.json").write_text(record(3, 0.9).model_dump_json(indent=1))
    (trials / "000004.json").unlink()
    damaged = (trials / "000005.json").read_bytes()
    (trials / "000005.json").write_bytes(damaged.replace(b"0.1", b"!.!"))  # as long as before
    found = {one.trial: one for one in store.load_trials("m")}
    assert found[3].scores == {"csmf_accuracy": 0.9}
    assert set(range(N)) - found.keys() == {4, 5}
    assert "000005.json" in caplog.text


HELD = [b"{", b"[1, 2]", b'{"000001.json": ["version"]}', b'{"000001.json": [1, "{}"]}']


@pytest.mark.parametrize("number", range(3 + len(HELD)))
def test_a_pack_that_is_not_whole_is_as_if_it_were_not_there(
    store: ExperimentStore, trials: Path, number: int
) -> None:
    store.load_trials("m", pack=True)
    whole = next(trials.glob("pack-*")).read_bytes()
    content = [b"", b"no gzip", whole[:-9], *map(gzip.compress, HELD)][number]
    for pack in trials.glob("pack-*"):
        pack.write_bytes(content)
    assert store.load_trials("m") == [record(number) for number in range(N)]
    assert store.load_trials("m", pack=True) == store.load_trials("m")


def test_a_copy_that_is_no_record_is_not_believed(store: ExperimentStore, trials: Path) -> None:
    store.load_trials("m", pack=True)
    for pack in trials.glob("pack-*"):
        held = json.loads(gzip.decompress(pack.read_bytes()))
        others = {name: [version, "{}"] for name, (version, _) in held.items()}
        pack.write_bytes(gzip.compress(json.dumps(others).encode()))
    assert store.load_trials("m") == [record(number) for number in range(N)]


def test_check_reads_the_objects_themselves(store: ExperimentStore, trials: Path) -> None:
    store.load_trials("m", pack=True)
    path = trials / "000007.json"
    before = path.stat()
    path.write_bytes(b"?" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a disk forgets
    assert [one.path for one in store.damaged_numbered("m")] == ["x/m/trials/000007.json"]


def test_a_copied_folder_is_packed_anew(store: ExperimentStore, trials: Path) -> None:
    store.load_trials("m", pack=True)
    old = {pack.name for pack in trials.glob("pack-*")}
    shutil.copytree(trials, trials.with_name("copy"))
    shutil.rmtree(trials)
    shutil.move(trials.with_name("copy"), trials)
    assert store.load_trials("m", pack=True) == [record(number) for number in range(N)]
    new = {pack.name for pack in trials.glob("pack-*")}
    assert len(new) == 3
    assert not new & old


def test_a_store_that_takes_no_pack_is_read_all_the_same(
    store: ExperimentStore, trials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("full")

    monkeypatch.setattr(Store, "put", refuse)
    assert store.load_trials("m", pack=True) == [record(number) for number in range(N)]
    assert not list(trials.glob("pack-*"))


def _refusing(error: StoreError) -> Callable[[Store, str], bytes | None]:
    get = Store.get

    def refuse(self: Store, path: str) -> bytes | None:
        if "pack-" in path:
            raise error
        return get(self, path)

    return refuse


def test_a_store_that_is_away_is_waited_for_once(
    store: ExperimentStore, trials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.load_trials("m", pack=True)
    monkeypatch.setattr(Store, "get", _refusing(StoreError("it is away")))
    monkeypatch.setattr(Store, "delete", lambda *_: pytest.fail("a pack was deleted unread"))
    with pytest.raises(StoreError, match="it is away"):
        store.load_trials("m", pack=True)
    assert len(list(trials.glob("pack-*"))) == 3


def test_a_pack_that_may_not_be_read_stays(
    store: ExperimentStore, trials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.load_trials("m", pack=True)
    packs_there = set(trials.glob("pack-*"))
    with monkeypatch.context() as patched:
        patched.setattr(Store, "get", _refusing(UnreadableError("denied")))
        assert store.load_trials("m", pack=True) == [record(number) for number in range(N)]
    assert set(trials.glob("pack-*")) == packs_there


def test_whoever_packs_the_same_writes_the_same(store: ExperimentStore, trials: Path) -> None:
    store.load_trials("m", pack=True)
    before = set(trials.glob("pack-*"))
    copies = {}
    for pack in before:
        for name, (version, content) in json.loads(gzip.decompress(pack.read_bytes())).items():
            copies[f"x/m/trials/{name}"] = packs.Copy(version, content.encode())
    for first in range(0, N, 10):
        some = sorted(copies.items())[first : first + 10]
        assert packs.write_packs(store.store, "x/m/trials", dict(reversed(some)))
    assert set(trials.glob("pack-*")) == before
    assert packs.write_packs(store.store, "x/m/trials", copies)
    assert len(set(trials.glob("pack-*"))) == len(before) + 1
    store.load_trials("m", pack=True)
    # Names, which come from contents, decide whether the large pack is read before small ones.
    assert len(set(trials.glob("pack-*"))) <= len(before), "what adds nothing is gone"
    assert store.load_trials("m") == [record(number) for number in range(N)]


def test_large_records_are_in_packs_that_can_be_read(
    store: ExperimentStore, trials: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = (trials / "000000.json").stat().st_size
    monkeypatch.setattr(packs, "_FULL", 4 * one)
    monkeypatch.setattr(packs, "_LARGEST", 16 * one)
    huge = record(7).model_copy(update={"error": '"' * 20 * one})
    store.store.put("x/m/trials/000007.json", huge.model_dump_json().encode())
    first = store.load_trials("m", pack=True)
    assert len(list(trials.glob("pack-*"))) >= N / 4
    asked.clear()
    assert store.load_trials("m") == first
    assert asked == ["000007.json"]


def test_a_pack_speaks_for_no_other_object(store: ExperimentStore, trials: Path) -> None:
    (trials / "000005.npz").write_bytes(b"not ours")
    (trials / "000006.json").unlink()
    (trials / "000006.json").symlink_to("nothing")
    store.load_trials("m", pack=True)
    held = {"000006.json": ["", record(6).model_dump_json()]}
    (trials / f"pack-{0:016x}.json.gz").write_bytes(gzip.compress(json.dumps(held).encode()))
    assert {one.trial for one in store.load_trials("m")} == set(range(N)) - {5, 6}


def test_what_is_no_text_is_damage_and_packs_the_rest(store: ExperimentStore, trials: Path) -> None:
    path = trials / "000003.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"{", b'{"free": "\xed\xa0\x80",', 1))
    (trials / "000004.json").write_bytes(whole.replace(b'"batch": 3', b'"batch": NaN'))
    (trials / "000008.json").write_bytes(
        (trials / "000008.json").read_bytes().replace(b"0.1", b"NaN")
    )
    left = [record(number) for number in range(N) if number not in (3, 4, 8)]
    assert store.load_trials("m", pack=True) == left
    assert len(store.damaged_numbered("m")) == 3


def test_a_trial_that_was_scored_by_other_metrics_is_replaced(store: ExperimentStore) -> None:
    scores = {"csmf_accuracy": 0.5, "own:metric": 0.1}
    folds = [record(3).folds[0].model_copy(update={"validation": scores})]
    other = record(3).model_copy(update={"scores": scores, "folds": folds})
    store.save_trial("m", other)
    assert {one.trial: one for one in store.load_trials("m")}[3] == other
    store.save_trial("m", record(3, 0.9))
    assert {one.trial: one for one in store.load_trials("m")}[3] == other, "the first one stays"
