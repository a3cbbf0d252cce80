"""Cells that are not read as their column is: text among numbers, answers that training lacked.
None goes unsaid."""

from collections.abc import Mapping, Sequence

import numpy as np

from tuner_job.data.columns import Column, Table, as_number
from tuner_job.data.dataset import Feature
from tuner_job.data.encode import Inferred
from tuner_job.errors import DataError
from tuner_job.wording import counted, listed, plain, shown

_LONGEST = 40
"""Characters of a cell in a message: a longer one may be a narrative."""
_MOST_COLUMNS = 10
_FEW_NUMBERS = 3  # that many codes among words are choices, not a number with mistakes


def text_among_numbers(
    table: Table, columns: Mapping[str, Column], names: Sequence[str]
) -> list[str]:
    """Say which cells of columns that are read as numbers are none, and are taken as missing.

    Raises
    ------
    DataError
        No cell of such a column is a number; the message names all of these columns.
    """
    notes, wrong = [], []
    for name in names:
        column = columns[name]
        odd = [code for code, value in enumerate(column.values) if as_number(value) is None]
        if not (n_odd := _n_cells(column, odd)):
            continue
        if n_odd == int((~column.missing).sum()):
            wrong.append(f"{plain(name, 60)} ({_first(table, column, odd)})")
        else:
            cells = "is no number and is" if n_odd == 1 else "are no numbers and are"
            notes.append(
                f"Column {plain(name, 60)}: {counted(n_odd, 'cell')} {cells} taken as missing; "
                f"the first is {_first(table, column, odd)}."
            )
    if wrong:
        raise DataError(
            f"{table.source}: must have numbers where numbers are read; found only text in "
            f"{listed(wrong)}"
        )
    return _bounded(notes, "text among numbers")


def unknown_answers(
    table: Table, columns: Mapping[str, Column], features: Sequence[Feature]
) -> list[str]:
    """Say which cells of columns of choices hold a choice that `features` lack, and are read as
    none of them."""
    known: dict[str, set[str]] = {}
    for feature in features:
        if feature.category is not None:
            known.setdefault(feature.column, set()).add(feature.category)
    notes = []
    for name, categories in known.items():
        column = columns[name]
        odd = [code for code, value in enumerate(column.values) if value not in categories]
        if n_odd := _n_cells(column, odd):
            verb = "holds an answer" if n_odd == 1 else "hold answers"
            notes.append(
                f"Column {plain(name, 60)}: {counted(n_odd, 'cell')} {verb} that training lacked "
                f"and {'is' if n_odd == 1 else 'are'} read as none of its choices; the first is "
                f"{_first(table, column, odd)}."
            )
    return _bounded(notes, "answers that training lacked")


def numbers_read_as_text(
    table: Table, columns: Mapping[str, Column], inferred: Inferred
) -> list[str]:
    """Say which columns would be numbers but for a few cells, and what became of them instead."""
    choices = dict.fromkeys(f.column for f in inferred.features if f.category is not None)
    became = dict.fromkeys(choices, "is read as choices") | dict.fromkeys(
        inferred.free_text, "was left out as text"
    )
    notes = []
    for name, what in became.items():
        column = columns[name]
        odd = [code for code, value in enumerate(column.values) if as_number(value) is None]
        n_odd, n_cells = _n_cells(column, odd), int((~column.missing).sum())
        if len(column.counts()) - len(odd) >= _FEW_NUMBERS and 2 * n_odd < n_cells:
            notes.append(
                f"Column {plain(name, 60)} {what}, not as a number: {counted(n_odd, 'cell')} of "
                f"{n_cells:,} {'is no number' if n_odd == 1 else 'are no numbers'}; the first is "
                f"{_first(table, column, odd)}."
            )
    return _bounded(notes, "text among numbers")


def _n_cells(column: Column, codes: Sequence[int]) -> int:
    return int(np.isin(column.codes, codes).sum())


def _first(table: Table, column: Column, codes: Sequence[int]) -> str:
    at = int(np.flatnonzero(np.isin(column.codes, codes))[0])
    return f"{cell_shown(column.values[column.codes[at]])} in {table.row_name(at)}"


def cell_shown(text: str) -> str:
    """Write a cell in a message; of a text that may be the narrative of a death, its length
    alone."""
    return shown(text) if len(text) <= _LONGEST else f"a text of {len(text):,} characters"


def _bounded(notes: list[str], kind: str) -> list[str]:
    left = len(notes) - _MOST_COLUMNS
    return (
        [*notes[:_MOST_COLUMNS], f"{counted(left, 'more column')} with {kind}."]
        if left > 0
        else notes
    )
