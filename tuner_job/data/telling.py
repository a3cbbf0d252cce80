"""Columns that tell the cause: other codings of the label, and what was derived from it."""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column
from tuner_job.data.dataset import IntArray
from tuner_job.data.rows import cause_key
from tuner_job.data.words import key, without_accents
from tuner_job.records import Kind

# Of PHMRC, WHO, CHAMPS, SmartVA, InterVA, InSilicoVA and openVA: causes, codes of causes, and what
# these programs write beside them. Names are compared in small letters with single spaces.
_OF = r"(final|underlying|immediate|antecedent|primary|main|direct|true|assigned|physician|coded"
_OF += r"|gold|gold standard|who|va|broad|gbd|gs|smart ?va|inter ?va|insilico|tariff|probable"
_OF += r"|hospital)"
_CAUSE = r"(cause|cod|icd|ucod|cause ?of ?death)"
_DETAIL = r"( ?(\d+(?!\d)|icd|cod|codes?|text|name|id|list|group|category|broad|level|label|chapter"
_DETAIL += r"|calc))*"
_LABEL = re.compile(
    r"gs (code|text|comorbid|level) ?\d*|va ?(5|34|46|55)|cod ?\d*|cods?( \w+)? ?codes?"
    rf"|(({_OF}) )*{_CAUSE}s?{_DETAIL}|causes? ?of ?death.*|cause (icd|cod)\b.*"
    r"|ucod|uc|pcva.*|coder ?\d? ?(cause|cod|icd).*|physician ?\d? ?(cause|cod|icd|code).*"
    r"|(icd|cid|cie)( ?(9|10|11))?( ?(code|cause|name|text|chapter|block|group|codigo))*"
    r"|(codigo|code) (icd|cid|cie)( ?(9|10|11))?|gbd( \w+)?|causes? (group|category|broad)"
    r"|insilico.*|inter ?va.*|tariff ?\d?( .*)?|smart ?va.*|(va|champs) (cause|cod).*|broad causes?"
    r"|(lik|prob) ?[123]|comcat|comnum|indet|preg ?(stat|lik)|prmat|malprev|hivprev"
    r"|cause (de |du |initiale )?(deces|mort|la mort|initiale)|causa( (da|de|del|do|basica|muerte"
    r"|morte|obito|defuncion|final|la))*|decode.*(cause|icd).*"
)
_MAY_ASK = re.compile(r"physician ?\d?|doctor ?\d?|uc|gbd( \w+)?")
"""Names that a question with yes and no may have, too."""
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BETWEEN = re.compile(r"[\W_]+")

_NEARLY = 0.98
_MANY_CAUSES, _OF_MANY = 6, 0.93  # which no answer tells apart as well as that
_FEWEST = 20  # rows; fewer agree by chance
_FEW_CAUSES = 4  # whose deaths may be of different places, and so of many interviewers
_NAMES = 0.9  # of the cells of a list of causes
_AGREED, _BETTER = 0.6, 0.2  # than the most frequent cause would be right
_FEWEST_OF_OTHERS = 10  # rows beside those of the most frequent cause
_CERTAIN = 14.0  # one in a million
_SPREAD = 0.9  # where one cause has more than this share of the rows, guessing it is as good
_LEAST_CAUSES = 0.6  # of all causes: a question about injuries alone is asked for fewer
_GROUPS = re.compile(
    r"\b(neonat|newborn|infant|bab|child|adult|adolesc|elder|old|young|age|year|month|day|week"
    r"|nouveau|enfant|crian|nino|male|female|man|woman|homme|femme|mulher|homem|hombre|mujer"
    r"|masc|fem|bebe|adoles|idos|joven|[mf]\b)|[<>≥≤]|^\d+ ?([-–+]|to) ?\d*$"
)
"""Answers that tell age and sex: some causes have only one."""


def is_known_label(name: str, kind: Kind) -> bool:
    """Whether instruments of the field write causes of death under this name."""
    words = _spaced(name)
    if kind == "yes_no" and _MAY_ASK.fullmatch(words):
        return False
    return _LABEL.fullmatch(words) is not None


def _spaced(name: str) -> str:
    apart = _BETWEEN.sub(" ", without_accents(_HUMPS.sub(" ", name)))
    return apart.strip().lower()


def names_cause(name: str, column: Column, y: IntArray, causes: Sequence[str]) -> str | None:
    """Say whether a column of two answers singles out the very cause that it is named by, as the
    columns do that programs make of a list of causes."""
    words = _spaced(name)
    of_name = [i for i, cause in enumerate(causes) if _is_named(_spaced(cause), words)]
    filled = ~column.missing
    if not of_name or len(column.values) != 2 or filled.sum() < max(_FEWEST, len(y) / 2):
        return None
    for cause in of_name:
        is_it = y[filled] == cause
        told = column.codes[filled] == column.codes[filled][is_it.argmax()]
        if 5 <= is_it.sum() < len(is_it) and np.array_equal(told, is_it):
            return "tells who died of the cause that it names"
    return None


