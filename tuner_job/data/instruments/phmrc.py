"""The raw files of the PHMRC gold-standard study (adult, child and neonate modules).

Source: Population Health Metrics Research Consortium Gold Standard Verbal Autopsy Data 2005-2011,
its codebook for the meaning of the columns, and Murray et al. 2011, Population Health Metrics 9:27.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig
from tuner_job.data.instruments.formats import Hint
from tuner_job.data.instruments.parts import as_stated, finite, fits, with_columns
from tuner_job.data.instruments.phmrc_age import AGE, AGE_COLUMNS, age_column
from tuner_job.data.instruments.phmrc_items import INJURIES, item_hint
from tuner_job.data.words import YES, is_missing, key
from tuner_job.errors import DataError
from tuner_job.wording import cell, counted, listed

BoolArray = NDArray[np.bool_]

_SEX = "g1_05"
_AGES = AGE_COLUMNS[0] + AGE_COLUMNS[1]
_NAMES = re.compile(r"site|module|newid|gs_\w+|va\d+|[acg]\d+_\w+|word_\w+", re.IGNORECASE)
_QUESTION = re.compile(r"[ac]\d+_\w+")
_FEWEST_QUESTIONS = 3  # that show what the file is

# Only what was asked about the illness can be a symptom: adult questions a*, child and neonate
# questions c* and the words counted in the open narrative. All of g1-g5 but age and sex is left
# out: dates, language, interviewer, who answered, how people live. They tell the site and the phase
# of the study, not the illness.
_LEFT_OUT = {
    reason: re.compile(names)
    for reason, names in {
        "an identifier": r"newid",
        "a cause of death": r"gs_\w+|va\d+",
        "a part of the age": "|".join(_AGES),
        "a date": r"c1_(10|24)[dmy]?|(a6_06|c5_06)_\w+|(a6_07|c5_08)[dmy]|g\d_\d\d[a-f]?[dmy]",
        "a health record": r"a6_0[45]|c5_0[45]",
        "the death certificate": r"a6_(09|1[0-5])|c5_1[0-6]|c6_\w+",
        # What was written down where no given answer fitted; names of clinics, notes of doctors
        "free text": r"a2_09_[12]b|a2_46b|a2_87_10b|a4_02_5b|a5_01_9b|a6_02_12b|c1_06b|c1_19_4b"
        r"|c1_22b|c1_23|c2_08b|c2_13b|c2_15b|c3_03_4b|c3_43|c4_45|c4_47_8b|c5_02_11b"
        r"|a6_03b?|a6_08|c5_03b?|c5_09",
    }.items()
}
# Health-care experience: what respondents know from doctors. The codebook marks the counted words,
# the fourteen past diagnoses of adults and six child items: the parts of the dates of the last two
# visits (c5_06_*), which as dates are no features anyway. The two weights taken at those visits
# (c5_07_*) need the same contact with health care, and the Tariff method counts them in.
_HCE = re.compile(r"word_\w+|a1_01_\d+|c5_07_[12]")

# "Don't know" as a number. Durations were converted to days, and neither 999 nor 9999 days is a
# whole number of weeks, months or years. 98 and 99 stay: 98 days are 14 weeks.
_SENTINELS = frozenset({999.0, 9999.0})
# No child weighs nothing: 0 stands where no weight was on record.
_WEIGHTS = frozenset({"c5_07_1", "c5_07_2"})
_TICKING_SITE = "dar"
_SHOWN = 5


class Phmrc:
    """Questions on the illness, age in years, sex and (with `hce`) health-care experience."""

    label_names: ClassVar[tuple[str, ...]] = ("gs_text34",)
    site_name: ClassVar[str | None] = "site"
    derived: ClassVar[Mapping[str, tuple[str, ...]]] = {AGE: _AGES}

    def prepare(self, table: Table, config: DataConfig) -> Table:
        """Give columns their names in lower case, put the age together, make numbers that say
        nothing missing and empty cells no where injuries were ticked."""
        table = with_columns(table, _in_lower_case(table, config), [])
        if not any(_QUESTION.fullmatch(name.lower()) for name in table.columns):
            raise DataError(
                f"{table.source}: must have columns of the PHMRC files such as a2_01 or c1_01; "
                f"found {listed(table.columns)}"
            )
        _check_module(table)
        cleaned, sentinels = _without_sentinels(table, config.hce)
        age = age_column(as_stated(table, config))
        table = with_columns(table, {**table.columns, **cleaned}, [sentinels])
        ticked, blanks = _ticked_injuries(table)
        columns, notes = {**table.columns, **ticked}, [blanks]
        if age is not None:
            columns[AGE] = age[0]
            notes += age[1]
        return with_columns(table, columns, notes)

    def hints(self, table: Table, config: DataConfig) -> Mapping[str, Hint]:
        """What the codebook says of each column, where the cells agree."""
        found = {name: _hint(name.lower(), config.hce) for name in table.columns}
        return {
            name: hint
            for name, hint in found.items()
            if hint is not None and fits(hint, table.columns[name])
        }


def has_questions(names: Iterable[str]) -> bool:
    """Whether columns have the names of this study's files, several questions among them."""
    lower = {name.lower() for name in names}
    n_questions = sum(1 for name in lower if _QUESTION.fullmatch(name))
    return n_questions >= _FEWEST_QUESTIONS and bool(lower & {_SEX, "gs_text34", "g1_07a"})


