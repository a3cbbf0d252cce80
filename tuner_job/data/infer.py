"""From the columns of the training file to its codebook."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tuner_job.data.codebook import FEWEST_DEATHS, Variable
from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig, column_config, named
from tuner_job.data.dates import DATE
from tuner_job.data.doubts import choice_doubts, number_doubts, thousands_doubts
from tuner_job.data.identity import MOST_CHOICES, who_or_when
from tuner_job.data.instruments.formats import Hint
from tuner_job.data.telling import is_known_label
from tuner_job.data.words import (
    NO,
    SHORT_MISSING,
    SHORT_YES,
    TICKS,
    YES,
    as_number,
    comma_number,
    has_decimal_commas,
    is_missing,
    key,
    short_yes,
)
from tuner_job.records import Kind

KNOWN_LABEL = "other codings of the cause"
EMPTY = "no answers"
CONSTANT = "a single answer"
ONLY_YES = "yes or blank"
TOO_RARE = f"no answer that {FEWEST_DEATHS} deaths have"
_Read = Callable[[str], float | None]
DROPPED = "as the experiment file says"

_PART = re.compile(r"(.*?)(d|m|y|day|month|year|dd|mm|yy|yyyy)", re.IGNORECASE)
_PLUS = frozenset({"+", "++", "+++"})
_FEW_NUMBERS = 3  # that many codes among words are choices, not a number with mistakes
_FEW_CODES = 6  # beside both yes and no
_MOST_STRAYS = 0.05  # of the cells: more words beside yes and no are answers of their own


@dataclass(frozen=True)
class _Stated:
    """What the experiment file and the format say of one column."""

    kind: Kind | None
    by_user: bool
    dropped: bool
    hint: Hint
    missing: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]
    blank: Literal["missing", "no"]


@dataclass
class _Answers:
    """The cells of one column that say something, by what they have in common."""

    counts: dict[str, int] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    """The most frequent spelling of each."""
    silent: set[str] = field(default_factory=set)
    """Cells that say nothing, as they are written."""


def infer(
    table: Table, names: Sequence[str], hints: Mapping[str, Hint], config: DataConfig
) -> list[Variable]:
    """Decide for each of the columns `names` whether it is a feature, and how it is read.

    Parameters
    ----------
    table
        The rows that are trained on.
    hints
        What the format knows of them.
    config
        Its `drop`, `missing` and `columns` override what is found.
    """
    stated = {name: _stated(name, hints, config) for name in names}
    found = [_variable(name, table.columns[name], stated[name]) for name in names]
    return [
        one if stated[one.name].by_user or not _is_date_part(one, found) else _left_out(one, DATE)
        for one in found
    ]


def _stated(name: str, hints: Mapping[str, Hint], config: DataConfig) -> _Stated:
    own, hint = column_config(name, config), hints.get(name, Hint())
    kind = own.kind or ("yes_no" if own.yes or own.no else None) or hint.kind
    dropped = kind == "drop" or any(named(name, pattern) for pattern in config.drop)
    blank = "no" if "" in own.no else hint.blank
    yes, no = frozenset(map(key, own.yes)), frozenset(map(key, own.no)) - {""}
    missing = frozenset(map(key, (*config.missing, *own.missing, *hint.missing))) - yes - no
    return _Stated(
        kind=None if kind == "drop" else kind,
        by_user=bool(own.kind or own.yes or own.no),
        dropped=dropped,
        hint=hint if own.kind is None or own.kind == hint.kind else Hint(),
        missing=missing,
        yes=yes | frozenset(map(key, hint.yes)) - no - missing,
        no=no | frozenset(map(key, hint.no)) - yes - missing,
        blank=blank,
    )


def _variable(name: str, column: Column, stated: _Stated) -> Variable:
    answers = _answers(column, stated)
    counts = answers.counts
    comma = has_decimal_commas(counts)
    read = comma_number if comma else as_number
    if stated.kind is None or (
        not stated.by_user and not _is_of(stated.kind, counts, stated, read)
    ):
        kind, short = _kind(counts, read)
    else:
        kind, short = stated.kind, _short(stated, counts)
    content: dict[str, Any] = {"name": name, "role": "feature", "kind": kind}
    if comma and kind == "number":
        content["decimal_comma"] = True
    if reason := _reason(name, column, answers, stated, kind):
        n_filled = sum(counts.values())
        return Variable(name=name, role="left_out", reason=reason, n_filled=n_filled)
    said = {answer: n for answer, n in counts.items() if answer not in short & SHORT_MISSING}
    content |= {
        "missing": sorted(stated.missing | short & SHORT_MISSING),
        "yes": sorted(stated.yes | short & SHORT_YES),
        "no": sorted(stated.no),
        "blank": stated.blank,
        "unit": stated.hint.unit,
        "n_filled": sum(said.values()),
    }
    content |= _read_as(kind, said, answers, stated, read, frozenset(content["yes"]))
    return Variable.model_validate(content)


def _left_out(variable: Variable, reason: str) -> Variable:
    return Variable(name=variable.name, role="left_out", reason=reason, n_filled=variable.n_filled)


def _is_date_part(variable: Variable, all_of_them: Sequence[Variable]) -> bool:
    """Whether a number is the day or the month beside the months or years of a date, whose names
    differ in nothing else: ``g1_01d``, ``g1_01m``, ``g1_01y``."""
    part = _PART.fullmatch(variable.name)
    in_range = variable.low is not None and variable.low >= 0 and (variable.high or 99) <= 31
    if variable.kind != "number" or not part or not in_range:
        return False
    return any(
        other.reason == DATE
        and (found := _PART.fullmatch(other.name)) is not None
        and found[1] == part[1]
        for other in all_of_them
    )


def _answers(column: Column, stated: _Stated) -> _Answers:
    answers = _Answers()
    most: dict[str, tuple[int, str]] = {}
    known = stated.yes | stated.no | {key(code) for code in stated.hint.labels}
    labels = {key(code): answer for code, answer in stated.hint.labels.items()}
    cells = column.counts()
    if not _PLUS.isdisjoint(cells):
        known |= {"-"}  # a negative test
    for text, n in cells.items():
        answer, shown = key(text), text
        if answer in stated.missing or (answer not in known and is_missing(text)):
            answers.silent.add(text)
            continue
        if answer in labels:
            shown = labels[answer]
            answer = key(shown)
        answers.counts[answer] = answers.counts.get(answer, 0) + n
        if (-n, shown) <= most.get(answer, (0, "")):
            most[answer] = (-n, shown)
            answers.spelled[answer] = shown
    return answers


def _is_of(kind: Kind, counts: Mapping[str, int], stated: _Stated, read: _Read) -> bool:
    """Whether the cells are of the kind that the format expects: another file may use the name
    for another question."""
    if kind == "choice":
        return not counts.keys() <= YES | NO
    said = {answer: n for answer, n in counts.items() if answer not in SHORT_MISSING}
    words = YES | NO | {"0", "1"} | stated.yes | stated.no | short_yes(said)
    fitting = sum(
        n
        for answer, n in said.items()
        if (answer in words if kind == "yes_no" else read(answer) is not None)
    )
    return 2 * fitting >= sum(said.values())


def _short(stated: _Stated, counts: Mapping[str, int]) -> frozenset[str]:
    """Abbreviations that mean something in a column whose kind is known."""
    found = counts.keys() - stated.yes - stated.no
    if stated.kind == "choice":
        return frozenset()
    missing = frozenset(found & SHORT_MISSING)
    return missing | (short_yes(found) if stated.kind == "yes_no" else frozenset())


def _kind(counts: Mapping[str, int], read: _Read) -> tuple[Kind, frozenset[str]]:
    """Return the kind that answers speak for, and abbreviations that mean something in it."""
    found = counts.keys()
    words = YES | NO | {"0", "1"}
    short = found & SHORT_MISSING
    rest = found - short
    if rest <= words:
        return "yes_no", frozenset(short)
    if rest <= words | SHORT_YES and rest & NO and len(rest) == 2:
        return "yes_no", frozenset(short | rest & SHORT_YES)
    n_cells = sum(counts.values())
    strays = {answer: n for answer, n in counts.items() if answer not in words}
    few = sum(strays.values()) <= _MOST_STRAYS * n_cells
    if few and max(strays.values()) < FEWEST_DEATHS and found & YES and found & NO:
        return "yes_no", frozenset(short)
    numbers = {answer: n for answer, n in counts.items() if read(answer) is not None}
    most_codes = _FEW_CODES if found & YES and found & NO else _FEW_NUMBERS - 1
    among_words = len(numbers) < len(rest) and len(numbers) <= most_codes
    if numbers and not among_words and 2 * sum(numbers.values()) >= n_cells:
        return "number", frozenset(short)
    return "choice", frozenset()


def _reason(
    name: str, column: Column, answers: _Answers, stated: _Stated, kind: Kind
) -> str | None:
    """Why a column is no feature; ``None`` if it is one."""
    if stated.dropped:
        return DROPPED
    if stated.hint.left_out and not stated.by_user:
        return stated.hint.left_out
    counts = answers.counts
    if not counts:
        return EMPTY
    blank_is_answer = stated.blank == "no" and column.missing.any()
    if len(counts) == 1 and not blank_is_answer:
        is_yes = counts.keys() <= YES | TICKS | {"1"} | stated.yes and column.missing.any()
        return ONLY_YES if is_yes else CONSTANT
    if is_known_label(name, kind) and not stated.by_user:
        return KNOWN_LABEL
    if kind != "yes_no" and not stated.by_user:
        commas = kind == "number" and has_decimal_commas(counts)
        if stated.kind is None and (found := who_or_when(name, _said(column, answers, commas))):
            return found
    if kind == "choice":
        kept = [n for n in counts.values() if n >= FEWEST_DEATHS]
        return TOO_RARE if not kept or len(kept) > MOST_CHOICES else None
    return None


def _said(column: Column, answers: _Answers, commas: bool) -> Column:
    """The column without cells that say nothing, with decimal points."""
    if not answers.silent and not commas:
        return column
    point = "." if commas else ","
    return column.map(lambda text: None if text in answers.silent else text.replace(",", point))


def _read_as(
    kind: Kind,
    counts: Mapping[str, int],
    answers: _Answers,
    stated: _Stated,
    read: _Read,
    yes: frozenset[str],
) -> dict[str, object]:
    if kind == "choice":
        kept = [answer for answer, n in counts.items() if n >= FEWEST_DEATHS]
        rare = sum(n for n in counts.values() if n < FEWEST_DEATHS)
        choices = sorted(answers.spelled[answer] for answer in kept)
        labels = {
            key(code): answer for code, answer in stated.hint.labels.items() if key(answer) in kept
        }
        doubts = choice_doubts(counts) if stated.kind is None else []
        return {"choices": choices, "labels": labels, "n_unread": rare, "doubts": doubts}
    if kind == "yes_no":
        words = YES | NO | {"0", "1"} | yes | stated.no
        return {"n_unread": sum(n for answer, n in counts.items() if answer not in words)}
    numbers = {answer: read(answer) for answer in counts}
    unread = sum(counts[answer] for answer, number in numbers.items() if number is None)
    values = {number: counts[answer] for answer, number in numbers.items() if number is not None}
    finite = [value for value in values if math.isfinite(value)]  # `encode` refuses the others
    ends = {"low": min(finite), "high": max(finite)} if finite else {}
    return {
        **ends,
        "n_unread": unread,
        "doubts": [*number_doubts(values), *thousands_doubts(list(counts))]
        if stated.kind is None
        else [],
    }
