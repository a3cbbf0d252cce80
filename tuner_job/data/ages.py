"""Ages at death as the usual groups, as far as a file's ages tell them apart."""

import re
from collections.abc import Mapping
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


def age_groups(table: Table) -> tuple[NDArray[np.int32], tuple[str, ...], str] | None:
    """Sort deaths into groups of age.

    Parameters
    ----------
    table
        As its format has prepared it.

    Returns
    -------
    codes, names, column
        (n_rows,) index into `names`, -1 where the age is not known; the columns that ages were read
        from, for messages. ``None`` if no column holds an age.
    """
    found = {
        unit: [name for name in table.columns if _SAME_NAME.sub("", name.lower()) in names]
        for unit, names in _NAMES.items()
    }
    if found[_YEAR]:
        found[_MONTH] = []  # beside years, months are often those that are left over
    if not any(found.values()):
        return None
    units = {unit: [_days(table, name, unit) for name in names] for unit, names in found.items()}
    ages = first_number([age for several in units.values() for age in several])
    bands = _told_apart(ages, units)
    codes = np.searchsorted([low for low, _ in bands], ages, side="right") - 1
    known = (ages >= 0) & (ages < _OLDEST)
    columns = ", ".join(name for names in found.values() for name in names)
    return (
        np.where(known, codes, -1).astype(np.int32),
        tuple(name for _, name in bands),
        columns,
    )


def _days(table: Table, name: str, unit: float) -> FloatArray:
    return table.columns[name].numbers(finite) * unit


def _told_apart(
    ages: FloatArray, units: Mapping[float, list[FloatArray]]
) -> list[tuple[float, str]]:
    """The groups that these ages tell apart: whole years say nothing of the first year."""
    young = ages[ages < _YEAR]
    if units[1.0] or not len(young):
        return list(_BANDS)
    if units[_YEAR]:
        return list(_BANDS) if (young > 0).any() else [(0.0, _UNDER_1_YEAR), *_BANDS[2:]]
    whole = np.isclose(young / _MONTH % 1, 0) | np.isclose(young / _MONTH % 1, 1)
    return [(0.0, _UNDER_1_MONTH), *_BANDS[1:]] if whole.all() else list(_BANDS)