def _is_named(cause: str, words: str) -> bool:
    """Whether a name holds a cause; a short one, such as TB, as a word of its own."""
    return cause in words if len(cause) >= 3 else cause in words.split()


def lists_causes(column: Column, y: IntArray, causes: Sequence[str]) -> str | None:
    """Say whether a column holds the names of the causes themselves, and most often the death's
    own: what another person or program took for the cause, however often they disagree."""
    number = {cause_key(cause): i for i, cause in enumerate(causes)}
    named = np.array([*(number.get(cause_key(value), -1) for value in column.values), -1])
    filled = ~column.missing
    found, true = named[column.codes][filled], y[filled]
    n_causes = len(np.unique(y))
    if len(true) < _FEWEST or n_causes < _FEW_CAUSES or (found >= 0).mean() < _NAMES:
        return None
    if len(np.unique(found[found >= 0])) < max(3, _LEAST_CAUSES * n_causes):
        return None
    agreed, by_guess = (found == true).mean(), np.bincount(true).max() / len(true)
    if agreed < max(_AGREED, by_guess + _BETTER):
        return None
    return f"names causes, in {agreed:.0%} the death's own"


def tells_cause(column: Column, y: IntArray, kind: Kind) -> str | None:
    """Say how a column gives away the causes `y` (n_rows,).

    A column tells the cause if a death's cause is that of the other deaths with the same value; it
    is a shorter list of the same causes if every cause always has the same value. Rows without a
    value are not counted, and a column that less than half of the rows have and that is left empty
    for many causes tells nothing: a question that is only asked after an injury may well tell
    which. A number of many values may be an age, which tells causes of the young from others, and
    a choice of many answers a place, which tells a few causes apart.

    Returns
    -------
    What is found, for messages; ``None`` for an honest symptom.
    """
    spellings = {value: key(value) for value in column.values}
    values = column.map(spellings.get)
    filled = ~values.missing
    n, n_causes = int(filled.sum()), len(np.unique(y[filled]))
    of_all = n_causes >= 5 and n_causes >= _LEAST_CAUSES * len(np.unique(y))
    n_values = len(values.counts())
    if n < _FEWEST or n_values < 2 or (2 * n < len(y) and not of_all):
        return None
    most_values = 2 * n_causes + 2 if kind == "number" else 3 * n_causes
    if n_values > most_values and (kind == "number" or n_causes <= _FEW_CAUSES):
        return None
    table = _pairs(values.codes[filled], y[filled])
    if table is None or table.sum(axis=0).max() > min(_SPREAD * n, n - _FEWEST_OF_OTHERS):
        return None
    # One of two may be told by an honest answer, and by the sex.
    nearly = (_OF_MANY if n_causes >= _MANY_CAUSES else _NEARLY) if n_causes > 2 else 1.0
    grouped = n_values <= 7 and all(_GROUPS.search(without_accents(v)) for v in values.values)
    if grouped:
        return None
    if _agreement(table) >= nearly:
        return "tells the cause"
    if n_causes >= 4 and 3 <= n_values < n_causes:
        # A cause's further deaths would have the value of its first one by chance.
        share = table.sum(axis=1).max() / n
        by_chance = (n - n_causes) * -math.log(share) < _CERTAIN
        if share <= _SPREAD and not by_chance and table.max(axis=0).sum() >= 0.995 * n:
            return "is always the same for a cause"
    return None


def _pairs(values: NDArray[np.int32], y: IntArray) -> NDArray[np.int64] | None:
    """(n_values, n_causes) rows of each; ``None`` where nearly every row has a value of its own."""
    counts = np.bincount(values)
    repeated = counts >= 2
    if 2 * counts[repeated].sum() < len(values):
        return None
    number = np.cumsum(repeated) - 1
    kept = repeated[values]
    causes = int(y.max()) + 1
    flat = np.bincount(number[values[kept]] * causes + y[kept], minlength=repeated.sum() * causes)
    return flat.reshape(-1, causes)


def _agreement(table: NDArray[np.int64]) -> float:
    """Share of rows whose cause is the most frequent one among the others with their value."""
    ordered = np.sort(table, axis=1)
    first = ordered[:, -1]
    second = ordered[:, -2] if table.shape[1] > 1 else np.zeros_like(first)
    right = np.where((first >= 2) & (first - 1 >= second), first, 0)
    return float(right.sum() / table.sum())
