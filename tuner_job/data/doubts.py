"""Numbers that may be codes: they are read as they stand, and said."""

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set

from tuner_job.data.codebook import Codebook, Variable
from tuner_job.data.words import as_number, yaml_name
from tuner_job.wording import counted, listed

EXTREME = "extreme"
CODED = "coded yes or no"
FEW = "few whole numbers"
AMONG_WORDS = "numbers among words"
THOUSANDS = "points as in thousands"

_ONES = {7.0, 8.0, 9.0}
HIGH_CODES = frozenset(
    {
        *(88.0, 97.0, 98.0, 99.0, 888.0, 997.0, 998.0, 999.0, 8888.0, 9997.0, 9998.0, 9999.0),
        *(88888.0, 99998.0, 99999.0, 999999.0),
    }
)
_IF_FAR = frozenset({77.0, 777.0, 7777.0, 99.9, 99.99, 999.9, 999.99, 9999.9})
"""Used so, too, but also honest numbers where others are near them."""
_LOW = frozenset(
    {
        *(-1.0, -2.0, -3.0, -7.0, -8.0, -9.0, -77.0, -88.0, -97.0, -98.0, -99.0),
        *(-888.0, -998.0, -999.0, -8888.0, -9998.0, -9999.0, -99999.0),
    }
)
_OTHER_CODES = frozenset({77.0, 777.0, 7777.0, *_ONES, *HIGH_CODES, *_LOW})
_YES_NO = {(1.0, 0.0): _OTHER_CODES | {2.0}, (1.0, 2.0): _OTHER_CODES | {3.0}}
"""Codes of yes and no, each with those that may mean missing beside them."""
_MOST_CODES = 10
_THOUSAND = re.compile(r"[1-9]\d{0,2}\.\d{3}|\d{1,3}", re.ASCII)
_FEWEST = 5  # different numbers with a point


def number_doubts(values: Mapping[float, int]) -> list[str]:
    """Say what makes one think that numbers (each with its rows) are codes.

    They are never taken as missing in a feature unless the user says so: 99 months are an age, too.
    """
    found = set(values)
    if len(found) < 2:
        return []
    if _yes_no_codes(found):
        return [f"{CODED}: {_shown(sorted(found))}"]
    doubts = []
    if ends := _ends(sorted(found)):
        rows = ", ".join(f"{_shown([end])} in {counted(values[end], 'row')}" for end in ends)
        doubts.append(f"{EXTREME}: {rows}")
    whole = all(math.isfinite(value) and value % 1 == 0 for value in found)
    answers = found - _OTHER_CODES - {96.0}
    if whole and 3 <= len(found) <= _MOST_CODES and _in_a_row(answers):
        doubts.append(f"{FEW}: {_shown(sorted(found))}")
    return doubts


def thousands_doubts(texts: Sequence[str]) -> list[str]:
    """Say whether the points in numbers may part thousands: three figures after each of them, and
    whole numbers of hundreds beside these."""
    parts = [text.partition(".") for text in texts if _THOUSAND.fullmatch(text)]
    pointed = [whole for whole, point, _ in parts if point]
    hundreds = [whole for whole, point, _ in parts if not point and len(whole) == 3]
    if len(parts) < len(texts) or len(pointed) < _FEWEST or not hundreds:
        return []
    return [f"{THOUSANDS}: {len(pointed)} different numbers"]


def choice_doubts(counts: Mapping[str, int]) -> list[str]:
    """Say which answers of a choice (each with its rows) are numbers beside words, so perhaps
    codes for missing."""
    numbers = {text: as_number(text) for text in counts}
    found = [text for text, number in numbers.items() if number is not None]
    if not found or len(found) == len(counts):
        return []
    found.sort(key=lambda text: numbers[text] or 0.0)
    usual = [text for text in found if numbers[text] in _OTHER_CODES]
    rows = ", ".join(f"{text} in {counted(counts[text], 'row')}" for text in (usual or found)[:5])
    return [f"{AMONG_WORDS}: {rows}"]


def _yes_no_codes(found: Set[float]) -> tuple[float, float] | None:
    """The codes of yes and no, if these are codes of yes, no and missing."""
    for codes, others in _YES_NO.items():
        if set(codes) < found <= others.union(codes):
            return codes
    return None


