"""openVA's codings of symptoms as present, absent or missing."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig
from tuner_job.data.formats import Symptoms
from tuner_job.errors import DataError
from tuner_job.wording import cell, plain

# InterVA-4, InSilicoVA on WHO 2012 and PHMRC: "Y" present, empty absent, "." missing.
# InterVA-5 on WHO 2016: "y" present, "n" absent, "-" or "." missing, and an empty cell is no answer
# either.
_PRESENT = frozenset({"y"})
_ABSENT = frozenset({"n"})
_MISSING = frozenset({".", "-"})
_SHOWN = 5


class OpenVa:
    """Symptoms coded ``Y``, empty, ``.`` or ``y``, ``n``, ``-``; a column ``ID`` is left out.

    The second coding is recognised by its ``n`` or ``-``, anywhere in the file; case does not
    matter.
    """

    label_names: ClassVar[tuple[str, ...]] = ("cause", "cod")
    site_name: ClassVar[str | None] = None
    derived: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    refuses_free_text: ClassVar[bool] = True

    def symptoms(self, table: Table, names: Sequence[str], config: DataConfig) -> Symptoms:
        """Read every symptom as 1, 0 or missing."""
        columns = {
            name: table.columns[name].map(str.lower) for name in names if name.lower() != "id"
        }
        _check_codes(table, columns)
        codes_absence = any({"n", "-"} & column.counts().keys() for column in columns.values())
        return Symptoms({name: _read(column, codes_absence) for name, column in columns.items()})


def _read(column: Column, codes_absence: bool) -> Column:
    present = column.map(lambda text: "1" if text in _PRESENT else "0" if text in _ABSENT else None)
    if codes_absence:
        return present
    # -1 stands for both "." and an empty cell in `present`; only the empty cell says that there was
    # nothing.
    absent = len(present.values)
    return Column(
        np.where(column.missing, absent, present.codes).astype(np.int32), (*present.values, "0")
    )


def _check_codes(table: Table, columns: Mapping[str, Column]) -> None:
    allowed = _PRESENT | _ABSENT | _MISSING
    wrong = []
    for name, column in columns.items():
        # A dummy for the missing cells at the end, where code -1 points.
        is_wrong = np.array([*(value not in allowed for value in column.values), False])
        rows = np.flatnonzero(is_wrong[column.codes])
        if len(rows):
            found = cell(column.values[column.codes[rows[0]]])
            wrong.append(f"{found} in column {plain(name, 80)}, {table.row_name(int(rows[0]))}")
    if wrong:
        more = f" and in {len(wrong) - _SHOWN} more columns" if len(wrong) > _SHOWN else ""
        raise DataError(
            f"{table.source}: symptoms must be Y, empty or '.' (or y, n, '-'); "
            f"found {', '.join(wrong[:_SHOWN])}{more}; name columns that are no symptoms in "
            "data.drop"
        )
