"""Files that the user names: refused before the work, or written whole, or left as they were."""

import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner_job.errors import InputError
from tuner_job.files.whole import check_outputs, local_path, read_file, whole_files


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def write(paths: list[Path], then: Callable[[], object]) -> None:
    """Write something to the first of several files, and do something before they appear."""
    with whole_files(paths) as files:
        files[0].write("new" * 50_000)
        then()


def fail(error: type[BaseException]) -> Callable[[], object]:
    def now() -> None:
        raise error

    return now


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def read_only(path: Path) -> Path:
    path.write_text("old")
    path.chmod(0o444)
    return path


def loop(path: Path) -> Path:
    path.symlink_to(path)
    return path


def dangling(path: Path) -> Path:
    path.symlink_to(path.parent / "nowhere" / "out.csv")
    return path


PLACES: list[tuple[Callable[[Path], Path], str]] = [
    (lambda folder: folder / "no" / "out.csv", "there is no folder"),
    (lambda folder: folder, "it is a folder"),
    (lambda _: Path("/dev/null"), "it is a device"),
    (lambda _: Path("/dev/full"), "it is a device"),
    (lambda folder: fifo(folder / "pipe"), "it is a pipe"),
    (lambda folder: read_only(folder / "old.csv"), "it is read-only"),
    (lambda folder: loop(folder / "loop"), "symbolic links"),
    (lambda folder: dangling(folder / "link"), "there is no folder"),
    (lambda folder: folder / ("x" * 300), "File name too long"),
    (lambda folder: folder / "a\0b", "null"),
    (lambda _: Path(), "must be the name of a file"),
    (lambda _: Path("/proc/out.csv"), "/proc/out.csv cannot be written"),
    (lambda folder: read_only(folder / "file") / "out.csv", "Not a directory"),
]


@pytest.mark.parametrize(("place", "reason"), PLACES)
def test_what_cannot_be_written_is_found_out_and_nothing_changes(
    tmp_path: Path, place: Callable[[Path], Path], reason: str
) -> None:
    path = place(tmp_path)
    before = listing(tmp_path)
    with pytest.raises(InputError, match="--output: ") as error:
        check_outputs({"--output": path})
    assert reason in str(error.value)
    assert len(str(error.value)) < 600
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    "way", ["itself", "relative", "dots", "symlink", "hard link", "folder link"]
)
def test_an_input_is_recognised_by_any_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data.csv"
    data.write_text("mine")
    (tmp_path / "folder").symlink_to(tmp_path)
    (tmp_path / "soft.csv").symlink_to(data)
    (tmp_path / "hard.csv").hardlink_to(data)
    path = {
        "itself": data,
        "relative": Path("data.csv"),
        "dots": tmp_path / ".." / tmp_path.name / "data.csv",
        "symlink": Path("soft.csv"),
        "hard link": Path("hard.csv"),
        "folder link": Path("folder/data.csv"),
    }[way]
    with pytest.raises(InputError, match="it is the input"):
        check_outputs({"--output": path}, [Path("data.csv")])
    check_outputs({"--output": tmp_path / "other.csv"}, [data])


@pytest.mark.parametrize("second", ["out.csv", "./out.csv", "OUT.csv", "link.csv"])
def test_two_outputs_must_be_two_files(tmp_path: Path, second: str) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "out.csv")
    with pytest.raises(InputError, match="--output and --csmf: must be two files"):
        check_outputs({"--output": tmp_path / "out.csv", "--csmf": tmp_path / second})


def test_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("old")
    with pytest.raises(RuntimeError):
        write([first, second], then=fail(RuntimeError))
    assert first.read_text() == "old"
    assert listing(tmp_path) == [first]
    with whole_files([first, second]) as files:
        for file in files:
            file.write("new\r\n")
    assert [path.read_bytes() for path in (first, second)] == [b"new\r\n"] * 2
    assert listing(tmp_path) == [first, second]


@pytest.mark.parametrize("existed", [True, False])
def test_if_the_last_cannot_take_its_place_the_first_is_put_back(
    tmp_path: Path, existed: bool
) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "folder" / "b.csv"
    second.parent.mkdir()
    if existed:
        first.write_text("old")
    with pytest.raises(InputError, match="nothing was changed"):
        write([first, second], then=second.mkdir)  # no file can replace a folder
    assert first.exists() == existed
    assert not existed or first.read_text() == "old"
    assert [path.name for path in listing(tmp_path)] == (["a.csv"] if existed else []) + [
        "folder",
        "b.csv",
    ]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interruption_leaves_nothing_behind(tmp_path: Path, stop: type[BaseException]) -> None:
    with pytest.raises(stop):
        write([tmp_path / "a.csv"], then=fail(stop))
    assert listing(tmp_path) == []


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (20_000, before[1])
    )  # as a disk that fills up: EFBIG for ENOSPC
    try:
        with (
            pytest.raises(InputError, match=r"a\.csv: cannot be written"),
            whole_files([path]) as (file,),
        ):
            file.write("x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "old"
    assert listing(tmp_path) == [path]


def test_modes_and_links_stay(tmp_path: Path) -> None:
    private, link, fresh = tmp_path / "private.csv", tmp_path / "link.csv", tmp_path / "fresh.csv"
    private.write_text("old")
    private.chmod(0o600)
    link.symlink_to(private)
    mask = os.umask(0o027)
    try:
        with whole_files([link, fresh]) as files:
            files[0].write("new")
    finally:
        os.umask(mask)
    assert link.is_symlink()
    assert private.read_text() == "new"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (private, fresh)] == [0o600, 0o640]


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "."])
def test_only_plain_files_are_read(path: str) -> None:
    with pytest.raises((ValueError, OSError)):
        read_file(Path(path))


def test_a_pipe_is_not_waited_for_and_a_giant_not_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found a pipe"):
        read_file(fifo(tmp_path / "pipe"))
    giant = tmp_path / "giant.csv"
    with giant.open("wb") as file:
        file.truncate(100 << 30)  # takes no place on the disk
    with pytest.raises(ValueError, match=r"must have at most 2 GiB, found 100\.0 GiB"):
        read_file(giant)


def test_local_addresses_are_told_from_others() -> None:
    assert local_path("a b/c#1.csv") == Path("a b/c#1.csv")
    assert local_path("file:///a%20b/c.csv") == Path("/a b/c.csv")
    assert local_path("s3://bucket/c.csv") is None
