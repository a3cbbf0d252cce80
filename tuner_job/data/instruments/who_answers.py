"""Answers of the WHO questionnaire that stand in several columns, or several in one."""

import re
from collections.abc import Mapping

import numpy as np

from tuner_job.data.columns import Column, Table
from tuner_job.data.instruments.parts import (
    FloatArray,
    finite,
    first_number,
    first_stated,
    unread_note,
)
from tuner_job.data.instruments.who_items import (
    ALSO_YES_NO,
    DAYS_A,
    DURATIONS,
    SAME_SELECT,
    SELECTS,
    UNKNOWN,
    YES_MEANS,
    Duration,
)
from tuner_job.data.instruments.who_names import UNKNOWN_OPTIONS
from tuner_job.data.words import NO, YES, is_missing, key
from tuner_job.wording import cell, counted

_BETWEEN = re.compile(r"[\s,;]+")
_NOTHING = frozenset({"none", "no", "none_of_the_above"})
_YES, _NO = YES | {"1"}, NO | {"0", "2"}


def durations(table: Table) -> tuple[dict[str, Column], list[str]]:
    """Put durations together in days, from the parts that the file has.

    Where it has none, what the form computed stays as it is.
    """
    columns, notes = {}, []
    for target, duration in DURATIONS.items():
        present = [name for name, _ in duration.parts if name in table.columns]
        if present:
            columns[target] = Column.of_numbers(_days(table, duration))
            notes += [unread_note(table, name, target) for name in present]
    return columns, notes


def _days(table: Table, duration: Duration) -> FloatArray:
    chosen = _chosen_unit(table, duration.unit_item)
    days = []
    for name, unit in duration.parts:
        if name not in table.columns:
            continue
        number = table.columns[name].numbers(finite)
        days.append(number * (DAYS_A[unit] if unit else chosen))
    units = [DAYS_A.get(unit) for name, unit in duration.parts if name in table.columns]
    # After a change of mind two units may hold a number: the one that was chosen last counts.
    of_choice = [
        np.where(chosen == unit, number, np.nan)
        for unit, number in zip(units, days, strict=True)
        if unit is not None
    ]
    return first_number([*of_choice, *days])


def _chosen_unit(table: Table, name: str) -> FloatArray:
    column = table.columns.get(name)
    if column is None:
        return np.full(table.n_rows, np.nan)
    return column.numbers(lambda text: DAYS_A.get(f"{key(text).removesuffix('s')}s"))


def selects(table: Table) -> tuple[dict[str, Column], list[str]]:
    """Make of each item with several answers at a time one column of yes and no an answer."""
    columns: dict[str, Column] = {}
    notes = []
    for item in SELECTS:
        names = [item, *(name for name, same in SAME_SELECT.items() if same == item)]
        whole = [table.columns[name] for name in names if name in table.columns]
        split = {
            option: table.columns[f"{item}/{option}"].map(_yes_or_no)
            for option in (*SELECTS[item], *UNKNOWN_OPTIONS)
            if f"{item}/{option}" in table.columns
        }
        if not whole and not split:
            continue
        for option in SELECTS[item]:
            columns[f"{item}/{option}"] = _option(table, item, option, whole, split)
        if item in ALSO_YES_NO and whole:
            columns[item] = whole[0].map(_yes_or_no)
        notes += [_unknown_note(table, item, name) for name in names if name in table.columns]
    return columns, notes


def _option(
    table: Table, item: str, option: str, whole: list[Column], split: Mapping[str, Column]
) -> Column:
    columns = [column.map(lambda text: _says(item, text, option)) for column in whole]
    if option in split:
        unknown = np.zeros(table.n_rows, bool)
        for name in UNKNOWN_OPTIONS & split.keys():
            unknown |= split[name].numbers(lambda text: float(text == "yes")) == 1
        codes = np.where(unknown, -1, split[option].codes).astype(np.int32)
        columns.append(Column(codes, split[option].values))
    return first_stated(columns) if columns else Column(np.full(table.n_rows, -1, np.int32), ())


def _tokens(item: str, text: str) -> frozenset[str]:
    """The answers in a cell; none where the whole cell says nothing."""
    if is_missing(text) or key(text) in UNKNOWN:
        return frozenset()
    tokens = frozenset(token for token in _BETWEEN.split(text.casefold()) if token)
    if item in YES_MEANS and tokens & _YES:
        return tokens - _YES | {YES_MEANS[item]}
    return tokens


def _says(item: str, text: str, option: str) -> str | None:
    tokens = _tokens(item, text)
    if option.casefold() in tokens:
        return "yes"
    if all(is_missing(token) for token in tokens):
        return None
    if item in ALSO_YES_NO and tokens <= _YES | _NO:
        return None
    return "no"


def _yes_or_no(text: str) -> str | None:
    return "yes" if key(text) in _YES else "no" if key(text) in _NO else None


def _unknown_note(table: Table, item: str, name: str) -> str:
    known = {option.casefold() for option in SELECTS[item]} | _NOTHING | _YES | _NO
    column = table.columns[name]
    odd = {
        code: sorted(token for token in unknown if not is_missing(token))
        for code, text in enumerate(column.values)
        if (unknown := _tokens(item, text) - known)
    }
    odd = {code: tokens for code, tokens in odd.items() if tokens}
    rows = np.flatnonzero(np.isin(column.codes, list(odd)))
    if not len(rows):
        return ""
    first = cell(odd[int(column.codes[rows[0]])][0])
    verb = "holds an answer" if len(rows) == 1 else "hold answers"
    return (
        f"Item {name}: {counted(len(rows), 'cell')} {verb} that the questionnaire lacks, which "
        f"counts for none of its answers; the first is {first} in {table.row_name(int(rows[0]))}."
    )
