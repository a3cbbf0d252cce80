"""Named numpy arrays as bytes: a zip file that depends on its content alone, and cannot carry code.

Whoever can write the store can write what is read here. So nothing is taken on trust: sizes are
bounded before anything is unpacked, and an array is what its header says or is refused.
"""

import io
import math
import re
import zipfile
import zlib
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.errors import StoreError
from tuner_job.wording import plain

Arrays = Mapping[str, NDArray[Any]]

MOST_MEMBERS = 128
"""Members of a zip file, those of a zip file within it included: a model has a dozen, an ensemble
those of all its members."""
FREE_BYTES = 64 * 2**20
"""What any zip file may unpack to; more than that only in proportion to its own size."""
MOST_RATIO = 32
"""Bytes that one byte of a zip file may unpack to, beyond `FREE_BYTES`; fitted models have 2 to
8."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_DIRECTORY_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '[<|]([biufU])(\d{1,3})', 'fortran_order': (False|True), "
    rb"'shape': \(((?:\d{1,12}, ?)*(?:\d{1,12})?)\), \} *\n",
    re.DOTALL,
)
_BROKEN = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the standard library raises on malformed bytes."""


def require(holds: object, what: str) -> None:
    """Refuse what is stored unless it `holds`.

    Raises
    ------
    StoreError
        With `what`, which says what must hold.
    """
    if not holds:
        raise StoreError(what)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what malformed bytes raise into a `StoreError` that names `what` was read."""
    try:
        yield
    except _BROKEN as error:
        reason = plain(str(error).partition("\n")[0] or type(error).__name__)
        raise StoreError(f"{what} cannot be read: {reason}") from None


def write_zip(members: Mapping[str, bytes], stored: Container[str] = ()) -> bytes:
    """Write a zip file that depends on its members alone: no clock, no order. Those `stored` are
    not deflated."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = 3, 0o600 << 16
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, members[name], compresslevel=6)
    return buffer.getvalue()


def read_zip(content: bytes, most: int | None = None) -> dict[str, bytes]:
    """Unpack a zip file of somebody else's in memory.

    Parameters
    ----------
    most
        Bytes that all members together may have; None: `FREE_BYTES`, and `MOST_RATIO` times its own
        size.

    Raises
    ------
    StoreError
        If it is none, or is larger, or has members that are encrypted, repeated or too many.
    """
    most = _most(content) if most is None else most
    require(
        content.count(_DIRECTORY_ENTRY) <= MOST_MEMBERS,
        f"a zip file must have at most {MOST_MEMBERS} members",
    )
    with reading("the zip file"), zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        names = {info.filename for info in infos}
        total = sum(info.file_size for info in infos)
        require(len(names) == len(infos), "a zip file must have each member once")
        require(total <= most, f"a zip file must unpack to at most {most:,} bytes, found {total:,}")
        plainly = all(
            info.compress_type in _METHODS and not info.flag_bits & _ENCRYPTED for info in infos
        )
        require(plainly, "a zip file must be stored or deflated, and not encrypted")
        return {info.filename: _member(archive, info) for info in infos}


def read_member(file: IO[bytes], name: str, most: int) -> bytes:
    """Read one member of a zip file, of at most so many bytes, and not the others.

    Raises
    ------
    StoreError
    """
    with reading("the zip file"), zipfile.ZipFile(file) as archive:
        info = archive.getinfo(name)
        require(
            info.file_size <= most,
            f"{name} must have at most {most:,} bytes, found {info.file_size:,}",
        )
        return _member(archive, info)


def _most(content: bytes) -> int:
    return FREE_BYTES + MOST_RATIO * len(content)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Read one member. A size is always asked for: without one, as much as there is would be
    inflated at once."""
    with archive.open(info) as file:
        content = file.read(info.file_size + 1)
    require(
        len(content) == info.file_size,
        f"{plain(info.filename)} must have the {info.file_size:,} bytes stated",
    )
    return content


def write_array(array: NDArray[Any]) -> bytes:
    """Write an array as numpy's own files have it."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def read_array(content: bytes, name: str = "the array") -> NDArray[Any]:
    """Read what `write_array` wrote: numbers, truth values, or one text.

    Raises
    ------
    StoreError
        If it is anything else, or its bytes are not as many as its header says.
    """
    header = _HEADER.match(content)
    require(
        header and len(header[0]) == 10 + int.from_bytes(header[1], "little"),
        f"{name} must be an array of numbers",
    )
    assert header
    kind, size = header[2].decode(), int(header[3])
    shape = tuple(int(length) for length in header[5].replace(b",", b" ").split())
    width = 4 * size if kind == "U" else size
    stated = math.prod(shape) * width
    data = content[header.end() :]
    require(
        len(data) == stated,
        f"{name} must have the {stated:,} bytes that its header states, found {len(data):,}",
    )
    with reading(name):
        if kind == "U":
            require(shape == (), f"{name} must be a single text")
            return np.array(data.decode("utf-32-le").rstrip("\0"))
        if kind == "b":  # any other byte would count as several
            require(max(data, default=0) <= 1, f"{name} must be true or false")
        values = np.frombuffer(data, f"<{kind}{size}" if kind != "b" else np.bool_)
        return values.reshape(shape, order="F" if header[4] == b"True" else "C").copy()


def write_arrays(arrays: Arrays, deflate: bool = True) -> bytes:
    """Write named arrays as ``.npz``; the same arrays give the same bytes."""
    members = {f"{name}.npy": write_array(array) for name, array in arrays.items()}
    if not deflate:
        return write_zip(members, stored=members)
    deflated = write_zip(members)
    readable = sum(map(len, members.values())) <= _most(deflated)
    return deflated if readable else write_zip(members, stored=members)


def read_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """Read an ``.npz`` of somebody else's.

    Raises
    ------
    StoreError
    """
    members = {name.removesuffix(".npy"): data for name, data in read_zip(content).items()}
    return {name: read_array(data, plain(name)) for name, data in members.items()}
