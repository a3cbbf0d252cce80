"""R's serialized objects, parsed within bounds."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tuner_job.data.reading.raw import needed

_USUAL, _MAGIC = b"X\n", re.compile(rb"RD[XAB][23]\n")
_LONGEST_SEQUENCE = 20_000_000
"""Numbers: each becomes a text."""
_MOST_UNUSUAL = 64 << 20
"""Bytes of a file in R's ascii or native format, each cell of which becomes several objects."""
_CHAR, _HAS_ATTRIBUTES = 9, 0x200
_NO_TEXT = 0xFFFFFFFF


def parse_r(content: bytes, source: str, kind: str) -> Any:
    """Parse what R wrote with ``saveRDS`` or ``save``, unpacked, with rdata.

    Raises
    ------
    DataError
        rdata is not installed.
    Exception
        Of any class, if it is damaged.
    """
    with needed("rdata", kind, source):
        import rdata.parser  # with the first such file: it is optional, and imports pandas
    found = _MAGIC.match(content)
    body = memoryview(content)[found.end() if found else 0 :]
    expand = {
        name: _bounded(how) if name.startswith(b"compact_") else how
        for name, how in rdata.parser.DEFAULT_ALTREP_MAP.items()
    }
    if body[:2] == _USUAL:
        return _parse_usual(body[2:], expand)
    if len(content) > _MOST_UNUSUAL:
        raise ValueError("it is too large to be in another format than R's usual one")
    extension = ".rda" if found else ".rds"
    return rdata.parser.parse_data(content, altrep_constructor_dict=expand, extension=extension)


def _bounded(expand: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(state: Any) -> Any:
        # A vector 1:n is stored as n, whatever n is.
        if not 0 <= float(state.value[0]) <= _LONGEST_SEQUENCE:
            raise ValueError(f"a sequence of {float(state.value[0]):g} numbers")
        return expand(state)

    return checked


def _parse_usual(body: memoryview, expand: Mapping[bytes, Any]) -> Any:
    parser = _shared_parser()(body, expand_altrep=True, altrep_constructor_dict=expand)
    parsed = parser.parse_all()
    parser.check_complete()
    return parsed


def _shared_parser() -> Any:
    from rdata.parser._xdr import ParserXDR  # optional, as above

    class Shared(ParserXDR):  # type: ignore[misc, unused-ignore]
        """Makes one object of texts that are alike, where rdata makes one of 300 bytes a cell."""

        def _parse_vector_value(self, reference_list: Any, bytecode_rep_list: Any = None) -> Any:
            seen: dict[bytes, Any] = {}
            values = []
            for _ in range(self.parse_int()):
                at, key = self.file.tell(), self._next_text()
                value = seen.get(key)
                if value is None:
                    self.file.seek(at)
                    value = self.parse_R_object(reference_list, bytecode_rep_list)
                    if key:
                        seen[key] = value
                values.append(value)
            return values

        def _next_text(self) -> bytes:
            """All bytes of the object that comes, if it is a text and nothing else."""
            head: bytes = self.file.read(8)
            flags, length = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
            if flags & 0xFF != _CHAR or flags & _HAS_ATTRIBUTES:
                return b""
            return head if length == _NO_TEXT else head + self.file.read(length)

    return Shared
