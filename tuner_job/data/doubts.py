"""Numbers that may be codes: they are read as they stand, and said."""

import math
from collections.abc import Iterable, Mapping, Sequence

from tuner_job.data.codebook import Codebook, Variable
from tuner_job.wording import counted, listed

EXTREME = "extreme"
CODED = "coded yes or no"
FEW = "few whole numbers"

_ONES = {8.0, 9.0}
_HIGH = frozenset(
    {
        *(88.0, 98.0, 99.0, 888.0, 998.0, 999.0, 8888.0, 9998.0, 9999.0, 99999.0),
    }
)
_LOW = frozenset({-1.0, -2.0, -7.0, -8.0, -9.0, -88.0, -98.0, -99.0, -888.0, -999.0, -9999.0})
_ANSWERS = ({0.0, 1.0}, {1.0, 2.0})
_MAY_MEAN_MISSING = frozenset({2.0, 3.0, 7.0, 77.0, 97.0}) | _ONES | _HIGH | _LOW
_MOST_CODES = 10


def number_doubts(values: Mapping[float, int]) -> list[str]:
    """Say what makes one think that numbers (each with its rows) are codes.

    They are never taken as missing unless the user says so: 99 months are an age, too.
    """
    found = set(values)
    if len(found) < 2:
        return []
    if any(answers < found <= answers | _MAY_MEAN_MISSING for answers in _ANSWERS):
        return [f"{CODED}: {_shown(sorted(found))}"]
    ends = [end for end in (min(found), max(found)) if end in _HIGH | _LOW]
    if ends:
        rows = ", ".join(f"{_shown([end])} in {counted(values[end], 'row')}" for end in ends)
        return [f"{EXTREME}: {rows}"]
    whole = all(math.isfinite(value) and value % 1 == 0 for value in found)
    if whole and 3 <= len(found) <= _MOST_CODES and _in_a_row(found - _ONES):
        return [f"{FEW}: {_shown(sorted(found))}"]
    return []


def _in_a_row(codes: set[float]) -> bool:
    """Whether whole numbers follow one another from 0 or 1, as codes of answers do."""
    return bool(codes) and min(codes) in (0.0, 1.0) and max(codes) - min(codes) <= len(codes)


def _shown(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def doubt_notes(codebook: Codebook) -> list[str]:
    """Say in a sentence a kind which columns of numbers may be codes, and what to write then."""
    by_kind = {kind: _with(codebook.used, kind) for kind in (CODED, EXTREME, FEW)}
    notes = []
    if found := by_kind[CODED]:
        example = found[0].name
        notes.append(
            f"{counted(len(found), 'column')} of numbers may be yes and no with codes for missing, "
            f"and {_verb(found)} read as numbers: {_named(found)}. If so, name the codes: "
            f"data.missing: [9], or data.columns: {{{example}: {{yes: [1], no: [2], "
            "missing: [8, 9]}}."
        )
    if found := by_kind[EXTREME]:
        notes.append(
            f"The largest or smallest number of {counted(len(found), 'column')} may mean missing, "
            f"and is read as a number: {_named(found)}. If so, name it in data.missing, or in "
            f"data.columns: {{{found[0].name}: {{missing: [...]}}}}."
        )
    if found := by_kind[FEW]:
        notes.append(
            f"{counted(len(found), 'column')} of few whole numbers {_verb(found)} read as numbers: "
            f"{_named(found)}. If they are codes of answers without an order, say so: "
            f"data.columns: {{{found[0].name}: {{kind: choice}}}}."
        )
    return notes


def _with(variables: Sequence[Variable], kind: str) -> list[Variable]:
    return [one for one in variables if any(doubt.startswith(kind) for doubt in one.doubts)]


def _named(variables: Sequence[Variable]) -> str:
    return listed((f"{one.name} ({one.doubts[0].partition(': ')[2]})" for one in variables), most=5)


def _verb(variables: Sequence[Variable]) -> str:
    return "is" if len(variables) == 1 else "are"
