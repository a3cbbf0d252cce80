"""From the bytes of a CSV or Parquet file to a table of text."""

import csv
import io
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from tuner_job.data.columns import Column, Table
from tuner_job.data.decode import decode
from tuner_job.errors import DataError
from tuner_job.wording import listed, plain

MOST_CELLS = 500_000_000
"""Of one file: a compressed Parquet file may hold more than memory does."""
MOST_COLUMNS = 50_000
"""Of one file: each takes kilobytes, however few rows there are."""
_PARQUET_MAGIC = b"PAR1"
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive (an Excel workbook?)",
    b"\x1f\x8b": "gzip-compressed data",
    b"BZh": "bzip2-compressed data",
    b"\xfd7zXZ": "xz-compressed data",
    b"\x28\xb5\x2f\xfd": "zstd-compressed data",
    b"7z\xbc\xaf": "a 7z archive",
    b"\xff\xfe\x00\x00": "UTF-32 text",
    b"\x00\x00\xfe\xff": "UTF-32 text",
    b"RDX": "an R data file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"<stata_dta>": "a Stata file",
    b"$FL": "an SPSS file",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"ARROW1": "an Arrow file",
    b"PARE": "an encrypted Parquet file",
    b"SQLite format 3": "a SQLite database",
    b"\x7fELF": "a program",
}
_OTHER_TEXTS = {"<": "HTML or XML", "{": "JSON", "[{": "JSON", "%YAML": "YAML"}
_WHOLE_PARQUET = "must be a whole Parquet file of plain columns"
_BLOCK_BYTES = 1 << 26  # no row may be longer
_SHOWN = 3


def read_table(content: bytes, source: str) -> Table:
    """Read every cell of a CSV or Parquet file as text.

    Parameters
    ----------
    content
        The file. Parquet is known by its first bytes; anything else is read as CSV with a header,
        encoded as `decode` says.
    source
        Its name, for messages.

    Raises
    ------
    DataError
        If the file is empty, of another kind or truncated, or has rows of unequal length or two
        columns of one name.
    """
    if _is_parquet(content, source):
        arrow, note, first_row, counting = _read_parquet(content, source), "", 1, "counted from 1"
    else:
        text, note = decode(content, source)
        arrow, first_row, counting = _read_csv(text, source), 2, "the header is row 1"
    columns = {
        name.strip(): _to_column(arrow.column(i)) for i, name in enumerate(arrow.column_names)
    }
    rows = np.arange(arrow.num_rows) + first_row
    table = Table(source, columns, rows, counting, (note,) if note else ())
    _check_cells(table)
    return table


def read_names(content: bytes, source: str) -> tuple[str, ...]:
    """Read the names of the columns alone.

    Raises
    ------
    DataError
        As `read_table` does.
    """
    if _is_parquet(content, source):
        names = _parquet_file(content, source).schema_arrow.names
        _check_names(names, source)
    else:
        names = _header(decode(content, source)[0], source)
    return tuple(name.strip() for name in names)


def _is_parquet(content: bytes, source: str) -> bool:
    for magic, found in _OTHER_FORMATS.items():
        if content.startswith(magic):
            raise DataError(f"{source}: must be CSV or Parquet; found {found}")
    return content.startswith(_PARQUET_MAGIC)


def _check_cells(table: Table) -> None:
    """Refuse a NUL character in a cell, which Parquet may hold too."""
    for name, column in table.columns.items():
        wrong = [code for code, value in enumerate(column.values) if "\0" in value]
        if wrong:
            row = table.row_name(int(np.flatnonzero(np.isin(column.codes, wrong))[0]))
            raise DataError(
                f"{table.source}: must hold text; column {plain(name)} in {row} has a NUL character"
            )


def _to_column(cells: pa.ChunkedArray) -> Column:
    whole = pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], pa.string())
    # Nulls as one more value, and DLPack: fill_null and to_numpy import pandas, which takes longer
    # than the file.
    encoded = pc.dictionary_encode(pc.utf8_trim_whitespace(whole), null_encoding="encode")
    codes = np.from_dlpack(encoded.indices).astype(np.int32)
    return Column(codes, tuple(encoded.dictionary.to_pylist())).map(lambda text: text or None)


