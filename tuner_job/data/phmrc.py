"""The raw files of the PHMRC gold-standard study (adult, child and neonate modules).

Source: Population Health Metrics Research Consortium Gold Standard Verbal Autopsy Data 2005-2011,
its codebook for the meaning of the columns, and Murray et al. 2011, Population Health Metrics 9:27.
"""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from tuner_job.data.columns import Column, Table, as_number, is_missing
from tuner_job.data.config import DataConfig
from tuner_job.data.formats import Symptoms
from tuner_job.data.unread import text_among_numbers
from tuner_job.errors import DataError
from tuner_job.wording import cell, counted, listed

_AGE = "age_years"
_SEX = "g1_05"
# The first is the age on the hospital's record, the second what the respondent says: it fills what
# the first lacks. Each is given in one of three units and blank in the others.
_AGE_COLUMNS = (("g1_07a", "g1_07b", "g1_07c"), ("g5_04a", "g5_04b", "g5_04c"))
_UNITS_A_YEAR = (1.0, 12.0, 365.25)

# Only what was asked about the illness can be a symptom: adult questions a*, child and neonate
# questions c* and the words counted in the open narrative. All of g1-g5 but age and sex is left
# out: dates, language, interviewer, who answered, how people live. They tell the site and the phase
# of the study, not the illness.
_QUESTION = re.compile(r"[ac]\d+_\w+|word_\w+")
_NO_SYMPTOM = re.compile(
    "|".join(
        (
            r"c1_(10|24)[dmy]?",  # dates of birth and death
            # is there a health record, and the dates on it
            r"a6_0(4|5|6_\w+|7[dmy])|c5_0(4|5|6_\w+|8[dmy])",
            # is there a death certificate, and the causes on it
            r"a6_(09|1[0-5])|c5_1[0-6]|c6_\w+",
            # What was written down where no given answer fitted
            r"a2_09_[12]b|a2_46b|a2_87_10b|a4_02_5b|a5_01_9b|a6_02_12b",
            r"c1_06b|c1_19_4b|c1_22b|c2_08b|c2_13b|c2_15b|c3_03_4b|c3_43|c4_45|c4_47_8b|c5_02_11b",
        )
    )
)
# Health-care experience: what respondents know from doctors. The codebook marks the counted words,
# the fourteen past diagnoses of adults and six child items: the parts of the dates of the last two
# visits (c5_06_*), which as dates are no features anyway. The two weights taken at those visits
# (c5_07_*) need the same contact with health care, and the Tariff method counts them in.
_HCE = re.compile(r"word_\w+|a1_01_\d+|c5_07_[12]")

# "Don't know" as a number. Durations were converted to days, and neither 999 nor 9999 days is a
# whole number of weeks, months or years. 98 and 99 stay: 98 days are 14 weeks, and of the numbers
# kept here the codebook gives 99 as a code only to age in months and in days.
_SENTINELS = frozenset({999.0, 9999.0})
_AGE_SENTINELS = _SENTINELS | {99.0}
_COUNTED_TO_99 = ("g1_07b", "g1_07c", "g5_04b", "g5_04c")
# No child weighs nothing: 0 stands where no weight was on record.
_WEIGHTS = ("c5_07_1", "c5_07_2")
_SHOWN = 5


class Phmrc:
    """Questions on the illness, age in years, sex and (with `hce`) health-care experience."""

    label_names: ClassVar[tuple[str, ...]] = ("gs_text34",)
    site_name: ClassVar[str | None] = "site"
    derived: ClassVar[Mapping[str, tuple[str, ...]]] = {_AGE: _AGE_COLUMNS[0] + _AGE_COLUMNS[1]}
    refuses_free_text: ClassVar[bool] = False

    def symptoms(self, table: Table, names: Sequence[str], config: DataConfig) -> Symptoms:
        """Keep what may be a symptom; make every way of not knowing missing."""
        _check_module(table)
        kept = [name for name in names if name == _SEX or _is_symptom(name, config.hce)]
        ages = [[name for name in group if name in names] for group in _AGE_COLUMNS]
        cleaned = {name: _clean(name, table.columns[name]) for name in (*kept, *ages[0], *ages[1])}
        columns = {name: cleaned[name] for name in kept}
        if any(ages):
            columns[_AGE] = _age(cleaned, table.n_rows)
        left_out = len(names) - len(cleaned)
        notes = [
            _sentinel_note(table, cleaned),
            *text_among_numbers(table, cleaned, [*ages[0], *ages[1]]),
        ]
        if left_out:
            notes.append(
                f"Left out {counted(left_out, 'column')} beside the symptoms: identifiers, causes, "
                "dates, free text, "
                f"the interview{'' if config.hce else ', and health-care experience'}."
            )
        return Symptoms(columns, tuple(note for note in notes if note))


def _is_symptom(name: str, hce: bool) -> bool:
    if not _QUESTION.fullmatch(name) or _NO_SYMPTOM.fullmatch(name):
        return False
    return hce or not _HCE.fullmatch(name)


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
    return as_number(text) in (_AGE_SENTINELS if name in _COUNTED_TO_99 else _SENTINELS)


def _says_nothing(name: str, text: str) -> bool:
    return (
        is_missing(text) or _is_sentinel(name, text) or (name in _WEIGHTS and as_number(text) == 0)
    )


def _clean(name: str, column: Column) -> Column:
    return column.map(lambda text: None if _says_nothing(name, text) else text)


def _age(cleaned: Mapping[str, Column], n_rows: int) -> Column:
    age = np.full(n_rows, np.nan)
    for group in _AGE_COLUMNS:
        parts = [
            cleaned[name].numbers(as_number) / units
            for name, units in zip(group, _UNITS_A_YEAR, strict=True)
            if name in cleaned
        ]
        if parts:
            stated = ~np.all(np.isnan(parts), axis=0)
            age = np.where(np.isnan(age) & stated, np.nansum(parts, axis=0), age)
    return Column.of_numbers(age)


def _sentinel_note(table: Table, cleaned: Mapping[str, Column]) -> str:
    per_column = {
        name: sum(
            count
            for text, count in table.columns[name].counts().items()
            if _is_sentinel(name, text)
        )
        for name in cleaned
    }
    affected = [name for name, count in per_column.items() if count]
    if not affected:
        return ""
    return (
        f"Read {sum(per_column.values())} numbers such as 999 or 9999, which stand for an unknown "
        "value, as "
        f"missing in {', '.join(affected[:_SHOWN])}{' …' if len(affected) > _SHOWN else ''}."
    )
