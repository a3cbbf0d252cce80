"""Files that the user names: read if they are plain files, written whole or not at all."""

import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from tuner_job.address import parse
from tuner_job.errors import InputError
from tuner_job.wording import plain

MOST_BYTES = 2 << 30
"""Of a file that is read as a whole: the largest that a column of text can hold."""
_BLOCK = 4096
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def local_path(address: str) -> Path | None:
    """Return the path of a local address, with or without ``file://``; None for any other."""
    try:
        parsed = parse(address)
    except ValueError:
        return None
    return Path(parsed.path) if parsed.scheme == "file" else None


def read_file(path: Path) -> bytes:
    """Read a plain file as a whole.

    Raises
    ------
    OSError
        It is not there, or cannot be opened.
    ValueError
        It is no plain file, too large, or no file can have this name.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise ValueError("it is a folder; name a file in it")
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"must be a plain file, found {_kind(found)}")
    if found.st_size > MOST_BYTES:
        raise ValueError(
            f"must have at most {MOST_BYTES >> 30} GiB, found {found.st_size / (1 << 30):,.1f} GiB"
        )
    return path.read_bytes()


def check_outputs(outputs: Mapping[str, Path], inputs: Sequence[Path] = ()) -> None:
    """Find out before any work whether files can be written; nothing is changed.

    Parameters
    ----------
    outputs
        Option → the file that it names.
    inputs
        Files that are read and must stay as they are.

    Raises
    ------
    InputError
        A file cannot be written, is also an input, or is named by two options.
    """
    for option, path in outputs.items():
        with _refused(option, path):
            _check_place(path)
            for given in inputs:
                if is_same_file(path, given):
                    raise ValueError(
                        f"it is the input {plain(given)}, which stays as it is; name another file"
                    )
    named = list(outputs.items())
    for n, (option, path) in enumerate(named):
        for other, earlier in named[:n]:
            if is_same_file(path, earlier) or _same_but_for_case(path, earlier):
                raise InputError(f"{other} and {option}: must be two files, both are {plain(path)}")


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file, by links of either kind too."""
    try:
        return path.samefile(other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)
    except ValueError:  # a name that no file can have
        return False


@contextmanager
def whole_files(paths: Sequence[Path]) -> Iterator[list[TextIO]]:
    """Open text files that all appear when the block ends, or, if anything goes wrong, none of
    them.

    What is written goes to a hidden file beside each one first; a file that was there stays until
    the new one is on the disk, and keeps its mode. A symbolic link stays and its target is written.

    Raises
    ------
    InputError
        They cannot be written; everything is as it was.
    """
    targets = [Path(os.path.realpath(path)) for path in paths]
    parts = [_beside(target) for target in targets]
    try:
        with ExitStack() as stack:
            files = [
                stack.enter_context(_opened(part, target))
                for part, target in zip(parts, targets, strict=True)
            ]
            yield files
            for file in files:
                file.flush()
                os.fsync(file.fileno())
        _replace_all(parts, targets)
    except OSError as error:
        named = ", ".join(plain(path) for path in paths)
        raise InputError(
            f"{named}: cannot be written: {_reason(error)}; nothing was changed"
        ) from None
    finally:
        for part in parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _check_place(path: Path) -> None:
    """See that a plain file can be put here, by putting one beside it for a moment."""
    if not path.name:
        raise ValueError("must be the name of a file")
    try:
        found = path.stat()  # through symbolic links
    except FileNotFoundError:
        found = None
    if found and not stat.S_ISREG(found.st_mode):
        raise ValueError(f"it is {_kind(found)}")
    if found and not (found.st_mode & 0o222 and os.access(path, os.W_OK)):
        raise ValueError("it is read-only")
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise ValueError(f"there is no folder {plain(target.parent)}")
    _probe(_beside(target))


def _probe(part: Path) -> None:
    try:
        with part.open("xb") as file:
            file.write(bytes(_BLOCK))
            file.flush()
            os.fsync(file.fileno())
    finally:
        part.unlink(missing_ok=True)


def _same_but_for_case(path: Path, other: Path) -> bool:
    """Whether two files that are not there yet would be one where case does not matter."""
    names = [os.path.realpath(one).casefold() for one in (path, other)]
    return names[0] == names[1]


def _beside(target: Path) -> Path:
    return target.with_name(f".va-tuning-{secrets.token_hex(6)}.part")


@contextmanager
def _opened(part: Path, target: Path) -> Iterator[TextIO]:
    with part.open("x", newline="", encoding="utf-8") as file:
        with suppress(FileNotFoundError):
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        yield file


def _replace_all(parts: Sequence[Path], targets: Sequence[Path]) -> None:
    """Put every file in its place; if one cannot be, put back what the earlier ones replaced."""
    copies = [_beside(target) for target in targets[:-1]]
    try:
        for target, copy in zip(targets, copies, strict=False):
            if target.exists():
                shutil.copy2(target, copy)
        for part, target in zip(parts, targets, strict=True):
            part.replace(target)
    except BaseException:
        if parts[-1].exists():  # the last one never took its place
            _put_back(parts, targets, copies)
        raise
    finally:
        for copy in copies:
            copy.unlink(missing_ok=True)
    for folder in {target.parent for target in targets}:
        _sync_folder(folder)


def _put_back(parts: Sequence[Path], targets: Sequence[Path], copies: Sequence[Path]) -> None:
    for part, target, copy in zip(parts, targets, copies, strict=False):
        if part.exists():
            continue
        if copy.exists():
            copy.replace(target)
        else:
            target.unlink()


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _refused(option: str, path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError(
            f"{option}: {plain(path) or 'nothing'} cannot be written: {_reason(error)}"
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error)


def _kind(found: os.stat_result) -> str:
    return next((word for is_kind, word in _KINDS if is_kind(found.st_mode)), "no plain file")
