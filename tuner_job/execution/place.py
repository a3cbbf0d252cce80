"""What Ray needs of its surroundings, looked at before it starts: its own answers take minutes
and are no sentences."""

import os
import re
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

from tuner_job.errors import InputError
from tuner_job.wording import shown

_ADDRESS = re.compile(r"(ray://)?(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})")
_ANSWER_SECONDS = 10.0  # for a cluster that is just starting
_REQUEST_SECONDS = 5.0
_PAUSE = 0.5
_SOCKET = "/ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
_LONGEST = 107  # bytes of a socket's path
_LEAST_FREE = 100 * 2**20  # in the temporary folder: sockets, logs


ADDRESS = "RAY_ADDRESS"
"""Environment variable that names a Ray cluster; ``local``: an embedded one."""


def address_given() -> str | None:
    """What RAY_ADDRESS says; None if it is not set, empty, or asks for an embedded Ray."""
    address = os.environ.get(ADDRESS, "").strip()
    return None if address in ("", "local") else address


def ray_folder() -> Path:
    """Return the temporary folder in which an embedded Ray has a folder for each of its runs."""
    variable = _folder_variable()
    return Path(os.environ[variable] if variable else "/tmp") / "ray"


def _folder_variable() -> str | None:
    return next((name for name in ("RAY_TMPDIR", "TMPDIR") if name in os.environ), None)


def require_address(address: str) -> None:
    """Refuse an address that is none or where nobody answers.

    Raises
    ------
    InputError
    """
    if address == "auto":
        return
    parts = _ADDRESS.fullmatch(address)
    if not parts or not 0 < int(parts["port"]) < 2**16:
        raise InputError(f"RAY_ADDRESS: must be HOST:PORT or auto, got {shown(address)}")
    limit = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            with socket.create_connection(
                (parts["host"].strip("[]"), int(parts["port"])), _REQUEST_SECONDS
            ):
                return
        except (OSError, UnicodeError) as error:
            if time.monotonic() + _PAUSE > limit or not isinstance(error, ConnectionError):
                why = getattr(error, "strerror", None) or "no answer"
                raise InputError(
                    f"RAY_ADDRESS: no Ray cluster answers at {shown(address)} ({why}): start it, "
                    "or unset RAY_ADDRESS to search on this machine"
                ) from None
        time.sleep(_PAUSE)


def require_folders(store_bytes: int) -> None:
    """Refuse a temporary folder or shared memory that an embedded Ray could not use.

    Parameters
    ----------
    store_bytes
        Size of its object store, in shared memory if there is room, else in the temporary folder.

    Raises
    ------
    InputError
    """
    if sys.platform == "win32":  # Ray has ports there, and no sockets with a path
        return
    variable, folder = _folder_variable(), ray_folder().parent
    where = f"{variable}={shown(str(folder))}" if variable else str(folder)
    if not folder.is_absolute():
        raise InputError(f"{where}: must be an absolute path, for Ray's own files")
    if (length := len(os.fsencode(folder)) + len(_SOCKET)) > _LONGEST:
        raise InputError(
            f"{where}: is too long by {length - _LONGEST} bytes for Ray's sockets below it; set "
            "RAY_TMPDIR to a shorter path"
        )
    _require_writable(
        folder / "ray" if (folder / "ray").is_dir() else folder, where, "Ray's own files"
    )
    free = shutil.disk_usage(folder).free
    if sys.platform == "linux":
        shared = Path("/dev/shm")
        _require_writable(shared, str(shared), "Ray's shared objects")
        if shutil.disk_usage(shared).free < store_bytes:
            free -= store_bytes
    if free < _LEAST_FREE:
        raise InputError(
            f"{where}: has too little room for Ray's own files: {max(0, free):,} bytes are left"
        )


def _require_writable(folder: Path, where: str, what: str) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{where}: cannot be written, which {what} need: {error.strerror}"
        ) from None
