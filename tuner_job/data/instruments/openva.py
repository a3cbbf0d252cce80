"""openVA's codings of symptoms as present, absent or missing."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig, named
from tuner_job.data.instruments.formats import Hint
from tuner_job.data.instruments.parts import finite
from tuner_job.data.words import is_missing, key
from tuner_job.errors import DataError
from tuner_job.wording import cell, counted, plain

# InterVA-4, InSilicoVA on WHO 2012 and PHMRC: "Y" present, empty absent, "." missing.
# InterVA-5 on WHO 2016: "y" present, "n" absent, "-" or "." missing, and an empty cell is no answer
# either. R writes what is missing as NA in both.
_PRESENT = "y"
_OF_SECOND = frozenset({"n", "-"})
_CODES = frozenset({_PRESENT, ".", *_OF_SECOND})
_SEXES = frozenset({"male", "female", "m", "f"})
_INDICATOR = re.compile(r"i\d{3}[a-o]", re.IGNORECASE)
_SHOWN = 5


class OpenVa:
    """Symptoms coded ``Y``, empty, ``.`` or ``y``, ``n``, ``-``; case does not matter.

    The coding is that of the whole training file: the second one if absence has a code at least as
    often as presence, or more often than a cell is empty. A single N among Y and empty cells is
    a slip, and turns nothing around.
    """

    label_names: ClassVar[tuple[str, ...]] = ("cause", "cod")
    site_name: ClassVar[str | None] = None
    derived: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def prepare(self, table: Table, config: DataConfig) -> Table:
        """Name symbols of the other coding; the cells stay."""
        names = [name for name in _candidates(table, config) if _is_coded(table.columns[name])]
        if _codes_absence(table.columns[name] for name in names):
            return table
        notes = _stray_notes(table, names)
        return Table(
            table.source, table.columns, table.rows, table.counting, (*table.notes, *notes)
        )

    def hints(self, table: Table, config: DataConfig) -> Mapping[str, Hint]:
        """Say what an empty cell means in this file; numbers and sex beside the symptoms are left
        to inference.

        Raises
        ------
        DataError
            If a column is neither; the message names the first such cell of each.
        """
        names = _candidates(table, config)
        coded = [name for name in names if _is_coded(table.columns[name])]
        _check(table, names, coded)
        second = _codes_absence(table.columns[name] for name in coded)
        symptom = Hint(
            kind="yes_no",
            yes=frozenset({_PRESENT}),
            no=frozenset({"n"}),
            missing=frozenset({".", "-", "na"}),
            blank="missing" if second else "no",
        )
        identifiers = [name for name in table.columns if name.casefold() == "id"]
        return dict.fromkeys(identifiers, Hint(left_out="an identifier")) | dict.fromkeys(
            coded, symptom
        )


def looks_like_openva(table: Table) -> bool:
    """Whether at least half of the columns hold nothing but symbols of openVA's codings, Y among
    them."""
    symptoms = [column for column in table.columns.values() if _is_only_coded(column)]
    return bool(symptoms) and 2 * len(symptoms) >= len(table.columns) - 2  # identifier and cause


def has_indicators(names: Iterable[str]) -> bool:
    """Whether columns have the names of InterVA-5's indicators, such as ``i004a``."""
    return any(_INDICATOR.fullmatch(name) for name in names)


def _candidates(table: Table, config: DataConfig) -> list[str]:
    taken = {config.label, config.site, config.id}
    patterns = [*config.drop, *config.columns]
    return [
        name
        for name in table.columns
        if name
        and name not in taken
        and name.casefold() not in {"id", *OpenVa.label_names}
        and not any(named(name, pattern) for pattern in patterns)
    ]


def _is_code(text: str) -> bool:
    return key(text) in _CODES or is_missing(text)


def _is_only_coded(column: Column) -> bool:
    return all(key(text) in _CODES for text in column.counts()) and _PRESENT in _symbols([column])


def _is_coded(column: Column) -> bool:
    return all(_is_code(text) for text in column.counts())


def _symbols(columns: Iterable[Column]) -> Counter[str]:
    found: Counter[str] = Counter()
    for column in columns:
        for text, count in column.counts().items():
            found[key(text)] += count
        found[""] += int(column.missing.sum())
    return found


def _codes_absence(columns: Iterable[Column]) -> bool:
    found = _symbols(columns)
    absent = sum(found[symbol] for symbol in _OF_SECOND)
    return absent > 0 and (absent >= found[_PRESENT] or absent > found[""])


def _stray_notes(table: Table, names: Sequence[str]) -> list[str]:
    strays = []
    for name in names:
        column = table.columns[name]
        for code, text in enumerate(column.values):
            if key(text) in _OF_SECOND:
                strays += [(int(row), name, text) for row in np.flatnonzero(column.codes == code)]
    if not strays:
        return []
    shown = ", ".join(
        f"{cell(text)} in column {plain(name, 80)}, {table.row_name(row)}"
        for row, name, text in sorted(strays)[:_SHOWN]
    )
    more = f" and {len(strays) - _SHOWN:,} more" if len(strays) > _SHOWN else ""
    verb = "is" if len(strays) == 1 else "are"
    return [
        f"Symptoms are coded Y, empty and '.'; {counted(len(strays), 'cell')} with a symbol of the "
        f"other coding {verb} read by what it says (n absent, - missing): {shown}{more}."
    ]


def _is_ordinary(column: Column) -> bool:
    texts = [text for text in column.counts() if not is_missing(text)]
    return all(finite(text) is not None for text in texts) or all(
        key(text) in _SEXES for text in texts
    )


def _check(table: Table, names: Sequence[str], coded: Sequence[str]) -> None:
    wrong = []
    for name in names:
        column = table.columns[name]
        if name in coded or _is_ordinary(column):
            continue
        odd = [code for code, text in enumerate(column.values) if not _is_code(text)]
        rows = np.flatnonzero(np.isin(column.codes, odd))
        if len(rows):
            found = cell(column.values[column.codes[rows[0]]])
            wrong.append(f"{found} in column {plain(name, 80)}, {table.row_name(int(rows[0]))}")
    if wrong:
        more = f" and in {len(wrong) - _SHOWN} more columns" if len(wrong) > _SHOWN else ""
        raise DataError(
            f"{table.source}: symptoms must be Y, empty or '.' (or y, n, '-'), other columns "
            f"numbers or a sex; found {', '.join(wrong[:_SHOWN])}{more}; name columns that are no "
            "symptoms in data.drop"
        )
