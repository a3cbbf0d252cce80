"""Exports of the WHO verbal autopsy questionnaires 2016 and 2022: ODK, ODK Central and KoBo."""

import re
from collections.abc import Mapping
from typing import ClassVar

from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig
from tuner_job.data.instruments.formats import Hint
from tuner_job.data.instruments.openva import has_indicators
from tuner_job.data.instruments.parts import (
    as_stated,
    bounded,
    first_stated,
    fits,
    with_columns,
)
from tuner_job.data.instruments.who_age import AGE, age_column
from tuner_job.data.instruments.who_answers import durations, selects
from tuner_job.data.instruments.who_items import (
    AGE_HELPERS,
    AGE_ITEMS,
    ALSO_YES_NO,
    DURATIONS,
    PART_OF,
    SAME_SELECT,
    SELECTS,
    YES_NO,
    item_hint,
)
from tuner_job.data.instruments.who_names import has_items, item_of
from tuner_job.errors import DataError
from tuner_job.wording import counted, listed

_META = {
    reason: re.compile(rf"(?:.*[^a-z0-9])?(?:{names})", re.IGNORECASE)
    for reason, names in {
        "a date": r"start|end|today|\w*date|\w*_time|timestamp\w*",
        "an identifier": r"key|instance(id|name)|_?u?u?id|_index|device_?id|subscriberid"
        r"|sim(id|serial)|phonenumber|username|submitter\w*|\w*version\w*|audit\w*",
        "a place": r"gps|geopoint|_?geolocation\w*|location|latitude|longitude|altitude|accuracy",
        "consent": r"consent\w*",
        "the interview": r"language|interviewer\w*|\w*comments?|duration",
    }.items()
}


class Who:
    """Items ``Id10xxx``, whatever groups stand before them; age in years; durations in days.

    A select-multiple becomes one column of yes and no an answer, such as ``Id10477/Fever``.
    """

    label_names: ClassVar[tuple[str, ...]] = (
        *("cause", "cod", "cause_of_death", "causeofdeath", "cause of death"),
        *("underlying_cause", "final_cause", "physician_cause", "pcva_cause"),
    )
    site_name: ClassVar[str | None] = None
    derived: ClassVar[Mapping[str, tuple[str, ...]]] = {
        AGE: AGE_ITEMS,
        **{
            target: tuple(name for name, _ in duration.parts)
            for target, duration in DURATIONS.items()
        },
        **{f"{item}/{option}": (item,) for item, options in SELECTS.items() for option in options},
    }

    def prepare(self, table: Table, config: DataConfig) -> Table:
        """Strip groups off the names, put age and durations together, split select-multiples."""
        if not has_items(table.columns):
            raise DataError(_no_items(table))
        columns, note = _by_item(table, config)
        table = with_columns(table, columns, [note])
        used = as_stated(table, config)
        in_days, duration_notes = durations(used)
        answers, select_notes = selects(used)
        columns = {**table.columns, **in_days, **answers}
        notes = bounded(duration_notes, "text among numbers")
        notes += bounded(select_notes, "answers that the questionnaire lacks")
        age = age_column(used)
        if age is not None:
            columns[AGE] = age[0]
            notes += age[1]
        return with_columns(table, columns, notes)

    def hints(self, table: Table, config: DataConfig) -> Mapping[str, Hint]:
        """What the questionnaire says of each column, where the cells agree."""
        found = {name: _hint(name, table) for name in table.columns}
        return {
            name: hint
            for name, hint in found.items()
            if hint is not None and fits(hint, table.columns[name])
        }


def _no_items(table: Table) -> str:
    hint = ""
    if has_indicators(table.columns):
        hint = "; names such as i004a are openVA's: set data.format: openva"
    return (
        f"{table.source}: must have items of the WHO questionnaire, columns such as Id10147 or "
        f"consented-illhistory-Id10147; found {listed(table.columns)}{hint}"
    )


def _by_item(table: Table, config: DataConfig) -> tuple[dict[str, Column], str]:
    # What the experiment names is found under the name that it gives.
    named = {config.label, config.site, *config.drop}
    columns: dict[str, list[Column]] = {}
    for name, column in table.columns.items():
        item = None if name in named else item_of(name)
        columns.setdefault(item.column if item else name, []).append(column)
    repeated = [name for name, several in columns.items() if len(several) > 1]
    note = (
        f"{counted(len(repeated), 'item')} in several columns each ({listed(repeated, 5)}): of "
        "every row the first that is answered is taken."
        if repeated
        else ""
    )
    return {name: first_stated(several) for name, several in columns.items()}, note


def _hint(name: str, table: Table) -> Hint | None:
    item, _, option = name.partition("/")
    if name == AGE:
        return Hint(kind="number", unit="years")
    if name in AGE_ITEMS or name in AGE_HELPERS:
        return Hint(left_out="a part of the age")
    if item in SELECTS and option:
        return YES_NO if option in SELECTS[item] else Hint(left_out=f"a part of {item}")
    if name in SAME_SELECT or (name in SELECTS and name not in ALSO_YES_NO):
        return Hint(left_out="read as one column an answer")
    if name in DURATIONS:
        parts = [part for part, _ in DURATIONS[name].parts]
        return Hint(kind="number", unit="days" if any(p in table.columns for p in parts) else "")
    if name in PART_OF:
        return Hint(left_out=f"a part of {PART_OF[name]}")
    if (known := item_of(name)) is not None and known.name.startswith("Id"):
        return item_hint(known.name)
    for reason, names in _META.items():
        if names.fullmatch(name):
            return Hint(left_out=reason)
    return Hint(left_out="no item of the questionnaire")
