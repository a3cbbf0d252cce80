"""Compressed files, taken apart within bounds."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from tuner_job.data.reading.raw import first_line
from tuner_job.errors import DataError

MOST_UNPACKED = 2 << 30
"""Bytes, as of a file that is not compressed: a few kilobytes may unpack to more than memory."""
_BLOCK = 1 << 20
_KINDS: Final[Mapping[bytes, tuple[str, Callable[[io.BytesIO], Any]]]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ\x00": ("xz", lzma.open),
}


def unpack(content: bytes, source: str) -> bytes:
    """Decompress what gzip, bzip2 or xz compressed; anything else stays as it is.

    Raises
    ------
    DataError
        It is damaged, truncated, or larger than `MOST_UNPACKED` when unpacked.
    """
    for magic, (name, opened) in _KINDS.items():
        if content.startswith(magic):
            return _unpack(content, name, opened, source)
    return content


def _unpack(
    content: bytes,
    name: str,
    opened: Callable[[io.BytesIO], Any],
    source: str,
) -> bytes:
    unpacked = bytearray()
    try:
        with opened(io.BytesIO(content)) as file:
            while block := file.read(_BLOCK):
                unpacked += block
                if len(unpacked) > MOST_UNPACKED:
                    raise DataError(
                        f"{source}: must have at most {MOST_UNPACKED >> 30} GiB when unpacked; "
                        f"found more in {len(content):,} bytes of {name}-compressed data"
                    )
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise DataError(
            f"{source}: must be whole {name}-compressed data; {first_line(error)}"
        ) from error
    return bytes(unpacked)