def _hint(name: str, hce: bool) -> Hint | None:
    if name == AGE:
        return Hint(kind="number", unit="years")
    for reason, names in _LEFT_OUT.items():
        if names.fullmatch(name):
            return Hint(left_out=reason)
    if not hce and _HCE.fullmatch(name):
        return Hint(left_out="health-care experience (data.hce)")
    if _QUESTION.fullmatch(name) or name.startswith("word_") or name == _SEX:
        return item_hint(name)
    return Hint(left_out="not about the illness")


def _in_lower_case(table: Table, config: DataConfig) -> dict[str, Column]:
    # What the experiment names is found under the name that it gives.
    named = {config.label, config.site, *config.drop}
    columns: dict[str, Column] = {}
    first: dict[str, str] = {}
    for name, column in table.columns.items():
        known = _NAMES.fullmatch(name) and name not in named
        new = name.lower() if known else name
        if new in columns:
            raise DataError(
                f"{table.source}: column names must differ by more than capitals; found "
                f"{first[new]} and {name}"
            )
        columns[new], first[new] = column, name
    return columns


def _check_module(table: Table) -> None:
    modules = table.columns["module"].counts() if "module" in table.columns else {}
    if len(modules) > 1:
        found = listed(
            f"{cell(name)} ({counted(count, 'row')})" for name, count in sorted(modules.items())
        )
        # Cause numbers mean different causes in different modules.
        raise DataError(
            f"{table.source}: column module must hold one module, found {found}; split the file"
        )


def _is_sentinel(name: str, text: str) -> bool:
    number = finite(text)
    return number in _SENTINELS or (number == 99 and name in _AGES and name[-1] in "bc")


def _without_sentinels(table: Table, hce: bool) -> tuple[dict[str, Column], str]:
    cleaned: dict[str, Column] = {}
    n_cells = 0
    affected: list[str] = []
    for name in table.columns:
        hint = _hint(name.lower(), hce)
        if hint is not None and hint.left_out and name not in _AGES:
            continue
        column = table.columns[name]
        found = sum(n for text, n in column.counts().items() if _is_sentinel(name, text))
        if found:
            n_cells += found
            affected.append(name)
        if found or name in _WEIGHTS:
            cleaned[name] = column.map(partial(_said, name))
    if not affected:
        return cleaned, ""
    return cleaned, (
        f"Read {counted(n_cells, 'number')} such as 999 or 9999, which stand for an unknown value, "
        f"as missing in {', '.join(affected[:_SHOWN])}{' …' if len(affected) > _SHOWN else ''}."
    )


def _said(name: str, text: str) -> str | None:
    nothing = _is_sentinel(name, text) or (name in _WEIGHTS and finite(text) == 0)
    return None if nothing else text


def _ticked_injuries(table: Table) -> tuple[dict[str, Column], str]:
    """Read the empty cells of a row as no where its injuries were ticked yes or left empty."""
    names = [name for name in table.columns if name in INJURIES]
    ticked = _are_ticked(table, names)
    columns, n_cells = {}, 0
    for name in names:
        column = table.columns[name]
        blank = column.missing & ticked
        n_cells += int(blank.sum())
        codes = np.where(blank, len(column.values), column.codes).astype(np.int32)
        columns[name] = Column(codes, (*column.values, "No")).map(lambda text: text)
    if not n_cells:
        return {}, ""
    return columns, (
        f"Read {counted(n_cells, 'empty cell')} of {names[0]} to {names[-1]} as no: site Dar ticks "
        "injuries yes or leaves them empty."
    )


def _are_ticked(table: Table, names: Sequence[str]) -> BoolArray:
    """(n_rows,) whether an empty cell of a row's injuries means no.

    A row that says no, or don't know, to any injury was asked one by one: there an empty cell is no
    answer. A row without any answer is a list with nothing ticked at Dar and where the site is not
    known; elsewhere nothing was asked.
    """
    yes, other = np.zeros(table.n_rows, bool), np.zeros(table.n_rows, bool)
    for name in names:
        answers = table.columns[name].numbers(
            lambda text: float(key(text) in YES or key(text) == "1")
        )
        yes, other = yes | (answers == 1), other | (answers == 0)
    return ~other & (yes | _may_be_dar(table))


def _may_be_dar(table: Table) -> BoolArray:
    site = next((table.columns[name] for name in table.columns if name.lower() == "site"), None)
    if site is None:
        return np.ones(table.n_rows, bool)
    dar = site.numbers(lambda text: float(key(text) == _TICKING_SITE or is_missing(text)))
    may_be: BoolArray = np.isnan(dar) | (dar == 1)
    return may_be
