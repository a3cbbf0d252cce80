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
from tuner_job.errors import DataError

_PARQUET_MAGIC = b"PAR1"
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive (an Excel workbook?)",
    b"\x1f\x8b": "gzip-compressed data",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"RDX": "an R data file",
}
_BLOCK_BYTES = 1 << 26  # no row may be longer
_SHOWN = 3


def read_table(content: bytes, source: str) -> Table:
    """Read every cell of a CSV or Parquet file as text.

    Parameters
    ----------
    content
        The file. Parquet is known by its first bytes; anything else is read as CSV with a header, in UTF-8
        (with or without a byte order mark) or else Latin-1.
    source
        Its name, for messages.

    Raises
    ------
    DataError
        If the file is empty, of another kind or truncated, or has rows of unequal length or two columns of
        one name.
    """
    for magic, found in _OTHER_FORMATS.items():
        if content.startswith(magic):
            raise DataError(f"{source}: must be CSV or Parquet; found {found}")
    if content.startswith(_PARQUET_MAGIC):
        arrow, first_row, counting = _read_parquet(content, source), 1, "counted from 1"
    else:
        arrow, first_row, counting = _read_csv(content, source), 2, "the header is row 1"
    columns = {name.strip(): _to_column(arrow.column(i)) for i, name in enumerate(arrow.column_names)}
    return Table(source, columns, np.arange(arrow.num_rows) + first_row, counting)


def _to_column(cells: pa.ChunkedArray) -> Column:
    whole = pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], pa.string())
    # Nulls as one more value, and DLPack: fill_null and to_numpy import pandas, which takes longer than the file.
    encoded = pc.dictionary_encode(pc.utf8_trim_whitespace(whole), null_encoding="encode")
    codes = np.from_dlpack(encoded.indices).astype(np.int32)
    return Column(codes, tuple(encoded.dictionary.to_pylist())).map(lambda text: text or None)


def _read_parquet(content: bytes, source: str) -> pa.Table:
    try:
        arrow = pa_parquet.read_table(pa.BufferReader(content))
        _check_names(arrow.column_names, source)
        return arrow.cast(pa.schema([(name, pa.string()) for name in arrow.column_names]))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{source}: must be a whole Parquet file of plain columns; {_first_line(error)}") from error


def _read_csv(content: bytes, source: str) -> pa.Table:
    text = _decode(content).rstrip("\r\n") + "\n"
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
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note_ragged),
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


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _header(text: str, source: str) -> list[str]:
    if not text.strip():
        raise DataError(f"{source}: must hold a header and rows; the file is empty")
    try:
        names = next(csv.reader(io.StringIO(text.lstrip("\r\n"), newline="")))
    except csv.Error as error:
        raise DataError(f"{source}: must be a CSV file with a header; {error}") from error
    if len(names) == 1:
        for separator, word in ((";", "semicolons"), ("\t", "tabs")):
            if separator in names[0]:
                raise DataError(f"{source}: columns must be separated by commas; the header has {word}")
    _check_names(names, source)
    return names


def _check_names(names: list[str], source: str) -> None:
    counts = Counter(name.strip() for name in names)
    repeated = [f"{name or 'a column without a name'} ({count} times)" for name, count in counts.items() if count > 1]
    if repeated:
        raise DataError(f"{source}: column names must differ; found {', '.join(repeated)}")


def _ragged_message(ragged: list[pa_csv.InvalidRow], source: str) -> str:
    shown = ", ".join(f"row {row.number} has {row.actual_columns}" for row in ragged[:_SHOWN])
    more = f" and {len(ragged) - _SHOWN} more rows" if len(ragged) > _SHOWN else ""
    return (
        f"{source}: every row must have the header's {ragged[0].expected_columns} columns (the header is "
        f"row 1); {shown}{more}; is the file truncated?"
    )


def _check_closed(text: str, source: str, n_rows: int) -> None:
    # A file cut inside a quoted cell of its last column still has rows of equal length. A doubled quote
    # stands for a quote, and one inside an unquoted cell (5' 4") opens nothing: what counts is whether
    # the last quote left stands where a cell begins.
    before, quote, _ = text.replace('""', "").rpartition('"')
    if quote and before.count('"') % 2 == 0 and before[-1:] in ("", ",", "\n", "\r"):
        raise DataError(
            f"{source}: every quoted cell must be closed; the one opened in row {n_rows + 1} (the header is "
            "row 1) is still open at the end of the file; is the file truncated?"
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
