"""Objects as files: each appears whole or not at all, and is on the disk when the call returns.

Plain files, so that any file system will do: what lacks hard links (exFAT, SMB, many a FUSE) has a
way of its own, and no name rests on the clock.
"""

import errno
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Self
from uuid import uuid4

from tuner_job.address import Address
from tuner_job.public import without_secrets
from tuner_job.results.look import Look, Object
from tuner_job.wording import plain

_log = logging.getLogger(__name__)

_CHUNK = 2**20
_MOST_AT_ONCE = 2**30  # some systems read no more than 2 GiB by one call
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""To open a pipe would wait for ever."""
_LEADS_OUT = frozenset(("", ".", ".."))
_MOST_SHOWN = 200  # characters of a reason
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EROFS}
"""What file systems answer that cannot sync a folder, or anything."""
_FILES = (".json", ".npz", ".bin", ".yaml")


class Folder:
    """The objects below a folder, which is made at the first write.

    Names are relative, their parts parted by ``/``. Errors are those of the operating system, and
    `ValueError` for a name that would lead out of the folder.
    """

    REFUSALS: ClassVar[tuple[type[Exception], ...]] = (OSError, ValueError)
    OF_ONE_OBJECT: ClassVar[tuple[type[Exception], ...]] = (OSError,)

    def __init__(self, root: Path):
        self.root = root
        self._top = str(root).rstrip(os.sep)

    @classmethod
    def open(cls, address: Address, patience: timedelta) -> Self:
        """Take a ``file`` address; a folder is there at once."""
        return cls(Path(address.path).absolute())

    @staticmethod
    def reason_of(error: Exception) -> str:
        """The one sentence that helps."""
        if isinstance(error, OSError) and error.errno:
            return os.strerror(error.errno)
        return plain(without_secrets(" ".join(str(error).split())), _MOST_SHOWN)

    def get(self, path: str) -> bytes | None:
        """Content of a file; None if there is none."""
        target = self._name(path)
        try:
            handle = os.open(target, _READ)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            told = os.fstat(handle)
            if not stat.S_ISREG(told.st_mode):
                raise IsADirectoryError(errno.EISDIR, "it is no file")
            size, pieces = min(told.st_size + 1, _MOST_AT_ONCE), []
            while piece := os.read(handle, size):
                pieces.append(piece)
        finally:
            os.close(handle)
        return b"".join(pieces)

    def put(self, path: str, content: bytes) -> None:
        """Write a file over what was there."""
        target = self._at(path)
        with _written_beside(target, content) as temporary:
            if target.is_dir() and not target.is_symlink():
                target.rename(target.with_name(f".replaced-{uuid4().hex}"))
            temporary.replace(target)

    def create(self, path: str, content: bytes) -> bool:
        """Write a file unless there is one; return whether this call made it."""
        target = self._at(path)
        if os.path.lexists(target):
            return False
        with _written_beside(target, content) as temporary:
            return _take_name(temporary, target)

    def delete(self, path: str) -> None:
        """Remove a file; that there is none is no error."""
        target = self._at(path)
        if target.is_dir() and not target.is_symlink():
            target.rename(target.with_name(f".replaced-{uuid4().hex}"))
        target.unlink(missing_ok=True)
        _sync_folder(target.parent)

    def paths(self, prefix: str, cuts: Sequence[str] = ()) -> list[str]:
        """Names of all files below a folder, of folders that stand where a file should, and of a
        file in its way."""
        top = self._at(prefix) if prefix else self.root
        found = [name for name in _above(prefix) if self._at(name).is_file()]
        for folder, folders, names in os.walk(top):
            names += [name for name in folders if name.endswith(_FILES)]
            inside = Path(folder).relative_to(self.root).as_posix()
            above = "" if inside == "." else f"{inside}/"
            found += [f"{above}{name}" for name in names]
        return found

    def versions(self, prefix: str, cuts: Sequence[str] = ()) -> dict[str, str]:
        """Path → version of all that `paths` finds; empty of what cannot be asked."""
        found = dict.fromkeys(self.paths(prefix), "")
        for path in found:
            with suppress(OSError):
                found[path] = _version(os.stat(self._name(path)))  # noqa: PTH116 (of thousands)
        return found

    def folders(self) -> list[str]:
        """Names of the first-level folders."""
        try:
            return [entry.name for entry in os.scandir(self.root) if entry.is_dir()]
        except FileNotFoundError:
            return []

    def look(self, folder: str) -> Look:
        """What stands right in a folder; nothing where there is none."""
        found = Look([], {})
        try:
            entries = list(os.scandir(self._at(folder) if folder else self.root))
        except (FileNotFoundError, NotADirectoryError):
            return found
        for entry in entries:
            with suppress(FileNotFoundError):  # it has gone in between, or is a link to nothing
                told = entry.stat()
                if stat.S_ISDIR(told.st_mode):
                    found.folders.append(entry.name)
                elif stat.S_ISREG(told.st_mode):
                    one = Object(told.st_size, _version(told), told.st_mtime)
                    found.objects[entry.name] = one
        return found

    def chunks(self, path: str) -> Iterator[bytes] | None:
        """Content of a file piece by piece; None if there is none."""
        target = self._at(path)
        try:
            if not stat.S_ISREG(target.stat().st_mode):
                raise IsADirectoryError(errno.EISDIR, "it is no file")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _pieces(target)

    def _at(self, path: str) -> Path:
        return Path(self._name(path))

    def _name(self, path: str) -> str:
        """Name of a file as the system has it; making a `Path` takes longer than reading one."""
        parts = path.strip("/").split("/")
        if not _LEADS_OUT.isdisjoint(parts) or "\0" in path or (os.sep != "/" and os.sep in path):
            raise ValueError("its name would lead out of the folder, or names nothing")
        return os.sep.join((self._top, *parts))  # noqa: PTH118


def _version(told: os.stat_result) -> str:
    return f"{told.st_mtime_ns}-{told.st_size}-{told.st_ino}"


def _pieces(target: Path) -> Iterator[bytes]:
    with target.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece


@contextmanager
def _written_beside(target: Path, content: bytes) -> Iterator[Path]:
    """Have the content in a file beside the target, on the disk; what the block does is synced
    after it."""
    temporary = target.with_name(f".{uuid4().hex}.tmp")
    made: list[Path] = []
    try:
        _make_folder(target.parent, made)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            _sync(file.fileno())
        yield temporary
        _sync_folder(target.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        with suppress(OSError):  # others may have put something in
            for folder in reversed(made):
                folder.rmdir()
        raise
    temporary.unlink(missing_ok=True)


def _take_name(temporary: Path, target: Path) -> bool:
    """Give a finished file its name unless that is taken; of several who try at once, one
    succeeds."""
    try:
        target.hardlink_to(temporary)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        _log.debug("%s: there are no hard links here: %s", target, error)
    try:
        # whoever dies before the next line leaves an empty file: that is damage, which every reader
        # tells
        target.open("xb").close()
    except FileExistsError:
        return False
    try:
        temporary.replace(target)
    except OSError:
        target.unlink(missing_ok=True)
        raise
    return True


def _above(path: str) -> list[str]:
    """A name and those of the folders above it."""
    parts = path.strip("/").split("/") if path else []
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it; each that was not there is added to `made`."""
    if folder.is_dir():
        return
    _make_folder(folder.parent, made)
    folder.mkdir(exist_ok=True)
    made.append(folder)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new or a lost name in a folder outlast a power cut."""
    if os.name == "nt":  # Windows opens no folders
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
