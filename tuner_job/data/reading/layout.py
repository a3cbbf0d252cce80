"""How a table of text is laid out: its separator, its header, and where its rows begin."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tuner_job.data.reading.header import SAMPLED, filled, find_header, titles_note
from tuner_job.data.reading.raw import TABLES
from tuner_job.errors import DataError

_SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "vertical bars", ",": "commas"}
"""Of two that fit as well, the one that names and numbers hold less often."""
_OTHER_TEXTS = {b"<": "HTML or XML", b"{": "JSON", b"[{": "JSON", b"%YAML": "YAML"}
_STATED = re.compile(rb'\s*"?sep=([^\w\s"]|\t)"?[^\S\r\n]*(?:\r\n?|\n)', re.IGNORECASE)
_BEGINNING = 1 << 16


class _Record(NamedTuple):
    row: int
    """Its number, blank lines counted."""
    cells: list[str]
    end: int
    """Where it ends, in bytes of the file."""


@dataclass(frozen=True)
class Layout:
    """What must be known of a table of text before its rows are read."""

    separator: str
    names: list[str]
    """Of the cells of a row; empty for those that the header does not have."""
    n_named: int
    """Cells of the header."""
    row: int
    """Number of the header."""
    start: int
    """Where the rows below it begin, in bytes of the file."""
    notes: list[str]

    @property
    def counting(self) -> str:
        """How rows are counted, for messages."""
        return f"the header is row {self.row}"


def find_layout(text: bytes, source: str) -> Layout:
    """Find the separator that fits the header and the first rows best, and the header.

    Parameters
    ----------
    text
        In UTF-8.
    source
        Its name, for messages.

    Raises
    ------
    DataError
        It is empty, or another kind of text.
    """
    beginning = text[:_BEGINNING].lstrip()
    if not beginning and not re.search(rb"\S", text):
        raise DataError(f"{source}: must hold a header and rows; the file is empty")
    for other, found in _OTHER_TEXTS.items():
        if beginning.startswith(other):
            raise DataError(f"{source}: must be {TABLES}; found {found}")
    stated = _STATED.match(text)
    start = stated.end() if stated else 0
    candidates = [s for s in _SEPARATORS if s != "," and s.encode() in beginning] + [","]
    if stated:
        candidates = [stated[1].decode()]
    sampled = {s: _sample(text, start, s, source) for s in candidates}
    best = max(candidates, key=lambda separator: _fit(sampled[separator]))
    if not sampled[best]:
        raise DataError(f"{source}: must hold a header and rows; found none")
    return _layout(best, sampled[best], 1 if stated else 0)


def _sample(text: bytes, start: int, separator: str, source: str) -> list[_Record]:
    """The first rows that are no blank lines."""
    file = io.BytesIO(text)
    file.seek(start)
    end = start

    def lines() -> Iterator[str]:
        nonlocal end
        for line in io.TextIOWrapper(file, "utf-8", newline=""):
            end += len(line.encode())
            yield line

    records: list[_Record] = []
    try:
        for row, cells in enumerate(csv.reader(lines(), delimiter=separator), 1):
            if len(cells) > 1 or any(text.strip() for text in cells):
                records.append(_Record(row, cells, end))
            if len(records) == SAMPLED:
                break
    except csv.Error as error:  # a cell of more than 128 KiB, or one that is never closed
        if not records:
            raise DataError(f"{source}: must be a CSV file with a header; {error}") from error
    return records


def _fit(records: list[_Record]) -> tuple[bool, float, int]:
    """How well a separator fits: that there is more than one column, the share of rows that are as
    wide as the header, and how wide that is."""
    rows = [record.cells for record in records]
    at = find_header(rows)
    width, below = filled(rows[at]) if rows else 0, rows[at + 1 :]
    agree = sum(len(row) >= width >= filled(row) for row in below) / len(below) if below else 1.0
    return width > 1, agree, width


def _layout(separator: str, records: list[_Record], n_stated: int) -> Layout:
    at = find_header([record.cells for record in records])
    header, below = records[at], [record.cells for record in records[at + 1 :]]
    notes = []
    if separator != ",":
        between = _SEPARATORS.get(separator, separator)
        notes.append(f"Read as a table with {between} between its cells.")
    row = header.row + n_stated
    if at:
        notes.append(titles_note(at, row))
    names = [name.strip() for name in header.cells]
    usual = Counter(map(len, below)).most_common(1)[0][0] if below else len(names)
    # Rows may end in separators that the header does not have, or the header in more than they do.
    if usual > len(names) and all(filled(cells) <= len(names) for cells in below):
        names += [""] * (usual - len(names))
    elif usual < len(names) and not any(names[usual:]):
        names = names[:usual]
    return Layout(separator, names, len(header.cells), row, header.end, notes)
