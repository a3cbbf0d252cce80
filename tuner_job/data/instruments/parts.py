"""Putting columns together row by row, and holding a column to what its format says of it."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig, column_config, named
from tuner_job.data.instruments.formats import Hint
from tuner_job.data.words import NO, SHORT_MISSING, YES, as_number, is_missing, key, short_yes
from tuner_job.wording import cell, counted, plain

FloatArray = NDArray[np.float64]

_MOST_NOTES = 10


def finite(text: str) -> float | None:
    """Read a finite number; ``None`` for any other text."""
    number = as_number(text)
    return number if number is not None and math.isfinite(number) else None


def fits(hint: Hint, column: Column) -> bool:
    """Whether at least half of the cells that say something are of the hint's kind: a file may
    hold something else under a name that the format knows."""
    said = {
        text: n
        for text, n in column.counts().items()
        if not is_missing(text) and key(text) not in hint.missing
    }
    if hint.kind not in ("number", "yes_no"):
        return True
    said = {text: n for text, n in said.items() if key(text) not in SHORT_MISSING}
    words = YES | NO | hint.yes | hint.no | short_yes({key(text) for text in said})
    fitting = sum(
        n
        for text, n in said.items()
        if (as_number(text) is not None if hint.kind == "number" else key(text) in words)
    )
    return 2 * fitting >= sum(said.values())


def first_stated(columns: Sequence[Column]) -> Column:
    """Take of each row the first cell that is not missing."""
    codes, values = columns[0].codes, list(columns[0].values)
    for column in columns[1:]:
        further = np.where(column.missing, -1, column.codes + len(values))
        codes = np.where(codes < 0, further, codes).astype(np.int32)
        values += column.values
    return Column(codes, tuple(values)).map(lambda text: text)


def first_number(numbers: Sequence[FloatArray]) -> FloatArray:
    """Take of each row the first of several (n_rows,) numbers that is not NaN."""
    taken = numbers[0]
    for further in numbers[1:]:
        taken = np.where(np.isnan(taken), further, taken)
    return taken


def unread_note(table: Table, name: str, became: str) -> str:
    """Say which cells of a column that numbers are taken from hold other text; empty if none.

    Parameters
    ----------
    became
        What is computed from the column.
    """
    column = table.columns[name]
    odd = [
        code
        for code, text in enumerate(column.values)
        if as_number(text) is None and not is_missing(text)
    ]
    rows = np.flatnonzero(np.isin(column.codes, odd))
    if not len(rows):
        return ""
    verb = "is no number and adds" if len(rows) == 1 else "are no numbers and add"
    first = cell(column.values[column.codes[rows[0]]])
    return (
        f"Column {plain(name, 60)}: {counted(len(rows), 'cell')} {verb} nothing to {became}; the "
        f"first is {first} in {table.row_name(int(rows[0]))}."
    )


def bounded(notes: Sequence[str], kind: str) -> list[str]:
    """The first notes of one kind, empty ones left out, and how many there are besides."""
    said = [note for note in notes if note]
    left = len(said) - _MOST_NOTES
    more = [f"{counted(left, 'more column')} with {kind}."] if left > 0 else []
    return [*said[:_MOST_NOTES], *more]


def as_stated(table: Table, config: DataConfig) -> Table:
    """The table as the experiment file has it: without columns that it drops, and without what it
    says is missing."""
    stated = without_missing(table, config)
    columns = {
        name: column
        for name, column in stated.columns.items()
        if column_config(name, config).kind != "drop"
        and not any(named(name, pattern) for pattern in config.drop)
    }
    return replace(stated, columns=columns)


def without_missing(table: Table, config: DataConfig) -> Table:
    """The table without what the experiment file says is missing."""
    columns = {}
    for name, column in table.columns.items():
        codes = (*config.missing, *column_config(name, config).missing)
        missing = {key(text) for text in codes}
        columns[name] = column.map(partial(_unless_in, missing)) if missing else column
    return replace(table, columns=columns)


def _unless_in(missing: Collection[str], text: str) -> str | None:
    return None if key(text) in missing else text


def with_columns(table: Table, columns: Mapping[str, Column], notes: Sequence[str]) -> Table:
    """The table with these columns, and its notes with these added; empty ones are none."""
    said = tuple(note for note in notes if note)
    return Table(table.source, columns, table.rows, table.counting, (*table.notes, *said))