def _read_parquet(content: bytes, source: str) -> pa.Table:
    file = _parquet_file(content, source)
    _check_names(file.schema_arrow.names, source)
    rows, columns = file.metadata.num_rows, file.metadata.num_columns
    if rows * columns > MOST_CELLS:
        raise DataError(
            f"{source}: must have at most {MOST_CELLS:,} cells; found {rows:,} rows of {columns:,}"
        )
    try:
        arrow = file.read()
        return arrow.cast(pa.schema([(name, pa.string()) for name in arrow.column_names]))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{source}: {_WHOLE_PARQUET}; {_first_line(error)}") from error


def _parquet_file(content: bytes, source: str) -> pa_parquet.ParquetFile:
    try:
        return pa_parquet.ParquetFile(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{source}: {_WHOLE_PARQUET}; {_first_line(error)}") from error


def _read_csv(text: str, source: str) -> pa.Table:
    text = text.rstrip("\r\n") + "\n"
    names = _header(text, source)
    ragged: list[pa_csv.InvalidRow] = []

    def note_ragged(row: pa_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        arrow = pa_csv.read_csv(
            io.BytesIO(text.encode()),
            # Rows are numbered only where one thread reads them.
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=note_ragged
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowException as error:
        raise DataError(f"{source}: must be a CSV file; {_first_line(error)}") from error
    if ragged:
        raise DataError(_ragged_message(ragged, source))
    _check_closed(text, source, arrow.num_rows)
    return arrow


def _header(text: str, source: str) -> list[str]:
    if not text.strip():
        raise DataError(f"{source}: must hold a header and rows; the file is empty")
    for beginning, found in _OTHER_TEXTS.items():
        if text.lstrip().startswith(beginning):
            raise DataError(f"{source}: must be CSV or Parquet; found {found}")
    try:
        names = next(csv.reader(io.StringIO(text.lstrip("\r\n"), newline="")))
    except csv.Error as error:
        raise DataError(f"{source}: must be a CSV file with a header; {error}") from error
    if len(names) == 1:
        for separator, word in ((";", "semicolons"), ("\t", "tabs")):
            if separator in names[0]:
                raise DataError(
                    f"{source}: columns must be separated by commas; the header has {word}"
                )
    _check_names(names, source)
    return names


def _check_names(names: list[str], source: str) -> None:
    if len(names) > MOST_COLUMNS:
        raise DataError(
            f"{source}: must have at most {MOST_COLUMNS:,} columns; found {len(names):,}"
        )
    counts = Counter(name.strip() for name in names)
    repeated = [
        f"{plain(name, 60) or 'a column without a name'} ({count} times)"
        for name, count in counts.items()
        if count > 1
    ]
    if repeated:
        raise DataError(f"{source}: column names must differ; found {listed(repeated)}")
    if not any(counts):
        raise DataError(f"{source}: columns must have names in the first row; found none")


def _ragged_message(ragged: list[pa_csv.InvalidRow], source: str) -> str:
    shown = ", ".join(f"row {row.number} has {row.actual_columns}" for row in ragged[:_SHOWN])
    more = f" and {len(ragged) - _SHOWN} more rows" if len(ragged) > _SHOWN else ""
    return (
        f"{source}: every row must have the header's {ragged[0].expected_columns} columns (the "
        f"header is row 1); {shown}{more}; is the file truncated?"
    )


def _check_closed(text: str, source: str, n_rows: int) -> None:
    # A file cut inside a quoted cell of its last column still has rows of equal length. A doubled
    # quote stands for a quote, and one inside an unquoted cell (5' 4") opens nothing: what counts
    # is whether the last quote left stands where a cell begins.
    before, quote, _ = text.replace('""', "").rpartition('"')
    if quote and before.count('"') % 2 == 0 and before[-1:] in ("", ",", "\n", "\r"):
        raise DataError(
            f"{source}: every quoted cell must be closed; the one opened in row {n_rows + 1} (the "
            "header is row 1) is still open at the end of the file; is the file truncated?"
        )


def _first_line(error: BaseException) -> str:
    return plain((str(error).strip() or type(error).__name__).splitlines()[0])
