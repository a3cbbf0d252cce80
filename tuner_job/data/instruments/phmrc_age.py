"""The age at death in PHMRC files, from six columns and the module's range."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column, Table
from tuner_job.data.instruments.parts import FloatArray, finite, first_number, unread_note
from tuner_job.wording import counted

AGE = "age_years"
# The first is the age on the hospital's record, the second what the respondent says: it fills what
# the first lacks. Each is given in one of three units and blank in the others.
AGE_COLUMNS = (("g1_07a", "g1_07b", "g1_07c"), ("g5_04a", "g5_04b", "g5_04c"))
_UNITS_A_YEAR = (1.0, 12.0, 365.25)
# "Don't know" as a number: the codebook gives 99 as a code to age in months and in days only.
_UNKNOWN = {unit: {999.0, 9999.0} for unit in "a"} | {unit: {99.0, 999.0, 9999.0} for unit in "bc"}
_MONTH_OLD = 28 / 365.25
_ADULT = 12.0


def age_column(table: Table) -> tuple[Column, list[str]] | None:
    """Put the age in years together; ``None`` if the file has none of its columns.

    An age that the row's module cannot have – a neonate of 8 years, whose days stand in the column
    of years – gives way to what the respondent says, then to its years read as days.

    Returns
    -------
    column, notes
        What was found, one sentence each.
    """
    groups = [[name for name in group if name in table.columns] for group in AGE_COLUMNS]
    if not any(groups):
        return None
    lowest, below = _range(table)
    stated = [_years(table, group) for group in groups]
    as_days = [_numbers(table, group[0]) / 365.25 for group in AGE_COLUMNS]
    fitting = [_within(age, lowest, below) for age in stated]
    wrong = ~np.isnan(stated[0]) & np.isnan(fitting[0])
    wrong |= np.isnan(stated[0]) & ~np.isnan(stated[1]) & np.isnan(fitting[1])
    neonate = below <= _MONTH_OLD * 1.001
    days = [np.where(wrong & neonate, _within(age, lowest, below), np.nan) for age in as_days]
    age = first_number([*fitting, *days])
    notes = [unread_note(table, name, AGE) for group in groups for name in group]
    notes.append(_range_note(table, wrong, first_number(fitting), age))
    return Column.of_numbers(age), [note for note in notes if note]


def _numbers(table: Table, name: str) -> FloatArray:
    if name not in table.columns:
        return np.full(table.n_rows, np.nan)
    unknown = _UNKNOWN[name[-1]]
    return table.columns[name].numbers(
        lambda text: None if finite(text) in unknown else finite(text)
    )


def _years(table: Table, group: Sequence[str]) -> FloatArray:
    parts = [
        _numbers(table, name) / units
        for name, units in zip(("a", "b", "c"), _UNITS_A_YEAR, strict=True)
        for name in [part for part in group if part.endswith(name)]
    ]
    if not parts:
        return np.full(table.n_rows, np.nan)
    return np.where(np.all(np.isnan(parts), axis=0), np.nan, np.nansum(parts, axis=0))


def _range(table: Table) -> tuple[FloatArray, FloatArray]:
    """(n_rows,) the lowest age of each row's module, and the one that it stays below."""
    lowest, below = np.zeros(table.n_rows), np.full(table.n_rows, np.inf)
    column = table.columns.get("module")
    if column is not None:
        modules = np.array([*(value.casefold() for value in column.values), ""])[column.codes]
        lowest[modules == "child"], below[modules == "child"] = _MONTH_OLD, _ADULT
        lowest[modules == "adult"] = _ADULT
        below[modules == "neonate"] = np.nextafter(_MONTH_OLD, 1)
    return lowest, below


def _within(age: FloatArray, lowest: FloatArray, below: FloatArray) -> FloatArray:
    return np.where((age >= lowest) & (age < below), age, np.nan)


def _range_note(table: Table, wrong: NDArray[np.bool_], said: FloatArray, age: FloatArray) -> str:
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return ""
    n_said = int((~np.isnan(said[rows])).sum())
    n_days = int((~np.isnan(age[rows])).sum()) - n_said
    became = {
        "taken from what the respondent said": n_said,
        "read as days": n_days,
        "missing": len(rows) - n_said - n_days,
    }
    return (
        f"{counted(len(rows), 'age')} out of the range of the row's module (neonate up to 28 days, "
        f"child up to 11 years, adult from 12 years), the first in {table.row_name(int(rows[0]))}: "
        f"{', '.join(f'{n:,} {what}' for what, n in became.items() if n)}."
    )
