"""Storage that refuses: errors of the operating system at each file operation, full and
read-only file systems."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.reliability.faults.crashes import FINISHED, QUICK, STORED_PLACE, operations
from tests.reliability.faults.fault import (
    TUNE,
    WHERE,
    Fault,
    ends,
    goes_on,
    put_small,
    readable,
    run,
    undisturbed,
)
from tests.reliability.faults.hooks import Plan
from tests.reliability.samples import put_stored

GROUP = "storage that refuses"
_NUMBERS = (
    errno.ENOSPC,
    errno.EIO,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.ESTALE,
    errno.EMFILE,
    errno.ENAMETOOLONG,
)
_NO_LINKS = (
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EMLINK,
    errno.EXDEV,
    errno.ENOSYS,
    errno.EINVAL,
    errno.EACCES,
)


def faults() -> Iterator[Fault]:
    """Yield the faults."""
    for number in _NUMBERS:
        for name in QUICK:
            yield Fault(
                GROUP,
                "every write fails",
                f"{name}, {errno.errorcode[number]}",
                partial(_failing, name, number),
                QUICK[name],
            )
    for i, number in enumerate(_NUMBERS):
        yield Fault(
            GROUP,
            "writes fail from a point on",
            errno.errorcode[number],
            partial(_failing_tune, number, (i + 1) / 10),
            undisturbed="tune",
        )
    for number in dict.fromkeys(_NO_LINKS):
        yield Fault(
            GROUP, "no hard links", errno.errorcode[number], partial(_without_links, number)
        )
    for share in (0, 1, 2, 4, 8):
        yield Fault(
            GROUP,
            "a small disk",
            f"tune, {share * 16} KiB free",
            partial(_small_disk, share * 16 * 1024),
        )
    for name in QUICK:
        yield Fault(GROUP, "a full disk", name, partial(_full_disk, name), QUICK[name])
        yield Fault(GROUP, "a read-only disk", name, partial(_read_only, name), QUICK[name])
    for argv in (
        ("show", STORED_PLACE),
        ("show", STORED_PLACE, "--trials"),
        ("show", STORED_PLACE, "--json"),
    ):
        yield Fault(GROUP, "a read-only disk", " ".join(argv), partial(_reading, argv), argv)


def _failing(name: str, number: int, folder: Path) -> Iterator[str]:
    put_stored(folder)
    before = _contents(folder)
    outcome = run(folder, *QUICK[name], plan=Plan(str(folder), 1, number, again=True))
    yield from ends(outcome, "refused", "run error")
    yield from _nothing_lost(before, folder)
    yield from ends(run(folder, *QUICK[name]), "accepted")


def _failing_tune(number: int, share: float, folder: Path) -> Iterator[str]:
    put_small(folder)
    undisturbed()
    at = 1 + int(operations("tune")[0] * share)
    outcome = run(folder, *TUNE, plan=Plan(str(folder), at, number, again=True))
    yield from ends(outcome, "refused", "run error")
    yield from readable(folder) if (folder / WHERE / "experiment.yaml").exists() else ()
    yield from goes_on(folder)


def _without_links(number: int, folder: Path) -> Iterator[str]:
    put_stored(folder)
    (folder / STORED_PLACE / "provenance.json").unlink()
    (folder / STORED_PLACE / "experiment.yaml").unlink()
    plan = Plan(str(folder), 1, number, event="os.link", again=True)
    yield from ends(run(folder, *FINISHED, plan=plan), "accepted")
    for path in ("provenance.json", "experiment.yaml", "summary.json"):
        if not (folder / STORED_PLACE / path).read_bytes():
            yield f"{path} is empty"
    yield from ends(run(folder, "show", STORED_PLACE), "accepted")


@contextmanager
def _disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of its own."""
    place = folder / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def _small_disk(free: int, folder: Path) -> Iterator[str]:
    put_small(folder)
    undisturbed()
    argv = (*TUNE, "--results", "disk/results")
    with _disk(folder, 2**22) as disk:
        (disk / "filler").write_bytes(bytes(2**22 - free))
        outcome = run(folder, *argv)
        yield from ends(outcome, "refused", "run error", "accepted")
        if outcome.code and "o space left" not in outcome.err:
            yield f"it does not say why: {outcome.err[-300:]!r}"
        (disk / "filler").unlink()
        yield from goes_on(folder, argv=argv, where="disk/results/small")


def _full_disk(name: str, folder: Path) -> Iterator[str]:
    with _disk(folder, 2**22) as disk:
        put_stored(disk)
        before = _contents(disk)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        yield from ends(run(disk, *QUICK[name]), "refused", "run error")
        yield from _nothing_lost(before, disk)
        filler.unlink()
        yield from ends(run(disk, *QUICK[name]), "accepted")


def _read_only(name: str, folder: Path) -> Iterator[str]:
    with _disk(folder, 2**22) as disk:
        put_stored(disk)
        before = _contents(disk)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        yield from ends(run(disk, *QUICK[name]), "refused", "run error")
        yield from _nothing_lost(before, disk)


def _reading(argv: tuple[str, ...], folder: Path) -> Iterator[str]:
    with _disk(folder, 2**22) as disk:
        put_stored(disk)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        yield from ends(run(disk, *argv), "accepted")


def _contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _nothing_lost(before: dict[str, bytes], folder: Path) -> Iterator[str]:
    """Every object is there, and those that are written once are as they were."""
    after = _contents(folder)
    for path, content in before.items():
        rewritten = path.endswith(("summary.json", "report.html"))
        if path not in after or (after[path] != content and not rewritten):
            yield f"{path} is {'changed' if path in after else 'gone'}"
    torn = [
        path
        for path in after
        if path not in before and not Path(path).name.startswith((".", "filler"))
    ]
    if torn:
        yield f"left {torn[:3]}"
