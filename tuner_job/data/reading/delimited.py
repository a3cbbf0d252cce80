"""Tables of text with a separator between their cells: CSV as programs and people write it."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from tuner_job.data.reading.header import filled
from tuner_job.data.reading.layout import Layout, find_layout
from tuner_job.data.reading.raw import (
    MOST_CELLS,
    Cells,
    check_names,
    first_line,
    to_column,
)
from tuner_job.errors import DataError
from tuner_job.wording import cell, counted, plain

_DECIMAL_COMMA = re.compile(r"([+-]?)(\d*|\d{1,3}(?:\.\d{3})+),(\d+(?:[eE][+-]?\d+)?)")
_BLOCK_BYTES = 1 << 26  # no row may be longer
csv.field_size_limit(max(csv.field_size_limit(), _BLOCK_BYTES))  # narratives are long
_SHOWN = 3


def read_delimited(text: bytes, source: str) -> Cells:
    """Read every cell of a table whose separator is found from its header and first rows.

    Parameters
    ----------
    text
        In UTF-8.
    source
        Its name, for messages.

    Raises
    ------
    DataError
        It is empty, no table or truncated, or has rows of unequal length.
    """
    layout = find_layout(text, source)
    check_names(layout.names, source)
    if text.count(layout.separator.encode()) > MOST_CELLS:
        raise DataError(f"{source}: must have at most {MOST_CELLS:,} cells; found more")
    below = text
    chunked, ragged = _parse(below, layout, source)
    named = layout.names[: layout.n_named]
    if ragged and all(row.actual_columns >= len(named) for row in ragged):
        # Separators at the end of some rows only: rare, and slow to mend.
        layout = replace(layout, names=named)
        below, layout = _trimmed(text, layout), replace(layout, start=0)
        chunked, ragged = _parse(below, layout, source)
    if ragged:
        raise DataError(_ragged_message(ragged, layout, source))
    columns = [to_column(*coded) for coded in _coded(chunked)]
    del chunked
    pa.default_memory_pool().release_unused()  # a search would hold on to it until its end
    rows = np.arange(len(columns[0].codes)) + layout.row + 1
    _check_closed(below, layout, len(rows), source)
    cells = Cells(layout.names, columns, rows, layout.counting, layout.notes)
    _check_beyond(cells, layout, source)
    if layout.separator != ",":
        _read_decimal_commas(cells)
    return _without_blank_lines(cells, text, layout.separator).without_empty_end()


def _without_blank_lines(cells: Cells, text: bytes, separator: str) -> Cells:
    """Leave out lines that hold not even a separator: they are no rows."""
    empty = cells.empty
    if not empty.any():
        return cells
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    records = enumerate(csv.reader(lines, delimiter=separator), 1)
    try:
        blank = [row for row, found in records if len(found) < 2 and not "".join(found).strip()]
    except csv.Error:
        return cells
    kept = ~(empty & np.isin(cells.rows, blank))
    return cells.take(np.flatnonzero(kept))


def delimited_names(text: bytes, source: str) -> list[str]:
    """Read the names alone.

    Raises
    ------
    DataError
        As `read_delimited` does.
    """
    return find_layout(text, source).names


def _parse(
    text: bytes, layout: Layout, source: str
) -> tuple[list[pa.ChunkedArray], list[pa_csv.InvalidRow]]:
    """The columns, and the rows of another length, which they lack."""
    keys = [str(i) for i in range(len(layout.names))]
    # Each distinct cell once, from the beginning: a survey has few distinct answers.
    kind = pa.dictionary(pa.int32(), pa.string())
    if not re.compile(rb"\S").search(text, layout.start):
        return [pa.chunked_array([], kind) for _ in keys], []
    ragged: list[pa_csv.InvalidRow] = []

    def note_ragged(row: pa_csv.InvalidRow) -> str:
        if row.text.strip():
            ragged.append(row)
        return "skip"

    try:
        arrow = _read_csv(text, layout, dict.fromkeys(keys, kind), note_ragged)
    except pa.ArrowException as error:
        raise DataError(f"{source}: must be a CSV file; {first_line(error)}") from error
    return arrow.columns, ragged


def _trimmed(text: bytes, layout: Layout) -> bytes:
    """The rows below the header, without empty cells beyond it."""
    width = len(layout.names)
    trimmed = io.StringIO(newline="")
    lines = io.StringIO(text[layout.start :].decode(), newline="")
    try:
        writer = csv.writer(trimmed, delimiter=layout.separator, lineterminator="\n")
        for row in csv.reader(lines, delimiter=layout.separator):
            writer.writerow(row if filled(row) > width else row[:width])
    except csv.Error:  # the rows are told as they are
        return text[layout.start :]
    return trimmed.getvalue().encode()


def _read_csv(
    text: bytes,
    layout: Layout,
    kinds: dict[str, pa.DataType],
    note_ragged: Callable[[pa_csv.InvalidRow], str],
) -> pa.Table:
    return pa_csv.read_csv(
        pa.BufferReader(pa.py_buffer(memoryview(text)[layout.start :])),
        # Rows are numbered only where one thread reads them.
        read_options=pa_csv.ReadOptions(
            use_threads=False, block_size=_BLOCK_BYTES, column_names=[*kinds]
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=layout.separator,
            newlines_in_values=True,
            invalid_row_handler=note_ragged,
            ignore_empty_lines=False,  # so that rows are numbered as spreadsheets number them
        ),
        convert_options=pa_csv.ConvertOptions(column_types=kinds, strings_can_be_null=False),
    )


def _coded(columns: list[pa.ChunkedArray]) -> Iterator[tuple[NDArray[np.int32], tuple[str, ...]]]:
    """Codes and values of each column; what is read is freed."""
    columns.reverse()
    while columns:
        cells = columns.pop().unify_dictionaries()
        if not cells.num_chunks:
            yield np.zeros(0, np.int32), ()
            continue
        whole = pa.concat_arrays(cells.chunks)
        # DLPack: to_numpy imports pandas, which takes longer than the file.
        yield (
            np.asarray(np.from_dlpack(whole.indices), np.int32),
            tuple(whole.dictionary.to_pylist()),
        )


def _ragged_message(ragged: list[pa_csv.InvalidRow], layout: Layout, source: str) -> str:
    shown = ", ".join(
        f"row {row.number + layout.row} has {row.actual_columns}" for row in ragged[:_SHOWN]
    )
    more = f" and {len(ragged) - _SHOWN:,} more rows" if len(ragged) > _SHOWN else ""
    names_missing = len(ragged) > 1 and all(row.actual_columns > layout.n_named for row in ragged)
    hint = "does the header lack a name?" if names_missing else "is the file truncated?"
    return (
        f"{source}: every row must have the header's {counted(layout.n_named, 'column')} "
        f"({layout.counting}); {shown}{more}; {hint}"
    )


def _check_closed(text: bytes, layout: Layout, n_rows: int, source: str) -> None:
    # A file cut inside a quoted cell of its last column still has rows of equal length. A doubled
    # quote stands for a quote, and one inside an unquoted cell (5' 4") opens nothing: what counts
    # is whether the last quote left stands where a cell begins.
    if text.find(b'"', layout.start) < 0:
        return
    before, quote, _ = text[layout.start :].replace(b'""', b"").rpartition(b'"')
    begins = (b"", layout.separator.encode(), b"\n", b"\r")
    if quote and before.count(b'"') % 2 == 0 and before[-1:] in begins:
        raise DataError(
            f"{source}: every quoted cell must be closed; the one opened in row "
            f"{layout.row + n_rows} ({layout.counting}) is still open at the end of the file; is "
            "the file truncated?"
        )


def _check_beyond(cells: Cells, layout: Layout, source: str) -> None:
    """Refuse a value where rows go on beyond the header, which the first rows did not."""
    for column in cells.columns[layout.n_named :]:
        if not column.missing.all():
            row = cells.rows[int(np.flatnonzero(~column.missing)[0])]
            raise DataError(
                f"{source}: every row must have the header's "
                f"{counted(layout.n_named, 'column')} ({layout.counting}); row {row} has a value "
                "beyond them"
            )


def _read_decimal_commas(cells: Cells) -> None:
    n_read, first = 0, ""
    for i, column in enumerate(cells.columns):
        numbers = {value: number for value in column.values if (number := _with_point(value))}
        if not numbers:
            continue
        n_read += sum(n for value, n in column.counts().items() if value in numbers)
        value, number = next(iter(numbers.items()))
        name = plain(cells.names[i], 60) or "without a name"
        first = first or f"{cell(value)} in column {name} is {cell(number)}"
        cells.columns[i] = column.map(lambda text: _with_point(text) or text)
    if n_read:
        cells.notes.append(f"Read {counted(n_read, 'cell')} with a decimal comma: {first}.")


def _with_point(text: str) -> str | None:
    found = _DECIMAL_COMMA.fullmatch(text)
    return found and f"{found[1]}{found[2].replace('.', '') or '0'}.{found[3]}"
