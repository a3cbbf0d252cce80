"""R objects as R serializes them (XDR, version 3): rdata writes no strings of this pandas."""

import gzip
import struct
from collections.abc import Mapping, Sequence

LGL, INT, REAL, STR, VEC = 10, 13, 14, 16, 19
_NA_INT, _NA_REAL = -(2**31), struct.pack(">Q", 0x7FF00000000007A2)
_NIL = struct.pack(">i", 254)


def _int(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}i", *numbers)


def text(value: str | None) -> bytes:
    """A CHARSXP in UTF-8; None is NA."""
    if value is None:
        return _int(9, -1)
    raw = value.encode()
    return _int(0x8009, len(raw)) + raw


def pairs(named: Mapping[str, bytes]) -> bytes:
    """A pairlist with tags: attributes, or what save writes."""
    return b"".join(_int(0x402, 1) + text(name) + value for name, value in named.items()) + _NIL


def _flags(kind: int, attributes: Mapping[str, bytes]) -> bytes:
    return _int(kind | (0x200 if attributes else 0) | (0x100 if "class" in attributes else 0))


def _body(kind: int, cells: Sequence[object]) -> bytes:
    if kind == VEC:
        return b"".join(cell for cell in cells if isinstance(cell, bytes))
    if kind == STR:
        return b"".join(text(None if cell is None else str(cell)) for cell in cells)
    if kind == REAL:
        return b"".join(_NA_REAL if cell is None else struct.pack(">d", cell) for cell in cells)
    return b"".join(_int(_NA_INT if cell is None else int(str(cell))) for cell in cells)


def vector(kind: int, cells: Sequence[object], **attributes: bytes) -> bytes:
    """A vector; None is NA."""
    attributes = {name.replace("_", "."): value for name, value in attributes.items()}
    tail = pairs(attributes) if attributes else b""
    return _flags(kind, attributes) + _int(len(cells)) + _body(kind, cells) + tail


def strings(*values: str | None) -> bytes:
    """A character vector."""
    return vector(STR, values)


def frame(**columns: bytes) -> bytes:
    """A data frame of vectors."""
    return vector(
        VEC,
        [*columns.values()],
        names=strings(*columns),
        **{"class": strings("data.frame")},
        row_names=vector(INT, [None, -1]),
    )


def sequence(n: float) -> bytes:
    """The vector 1:n as R keeps it, which is short."""
    names = (_int(1) + text("compact_intseq"), _int(1) + text("base"))
    info = b"".join(_int(2) + item for item in (*names, vector(INT, [13]))) + _NIL
    return _int(238) + info + vector(REAL, [n, 1.0, 1.0]) + _NIL


def _serialized(value: bytes) -> bytes:
    return b"X\n" + _int(3, 0x040301, 0x030500, 5) + b"UTF-8" + value


def rds(value: bytes) -> bytes:
    """What saveRDS writes."""
    return gzip.compress(_serialized(value), mtime=0)


def rda(**values: bytes) -> bytes:
    """What save writes."""
    return gzip.compress(b"RDX3\n" + _serialized(pairs(values)), mtime=0)
