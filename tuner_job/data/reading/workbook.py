"""Excel workbooks (.xlsx)."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from tuner_job.data.reading.header import SAMPLED, filled, find_header, titles_note
from tuner_job.data.reading.raw import (
    Cells,
    Growing,
    check_names,
    check_size,
    needed,
    text_of,
    whole,
)
from tuner_job.errors import DataError
from tuner_job.wording import listed

_KIND = "an Excel workbook"
_MOST_UNPACKED = 2 << 30
_MOST_STRINGS = 256 << 20  # each distinct text is held as an object
_MOST_ROWS = 1 << 20  # of Excel; a damaged file may name any number
_OTHER_ZIPS = {
    "xl/workbook.bin": "a binary Excel workbook (.xlsb): save it as .xlsx",
    "content.xml": "an OpenDocument spreadsheet: save it as .xlsx",
}

_Row = tuple[int, Sequence[Any]]


class _At(NamedTuple):
    """Where the header stands."""

    row: int
    n_titles: int


def read_workbook(content: bytes, source: str) -> Cells:
    """Read the first sheet that is shown and has any value; below titles, as text files.

    Raises
    ------
    DataError
        It is damaged, too large, or no workbook of this kind; or openpyxl is not installed.
    """
    with _opened(content, source) as book:
        sheet, notes = _first_sheet(book, source)
        names, at, rows = _header(sheet, source)
        if at.n_titles:
            notes.append(titles_note(at.n_titles, at.row))
        numbers, columns = _grow(rows, names, at.row, source)
    texts = [column.column(map(str, column.index)) for column in columns]
    counting = f"the header is row {at.row}"
    cells = Cells(names, texts, np.array(numbers, np.intp), counting, notes)
    return cells.without_empty_end()


def workbook_names(content: bytes, source: str) -> list[str]:
    """Read the names alone.

    Raises
    ------
    DataError
        As `read_workbook` does.
    """
    with _opened(content, source) as book:
        return _header(_first_sheet(book, source)[0], source)[0]


@contextmanager
def _opened(content: bytes, source: str) -> Iterator[Any]:
    with whole(f"{_KIND} (.xlsx)", source):
        _check_archive(content, source)
        with needed("openpyxl", _KIND, source):
            import openpyxl  # with the first workbook: it is optional, and slow to import
        book = openpyxl.load_workbook(
            io.BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        try:
            yield book
        finally:
            book.close()


def _check_archive(content: bytes, source: str) -> None:
    # zipfile reads no more of an entry than the directory says that it holds.
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
    sizes = {entry.filename: entry.file_size for entry in entries}
    for name, found in _OTHER_ZIPS.items():
        if name in sizes:
            raise DataError(f"{source}: must be {_KIND} (.xlsx); found {found}")
    if not any(name.startswith("xl/") for name in sizes):
        raise DataError(
            f"{source}: must be {_KIND} (.xlsx) or a file that is not zipped; found an archive of "
            f"{listed(sizes, 3) or 'nothing'}"
        )
    strings = sum(n for name, n in sizes.items() if name.lower().endswith("sharedstrings.xml"))
    if sum(sizes.values()) > _MOST_UNPACKED or strings > _MOST_STRINGS:
        raise DataError(
            f"{source}: must have at most {_MOST_UNPACKED >> 30} GiB when unpacked, and "
            f"{_MOST_STRINGS >> 20} MiB of different texts; found {sum(sizes.values()):,} and "
            f"{strings:,} bytes; save it as CSV"
        )


def _first_sheet(book: Any, source: str) -> tuple[Any, list[str]]:
    shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    full = [sheet for sheet in shown or book.worksheets if next(_rows(sheet, source), None)]
    if not full:
        raise DataError(f"{source}: must hold a header and rows; no sheet has any value")
    others = listed(sheet.title for sheet in full[1:])
    return full[0], [f"Read the sheet {listed([full[0].title])}, not {others}."] if others else []


def _rows(sheet: Any, source: str) -> Iterator[_Row]:
    """Number and values of the rows that have any."""
    sheet.reset_dimensions()  # as wide as its cells are, whatever the sheet says
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > _MOST_ROWS:
            raise DataError(f"{source}: must have at most {_MOST_ROWS:,} rows; found more")
        if any(value is not None and value != "" for value in row):
            yield number, row


def _header(sheet: Any, source: str) -> tuple[list[str], _At, Iterator[_Row]]:
    """Names, where they stand, and the rows below them."""
    rows = _rows(sheet, source)
    first = list(islice(rows, SAMPLED))
    texts = [["" if value is None else text_of(value) for value in row] for _, row in first]
    at = find_header(texts)
    names = [name.strip() for name in texts[at][: filled(texts[at])]]
    check_names(names, source)

    def below() -> Iterator[_Row]:
        yield from first[at + 1 :]
        yield from rows

    return names, _At(first[at][0], at), below()


def _grow(
    rows: Iterator[_Row], names: list[str], header_row: int, source: str
) -> tuple[list[int], list[Growing]]:
    columns = [Growing() for _ in names]
    numbers: list[int] = []
    missing = [None] * len(names)
    for number, row in rows:
        numbers.append(number)
        check_size(len(numbers), len(names), source)
        beyond = [value for value in row[len(names) :] if value is not None and value != ""]
        if beyond:
            raise DataError(
                f"{source}: every column with a value must have a name (the header is row "
                f"{header_row}); row {number} has {len(beyond)} beyond the last name"
            )
        for column, value in zip(columns, [*row, *missing], strict=False):
            column.add(value if value is None or type(value) is str else text_of(value))
    return numbers, columns
