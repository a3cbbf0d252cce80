"""Ages at death as the usual groups, as far as a file's ages tell them apart."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Table
from tuner_job.data.doubts import HIGH_CODES
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
_WHOLE = 1e-8
"""Of a unit: what a whole number may be off."""
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
    table: Table, own: str | None = None, parts: Collection[str] = ()
) -> tuple[NDArray[np.int32], tuple[str, ...], str] | None:
    """Sort deaths into groups of age.

    Where a file has ages in several units, the smaller ones may hold the whole age or what is left
    over of it: 0 days beside 45 years are no age of a newborn. What fits neither is as if it were
    not there; so is a code such as 99 beside a larger unit that says otherwise, or says 999.

    Parameters
    ----------
    table
        As its format has prepared it.
    own
        The column in which the format put ages in years together.
    parts
        The columns that it did so from; they tell how exact an age is.

    Returns
    -------
    codes, names, columns
        (n_rows,) index into `names`, -1 where the age is not known; the columns that ages were read
        from, for messages. ``None`` if no column holds an age.
    """
    if own is None:
        found = {unit: _named(table, names) for unit, names in _NAMES.items()}
        if not any(found.values()):
            return None
    else:
        there = [name for name in parts if name in table.columns]
        found = {unit: [name for name in there if _unit(name) == unit] for unit in _NAMES}
    years, months, days = (_first(table, found[unit], unit) for unit in (_YEAR, _MONTH, 1.0))
    if own is None:
        filled = [_are_filled(table, found[unit]) for unit in (_YEAR, _MONTH)]
        ages, step = _together(years, months, days, *filled)
    else:
        ages = _first(table, [own], _YEAR) * _YEAR
        step = np.where(np.isnan(days), np.where(np.isnan(months), _YEAR, _MONTH), 1.0)
    ages = np.where(ages < _OLDEST, np.round(ages, 6), np.nan)  # 28 days, through years or not
    codes = np.searchsorted([low for low, _ in _BANDS], ages, side="right") - 1 + _FIRST
    if not _are_exact(months, 12):
        codes = np.where((step == _MONTH) & (ages < _MONTH), _MONTH_0, codes)
    if not _are_exact(years, 1):
        codes = np.where((step == _YEAR) & (ages < _YEAR), _YEAR_0, codes)
    columns = own or ", ".join(name for names in found.values() for name in names)
    return np.where(np.isnan(ages), -1, codes).astype(np.int32), AGE_BANDS, columns


def _named(table: Table, names: frozenset[str]) -> list[str]:
    return [name for name in table.columns if _SAME_NAME.sub("", name.lower()) in names]


def _unit(part: str) -> float:
    """Days of the unit of a questionnaire's item, such as ageInMonths or g1_07c."""
    name = part.lower()
    if "day" in name or "hour" in name or name.endswith("c"):
        return 1.0
    return _MONTH if "month" in name or name.endswith("b") else _YEAR


def _first(table: Table, names: Sequence[str], unit: float) -> FloatArray:
    """(n_rows,) of several columns the first number that may be an age; NaN where there is none."""
    numbers = [table.columns[name].numbers(finite) for name in names]
    ages = [np.where((one >= 0) & (one * unit < _OLDEST), one, np.nan) for one in numbers]
    return first_number([*ages, np.full(table.n_rows, np.nan)])


def _are_filled(table: Table, names: Sequence[str]) -> NDArray[np.bool_]:
    """(n_rows,) whether any of several columns says something."""
    filled = np.zeros(table.n_rows, np.bool_)
    for name in names:
        filled |= ~table.columns[name].missing
    return filled


def _together(
    years: FloatArray,
    months: FloatArray,
    days: FloatArray,
    years_filled: NDArray[np.bool_],
    months_filled: NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """(n_rows,) ages in days, and days of the smallest unit that each was read from."""
    ages, step = years * _YEAR, np.full(len(years), _YEAR)
    exact = years % 1 > _WHOLE
    larger = years_filled
    for numbers, unit in ((months, _MONTH), (days, 1.0)):
        fine = numbers * unit
        agrees = np.abs(fine - ages) <= step  # completed or rounded
        left_over = (fine > 0) & (fine < step) & (ages >= step)
        repeats = (agrees & (fine >= step)).sum() > left_over.sum()
        coded = np.isin(numbers, list(HIGH_CODES)) & larger
        alone = (np.isnan(ages) | (ages < step)) & (agrees | ~coded)
        is_age = (agrees & (repeats | (fine >= step)) | alone) & ~exact & ~np.isnan(fine)
        is_rest = (fine < step) & ~np.isnan(ages) & ~is_age & ~exact
        ages = np.where(is_age, fine, np.where(is_rest, ages + fine, ages))
        step = np.where(is_age | is_rest, unit, step)
        exact |= (is_age | is_rest) & (numbers % 1 > _WHOLE)
        larger = years_filled | months_filled
    return ages, step


def _are_exact(ages: FloatArray, below: float) -> bool:
    """Whether ages of the first year are given in fractions of their unit."""
    young = ages[ages < below]
    return bool((young % 1 > _WHOLE).any())
