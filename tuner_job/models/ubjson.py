"""UBJSON as far as XGBoost writes its models in it. The reader trusts nothing that it reads.

Source: https://ubjson.org, with the containers that state their length.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_VALUES = 1_500_000
"""Of a document, arrays of numbers counting once: a tree has 22."""
MOST_LEVELS = 16

_NUMBERS = {
    b"i": ">i1",
    b"U": ">u1",
    b"I": ">i2",
    b"l": ">i4",
    b"L": ">i8",
    b"d": ">f4",
    b"D": ">f8",
}
_SCALARS = dict(
    zip(_NUMBERS, map(struct.Struct, (">b", ">B", ">h", ">i", ">q", ">f", ">d")), strict=True)
)
_MARKERS = {np.dtype(dtype): marker for marker, dtype in _NUMBERS.items()}


def read(content: bytes) -> Any:
    """Read a document: objects as dict, arrays of one type as numpy arrays, other arrays as lists.

    Raises
    ------
    ValueError
        If it is none, is cut off, or exceeds the limits.
    """
    reader = _Reader(content)
    document = reader.value(0)
    if reader.at != len(content):
        raise ValueError(f"the document must end at byte {reader.at:,} of {len(content):,}")
    return document


@dataclass(frozen=True)
class Written:
    """An array whose values are written one after the other, so that they need not all be held."""

    count: int
    values: Iterable[bytes]


def write(value: Any) -> bytearray:
    """Write a document of dict, list, text, integers, numpy arrays of one dimension and
    `Written`."""
    out = bytearray()
    _put(out, value)
    return out


def write_parts(
    name: str, column: NDArray[Any], starts: Sequence[int], sizes: Sequence[int]
) -> Iterator[bytes]:
    """Write an object's entry `name` for each part of a column."""
    ordered = column.astype(column.dtype.newbyteorder(">"), copy=False)
    data, width = ordered.tobytes(), ordered.itemsize
    head = _length(len(name)) + name.encode() + b"[$" + _MARKERS[ordered.dtype] + b"#"
    for start, size in zip(starts, sizes, strict=True):
        yield head + _length(size) + data[start * width : (start + size) * width]


def _put(out: bytearray, value: Any) -> None:
    match value:
        case dict():
            out += b"{"
            for key, entry in value.items():
                out += _length(len(key)) + key.encode()
                _put(out, entry)
            out += b"}"
        case list():
            out += b"[#" + _length(len(value))
            for entry in value:
                _put(out, entry)
        case Written():
            out += b"[#" + _length(value.count)
            for written in value.values:
                out += written
        case np.ndarray():
            (written,) = write_parts("", value, [0], [len(value)])
            out += written[len(_length(0)) :]
        case str():
            out += b"S" + _length(len(value.encode())) + value.encode()
        case _:
            out += _length(value)


def _length(number: int) -> bytes:
    return b"L" + number.to_bytes(8, "big", signed=True)


class _Reader:
    def __init__(self, content: bytes):
        self.at = 0
        self._content = content
        self._left = MOST_VALUES

    def value(self, level: int) -> Any:
        self._left -= 1
        if self._left < 0 or level > MOST_LEVELS:
            raise ValueError(
                f"a document must have at most {MOST_VALUES:,} values on {MOST_LEVELS} levels"
            )
        marker = self._take(1)
        if marker == b"{":
            return self._entries(level + 1)
        if marker == b"[":
            return self._items(level + 1)
        return self._text() if marker == b"S" else self._number(marker)

    def _take(self, n: int) -> bytes:
        taken = self._content[self.at : self.at + n]
        if n < 0 or len(taken) < n:
            raise ValueError(
                f"the document ends {n:,} bytes after byte {self.at:,} at the earliest"
            )
        self.at += n
        return taken

    def _number(self, marker: bytes) -> Any:
        _dtype(marker)
        scalar = _SCALARS[marker]
        return scalar.unpack(self._take(scalar.size))[0]

    def _size(self) -> int:
        size = self._number(self._take(1))
        if not isinstance(size, int) or size < 0:
            raise ValueError("a length must be a whole number from 0")
        return size

    def _text(self) -> str:
        return self._take(self._size()).decode()

    def _entries(self, level: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while self._content[self.at : self.at + 1] != b"}":
            key = self._text()
            if key in entries:
                raise ValueError("an object must have each key once")
            entries[key] = self.value(level)
        self._take(1)
        return entries

    def _items(self, level: int) -> Any:
        marker = self._take(1)
        if marker == b"$":
            dtype = np.dtype(_dtype(self._take(1)))
            marker = self._take(1)
        elif marker == b"#":
            return [self.value(level) for _ in range(self._size())]
        if marker != b"#":
            raise ValueError("an array must state its length")
        return np.frombuffer(self._take(self._size() * dtype.itemsize), dtype)


def _dtype(marker: bytes) -> str:
    if marker not in _NUMBERS:
        raise ValueError(f"a value must not begin with {marker!r}")
    return _NUMBERS[marker]
