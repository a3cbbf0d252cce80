"""Ages at death as the usual groups, as far as a file's ages tell them apart."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Table
from tuner_job.data.instruments.parts import FloatArray, finite, first_number

_YEAR, _MONTH = 365.25, 365.25 / 12
_BANDS: Final = (
    (0.0, "0–27 days"),
    (28.0, "1–11 months"),
    (_YEAR, "1–4 years"),
    (5 * _YEAR, "5–14 years"),
    (15 * _YEAR, "15–49 years"),
    (50 * _YEAR, "50–64 years"),
    (65 * _YEAR, "65 years and over"),
)
"""Lowest age in days and name of each group; the second begins at 28 days."""
_UNDER_1_MONTH, _UNDER_1_YEAR = "under 1 month", "under 1 year"
AGE_BANDS: Final = (_UNDER_1_MONTH, _UNDER_1_YEAR, *(name for _, name in _BANDS))
"""Every group in the order of age; a file has those that its ages can tell."""
_MONTH_0, _YEAR_0, _FIRST = range(3)  # places in AGE_BANDS
_OLDEST = 130 * _YEAR
_SAME_NAME = re.compile(r"[^a-z]")
_NAMES: Final[Mapping[float, frozenset[str]]] = {
    1.0: frozenset({"agedays", "ageindays", "daysold", "ageatdeathdays"}),
    _YEAR: frozenset(
        {
            *("age", "ageyears", "ageinyears", "ageatdeath", "ageatdeathyears", "deathage"),
            *("idade", "edad", "idadeanos", "edadanos"),
        }
    ),
    _MONTH: frozenset({"agemonths", "ageinmonths", "ageatdeathmonths"}),
}
"""Days of a unit → names of columns that hold an age in it, letters alone."""


def age_groups(
    table: Table, own: str | None = None
) -> tuple[NDArray[np.int32], tuple[str, ...], str] | None:
    """Sort deaths into groups of age.

    Where a file has ages in several units, the smaller ones may hold the whole age or what is left
    over of it: 0 days beside 45 years are no age of a newborn.

    Parameters
    ----------
    table
        As its format has prepared it.
    own
        The column in which the format put ages in years together: it alone is read.

    Returns
    -------
    codes, names, columns
        (n_rows,) index into `names`, -1 where the age is not known; the columns that ages were read
        from, for messages. ``None`` if no column holds an age.
    """
    found = {unit: _named(table, names) for unit, names in _NAMES.items()}
    if own is not None and own in table.columns:
        found = {unit: [own] if unit == _YEAR else [] for unit in found}
    if not any(found.values()):
        return None
    years, months, days = (_first(table, found[unit], unit) for unit in (_YEAR, _MONTH, 1.0))
    ages = _together(years, months, days)
    codes = np.searchsorted([low for low, _ in _BANDS], ages, side="right") - 1 + _FIRST
    young = ages < _YEAR
    whole_months = np.isnan(days) & ~np.isnan(months) & ~_are_exact(months, 12)
    whole_years = np.isnan(days) & np.isnan(months) & ~_are_exact(years, 1)
    codes = np.where(young & whole_months & (months < 1), _MONTH_0, codes)
    codes = np.where(young & whole_years, _YEAR_0, codes)
    columns = ", ".join(name for names in found.values() for name in names)
    return np.where(np.isnan(ages), -1, codes).astype(np.int32), AGE_BANDS, columns


def _named(table: Table, names: frozenset[str]) -> list[str]:
    return [name for name in table.columns if _SAME_NAME.sub("", name.lower()) in names]


def _first(table: Table, names: Sequence[str], unit: float) -> FloatArray:
    """(n_rows,) of several columns the first number that may be an age; NaN where there is none."""
    numbers = [table.columns[name].numbers(finite) for name in names]
    ages = [np.where((one >= 0) & (one * unit < _OLDEST), one, np.nan) for one in numbers]
    return first_number([*ages, np.full(table.n_rows, np.nan)])


def _together(years: FloatArray, months: FloatArray, days: FloatArray) -> FloatArray:
    """(n_rows,) ages in days."""
    y, m, d = (np.nan_to_num(one) for one in (years, months, days))
    all_days = ~np.isnan(days) & (days >= 365 * np.floor(y)) & (days >= 30 * np.floor(m))
    all_months = ~np.isnan(months) & (months >= 12 * np.floor(y))
    ages = np.where(all_days, d, np.where(all_months, 0.0, y * _YEAR) + m * _MONTH + d)
    nothing = np.isnan(years) & np.isnan(months) & np.isnan(days)
    return np.where(nothing | (ages >= _OLDEST), np.nan, ages)


def _are_exact(ages: FloatArray, below: float) -> bool:
    """Whether ages of the first year are given in fractions of their unit."""
    young = ages[ages < below]
    return bool((young % 1 > 1e-8).any())
