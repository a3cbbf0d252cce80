"""Columns that tell the cause: other codings of the label, and what was derived from it."""

import re

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column
from tuner_job.data.dataset import IntArray
from tuner_job.data.words import key

# Of PHMRC, WHO, CHAMPS, SmartVA, InterVA, InSilicoVA and openVA: causes, codes of causes, and what
# these programs write beside them.
_LABEL = re.compile(
    r"gs_(code|text|comorbid|level)\d*|va ?(34|46|55)|(gs_)?cod\d*|cods?_?\w*code"
    r"|cause\d*|causes?[ _]of[ _]death\w*|causeofdeath|cause[ _]?(34|46|55|code|text|name|id|list)"
    r"|(final|underlying|immediate|primary|main|direct|true|assigned|physician|coded|gold|who|va)"
    r"[ _](cause|cod|icd)\w*"
    r"|ucod|uc|pcva\w*|physician\d?|coder\d?[ _]?(cause|cod|icd)\w*"
    r"|icd|icd[ _-]?(9|10|11)([ _]?(code|cause|name|text))?"
    r"|(smart|inter)?va\d?[ _](cause|cod)\w*|insilico\w*|interva\w*|tariff\w*"
    r"|lik[123]|prob[123]|comcat|comnum|indet"
    r"|cause[ _]?de[ _]?(deces|mort|la mort)|causa([ _]?(da|de|del|do|basica|básica)\w*){0,3}",
    re.IGNORECASE,
)

_NEARLY = 0.98
_FEWEST = 20  # rows; fewer agree by chance
_SPREAD = 0.9  # where one cause has more than this share of the rows, guessing it is as good


def is_known_label(name: str) -> bool:
    """Whether instruments of the field write causes of death under this name."""
    return _LABEL.fullmatch(name.strip()) is not None


def tells_cause(column: Column, y: IntArray) -> str | None:
    """Say how a column gives away the causes `y` (n_rows,).

    A column tells the cause if a death's cause is that of the other deaths with the same value; it
    is a shorter list of the same causes if every cause always has the same value. Rows without a
    value are not counted, and a column that less than half of the rows have tells nothing: a
    question that is only asked after an injury may well tell which.

    Returns
    -------
    What is found, for messages; ``None`` for an honest symptom.
    """
    spellings = {value: key(value) for value in column.values}
    values = column.map(spellings.get)
    filled = ~values.missing
    n = int(filled.sum())
    if n < _FEWEST or 2 * n < len(y) or len(values.values) < 2:
        return None
    table = _pairs(values.codes[filled], y[filled])
    n_causes = len(np.unique(y[filled]))
    if table is None or table.sum(axis=0).max() > _SPREAD * n:
        return None
    if _agreement(table) >= _NEARLY:
        return "tells the cause"
    if n_causes >= 4 and len(values.values) >= 3 and len(values.values) < n_causes:
        shared = table.sum(axis=1).max() <= _SPREAD * n
        if shared and table.max(axis=0).sum() >= 0.995 * n:
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
