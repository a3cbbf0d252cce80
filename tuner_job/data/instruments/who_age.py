"""The age at death in exports of the WHO questionnaire."""

import numpy as np

from tuner_job.data.columns import Column, Table
from tuner_job.data.instruments.parts import FloatArray, finite, first_number, unread_note
from tuner_job.data.instruments.who_items import AGE_ITEMS
from tuner_job.wording import counted

AGE = "age_years"
_DAYS, _MONTHS = 365.25, 12.0
_OLDEST = 130.0


def age_column(table: Table) -> tuple[Column, list[str]] | None:
    """Put the age in years together; ``None`` if the file has none of its items.

    From the dates of birth and death where both are known (`ageInDays`), else from what was entered
    for the age group, else from what the form computed of it.
    """
    names = [name for name in AGE_ITEMS if name in table.columns]
    if not names:
        return None
    stated = _stated(table)
    fitting = [np.where((age >= 0) & (age < _OLDEST), age, np.nan) for age in stated]
    age = first_number(fitting)
    wrong = np.flatnonzero(np.isnan(age) & ~np.isnan(first_number(stated)))
    notes = [unread_note(table, name, AGE) for name in names]
    if len(wrong):
        notes.append(
            f"{counted(len(wrong), 'age')} below 0 or above {_OLDEST:.0f} years taken as missing; "
            f"the first is in {table.row_name(int(wrong[0]))}."
        )
    return Column.of_numbers(age), notes


def _stated(table: Table) -> list[FloatArray]:
    days, months = _numbers(table, "age_neonate_days"), _numbers(table, "ageInMonths")
    hours = _numbers(table, "age_neonate_hours") / 24
    years = _numbers(table, "ageInYears")
    # Beside years, ageInMonths is what months are left over.
    left_over = np.where((months >= 0) & (months < _MONTHS), months, 0) / _MONTHS
    return [
        _numbers(table, "ageInDays") / _DAYS,
        _numbers(table, "ageInDays2") / _DAYS,
        np.where(np.isnan(days), hours, days + np.nan_to_num(hours)) / _DAYS,
        _numbers(table, "age_child_days") / _DAYS,
        _numbers(table, "age_child_months") / _MONTHS,
        _numbers(table, "age_child_years"),
        _numbers(table, "age_adult"),
        _numbers(table, "ageInDaysNeonate") / _DAYS,
        years + left_over,
        _numbers(table, "ageInMonthsByYear") / _MONTHS,
        _numbers(table, "ageInYears2"),
        months / _MONTHS,
    ]


def _numbers(table: Table, name: str) -> FloatArray:
    column = table.columns.get(name)
    return np.full(table.n_rows, np.nan) if column is None else column.numbers(finite)