def _ends(ordered: Sequence[float]) -> list[float]:
    """The largest numbers, and the smallest ones, that are known to be used for missing."""
    high: list[float] = []
    for value, below in itertools.pairwise(reversed(ordered)):
        if value not in HIGH_CODES and not (value in _IF_FAR and 2 * below < value):
            break
        high.append(value)
    return [*itertools.takewhile(_LOW.__contains__, ordered), *reversed(high)][:4]


def _in_a_row(codes: Set[float]) -> bool:
    """Whether whole numbers follow one another from 0 or 1, as codes of answers do."""
    return len(codes) >= 2 and min(codes) in (0.0, 1.0) and max(codes) - min(codes) <= len(codes)


def _shown(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.10g}" for value in values)


def doubt_notes(codebook: Codebook) -> list[str]:
    """Say in a sentence a kind which columns of numbers may be codes, and what to write then."""
    notes = []
    if found := _with(codebook.used, CODED):
        yes, no, missing = _meanings(found[0])
        codes = {float(code) for one in found for code in _meanings(one)[2].split(", ")}
        rare = _shown(sorted(codes & _OTHER_CODES))  # 2 and 3 are answers elsewhere
        everywhere = f", in every column with data.missing: [{rare}], or" if rare else ""
        notes.append(
            f"{counted(len(found), 'column')} of numbers may be yes and no with codes for missing, "
            f"and {_verb(found)} read as numbers: {_named(found, CODED)}. If so, name the codes"
            f"{everywhere} in data.columns: {{{yaml_name(found[0].name)}: {{yes: [{yes}], "
            f"no: [{no}], missing: [{missing}]}}}}."
        )
    if found := _with(codebook.used, AMONG_WORDS):
        holds = "holds" if len(found) == 1 else "hold"
        notes.append(
            f"{counted(len(found), 'column')} of words {holds} numbers, which are read as answers: "
            f"{_named(found, AMONG_WORDS)}. If they mean missing, name them in data.missing, or in "
            f"data.columns: {{{yaml_name(found[0].name)}: {{missing: "
            f"[{_codes(found[0], AMONG_WORDS)}]}}}}."
        )
    if found := _with(codebook.used, EXTREME):
        notes.append(
            f"The largest or smallest number of {counted(len(found), 'column')} may mean missing, "
            f"and is read as a number: {_named(found, EXTREME)}. If so, name them in data.missing, "
            f"or in data.columns: {{{yaml_name(found[0].name)}: {{missing: "
            f"[{_codes(found[0], EXTREME)}]}}}}."
        )
    if found := _with(codebook.used, THOUSANDS):
        notes.append(
            f"The points in the numbers of {counted(len(found), 'column')} may part thousands, and "
            f"are read as decimal points: {_named(found, THOUSANDS)}. If so, write them without "
            "points."
        )
    if found := _with(codebook.used, FEW):
        notes.append(
            f"{counted(len(found), 'column')} of few whole numbers {_verb(found)} read as numbers: "
            f"{_named(found, FEW)}. If they are codes of answers without an order, say so: "
            f"data.columns: {{{yaml_name(found[0].name)}: {{kind: choice}}}}."
        )
    return notes


def _doubt(variable: Variable, kind: str) -> str:
    """What is said of one kind of doubt; empty if there is none."""
    return next(
        (doubt.partition(": ")[2] for doubt in variable.doubts if doubt.startswith(kind)), ""
    )


def _with(variables: Sequence[Variable], kind: str) -> list[Variable]:
    return [one for one in variables if _doubt(one, kind)]


def _named(variables: Sequence[Variable], kind: str) -> str:
    return listed((f"{one.name} ({_doubt(one, kind)})" for one in variables), most=5)


def _meanings(variable: Variable) -> tuple[str, str, str]:
    """The codes that may mean yes, no and missing, as a list in YAML has them."""
    found = [float(code) for code in _doubt(variable, CODED).split(", ")]
    yes, no = _yes_no_codes(set(found)) or (1.0, 0.0)
    return _shown([yes]), _shown([no]), _shown(code for code in found if code not in (yes, no))


def _codes(variable: Variable, kind: str) -> str:
    """The numbers that may mean missing, as a list in YAML has them."""
    return ", ".join(one.partition(" ")[0] for one in _doubt(variable, kind).split(", "))


def _verb(variables: Sequence[Variable]) -> str:
    return "is" if len(variables) == 1 else "are"
