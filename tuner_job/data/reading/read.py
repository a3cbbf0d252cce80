"""From the bytes of a file to a table of text, whatever kind of file it is."""

from collections.abc import Sequence

import numpy as np

from tuner_job.data.columns import Column, Table
from tuner_job.data.reading.decode import decode
from tuner_job.data.reading.delimited import delimited_names, read_delimited
from tuner_job.data.reading.kinds import PARQUET, TEXT, WORKBOOK, R, find_kind
from tuner_job.data.reading.r_data import r_names, read_r
from tuner_job.data.reading.raw import Cells, check_names
from tuner_job.data.reading.statistical import read_statistical, statistical_names
from tuner_job.data.reading.unpack import unpack
from tuner_job.data.reading.workbook import read_workbook, workbook_names
from tuner_job.errors import DataError
from tuner_job.wording import listed, plain


def read_table(content: bytes, source: str) -> Table:
    """Read every cell of a table as text.

    Parameters
    ----------
    content
        The file, compressed by gzip, bzip2 or xz or not. Its kind is known by its first bytes;
        text is read as a table with a header, encoded as `decode` says.
    source
        Its name, for messages.

    Returns
    -------
    The table; its notes say what was taken for granted. A column without a name that holds values
    is named ``""``; those that hold none are left out.

    Raises
    ------
    DataError
        If the file is empty, of another kind, damaged or too large, or has rows of unequal length
        or two columns of one name; or if what reads this kind is not installed.
    """
    cells = _read(unpack(content, source), source)
    names = [name.strip() for name in cells.names]
    check_names(names, source)
    kept = _kept(names, cells.columns, source)
    columns = {names[i]: cells.columns[i] for i in kept}
    table = Table(source, columns, cells.rows, cells.counting, tuple(cells.notes))
    _check_cells(table)
    return _without_headers(table)


def read_names(content: bytes, source: str) -> tuple[str, ...]:
    """Read the names of the columns alone, of those that have one.

    Raises
    ------
    DataError
        As `read_table` does.
    """
    names = _names(unpack(content, source), source)
    check_names(names, source)
    return tuple(name.strip() for name in names if name.strip())


def _read(content: bytes, source: str) -> Cells:
    kind = find_kind(content, source)
    if kind == TEXT:
        text, note = decode(content, source)
        del content
        cells = read_delimited(text, source)
        cells.notes[:0] = [note] if note else []
        return cells
    if kind == PARQUET:
        # Memory that a search would hold on to, of which a table of text makes no use.
        from tuner_job.data.reading.parquet import read_parquet

        return read_parquet(content, source)
    if kind in _READERS:
        return _READERS[kind](content, source)
    return read_statistical(content, source, kind)


def _names(content: bytes, source: str) -> list[str]:
    kind = find_kind(content, source)
    if kind == TEXT:
        return delimited_names(decode(content, source)[0], source)
    if kind == PARQUET:
        from tuner_job.data.reading.parquet import parquet_names  # as above

        return parquet_names(content, source)
    if kind in _NAMES:
        return _NAMES[kind](content, source)
    return statistical_names(content, source, kind)


_READERS = {WORKBOOK: read_workbook, R: read_r}
_NAMES = {WORKBOOK: workbook_names, R: r_names}


def _kept(names: Sequence[str], columns: Sequence[Column], source: str) -> list[int]:
    """Indices of the columns that have a name, or values."""
    unnamed = [i for i, name in enumerate(names) if not name and not columns[i].missing.all()]
    if len(unnamed) > 1:
        raise DataError(
            f"{source}: every column with values must have a name; found none at "
            f"{listed(f'column {i + 1}' for i in unnamed)}"
        )
    return [i for i, name in enumerate(names) if name or i in unnamed]


def _without_headers(table: Table) -> Table:
    """Leave out rows that repeat the header, as files do that were put together from several: at
    least two cells, and most of those that are filled, are the names of their columns."""
    n_filled, n_names = np.zeros(table.n_rows, np.intp), np.zeros(table.n_rows, np.intp)
    for name, column in table.columns.items():
        n_filled += ~column.missing
        if name in column.values:
            n_names += column.codes == column.values.index(name)
    repeats = (n_names >= 2) & (2 * n_names > n_filled)
    if not repeats.any():
        return table
    found = np.flatnonzero(repeats)
    rows = "a row that repeats" if len(found) == 1 else f"{len(found):,} rows that repeat"
    first = f"{'' if len(found) == 1 else 'the first is '}{table.row_name(int(found[0]))}"
    notes = (*table.notes, f"Left out {rows} the header: {first}.")
    kept = table.take(np.flatnonzero(~repeats))
    return Table(kept.source, kept.columns, kept.rows, kept.counting, notes)


def _check_cells(table: Table) -> None:
    """Refuse a NUL character in a cell, which kinds other than text may hold."""
    for name, column in table.columns.items():
        wrong = [code for code, value in enumerate(column.values) if "\0" in value]
        if wrong:
            row = table.row_name(int(np.flatnonzero(np.isin(column.codes, wrong))[0]))
            raise DataError(
                f"{table.source}: must hold text; column {plain(name)} in {row} has a NUL character"
            )
