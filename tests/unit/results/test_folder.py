"""Files as objects: whole or absent, on any file system, whoever else writes."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tuner_job.errors import StoreError, UnreadableError
from tuner_job.results.folder import Folder
from tuner_job.results.store import Store, check_writable


@pytest.fixture(params=["hard links", "no hard links"])
def folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Folder:
    if request.param == "no hard links":

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")  # what exFAT and SMB answer

        monkeypatch.setattr(os, "link", refuse)
    return Folder(tmp_path / "a [b] folder")


def test_of_many_creates_one_wins_and_its_content_stays(folder: Folder) -> None:
    for number in range(20):
        with ThreadPoolExecutor(8) as threads:
            won = list(
                threads.map(
                    lambda i, n=number: folder.create(f"m/{n}", f"{i}".encode() * 999), range(8)
                )
            )
        assert sum(won) == 1
        assert folder.get(f"m/{number}") == f"{won.index(True)}".encode() * 999


def test_nothing_is_left_beside_what_was_written(folder: Folder) -> None:
    assert folder.create("m/trials/000001.json", b"1")
    assert not folder.create("m/trials/000001.json", b"2")
    folder.put("m/best.json", b"1")
    folder.put("m/best.json", b"2")
    assert sorted(folder.paths("")) == ["m/best.json", "m/trials/000001.json"]
    assert [path.name for path in folder.root.rglob("*") if path.is_file()].count("best.json") == 1
    assert not list(folder.root.rglob(".*"))


def test_a_reader_beside_a_writer_sees_one_of_the_two_contents(folder: Folder) -> None:
    old, new = b"a" * 2_000_000, b"b" * 2_000_000
    folder.put("x", old)
    with ThreadPoolExecutor(1) as writer:
        written = [writer.submit(folder.put, "x", content) for content in (new, old) * 20]
        seen = {folder.get("x") for _ in range(200)} | {None}
        [one.result() for one in written]
    assert seen <= {old, new, None}


def test_what_is_written_is_synced_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (steps.append("sync"), sync(handle))[1])
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (steps.append("name"), replace(self, to))[1]
    )
    folder = Folder(tmp_path)
    folder.put("x", b"1")
    assert steps == ["sync", "name", "sync"], (
        "the content, its name, and the folder that holds the name"
    )


def _full(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.put("x", b"old")
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space"):
        folder.put("x", b"new")
    with pytest.raises(OSError, match="No space"):
        folder.create("y", b"new")
    assert folder.get("x") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "a//b", ".", "", "a/./b", "a\0b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    store = Store(str(tmp_path / "inside"))
    if name == "/etc/x":
        store.put(name, b"")
        assert (tmp_path / "inside" / "etc" / "x").exists()
        return
    with pytest.raises(StoreError, match="would lead out of the folder"):
        store.put(name, b"")
    assert not (tmp_path / "x").exists()


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "typo"))
    assert store.get("exp/experiment.yaml") is None
    assert store.paths("") == store.folders() == []
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop"])
def test_what_is_no_file_is_said_at_once_and_replaced(tmp_path: Path, kind: str) -> None:
    store, place = Store(str(tmp_path)), tmp_path / "x"
    match kind:
        case "folder":
            (place / "inside").mkdir(parents=True)
        case "pipe":
            os.mkfifo(place)
        case "loop":
            place.symlink_to(place)
    with pytest.raises(UnreadableError, match="x: cannot be read: "):
        store.get("x")
    assert not store.create("x", b"new")
    store.put("x", b"new")
    assert store.get("x") == b"new"
    assert store.paths("") == ["x"]


def test_files_that_systems_leave_behind_are_not_listed(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.put("m/x.json", b"")
    for name in (".DS_Store", "m/._x.json", ".Trash/y"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert store.paths("") == ["m/x.json"]
    assert store.folders() == ["m"]


def test_a_file_that_goes_while_it_is_read_is_said(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.put("m/model.bin", b"1")
    pieces = store.chunks("m/model.bin")
    assert pieces is not None
    (tmp_path / "m" / "model.bin").unlink()
    with pytest.raises(StoreError, match=r"m/model\.bin: cannot be read: No such file"):
        list(pieces)


def test_the_clock_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for now in (-1e9, 0.0, 1e11):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        check_writable(str(tmp_path / "results"))
        Store(str(tmp_path / "results")).put("x", b"1")


def test_a_store_whose_create_overwrites_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overwriting(self: Folder, path: str, content: bytes) -> bool:
        self.put(path, content)
        return True

    monkeypatch.setattr(Folder, "create", overwriting)
    with pytest.raises(StoreError, match="one must be refused"):
        check_writable(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_folders_made_for_a_write_that_fails_go_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space"):
        Folder(tmp_path / "there" / "new").put("deep/object.json", b"content")
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]
