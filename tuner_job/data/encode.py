"""From columns of text to the feature matrix, each row by the codebook alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.codebook import Codebook, Variable
from tuner_job.data.columns import Column, Table
from tuner_job.data.dataset import FloatArray
from tuner_job.data.words import key
from tuner_job.errors import DataError
from tuner_job.wording import cell, listed, plain

_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Encoded:
    """The feature matrix, and which cells did not fit the codebook.

    Attributes
    ----------
    X
        (n_rows, n_features) float32. A missing cell is NaN in every feature of its column. A cell
        that is no answer is 0 in all of its column's choices, and NaN elsewhere.
    unread
        Column → (n_rows,) whether its cell is no answer; columns that were read whole are not
        named.
    """

    X: FloatArray
    unread: Mapping[str, NDArray[np.bool_]]


def encode(table: Table, codebook: Codebook, derived: Mapping[str, Sequence[str]]) -> Encoded:
    """Build the feature matrix. Each row depends on nothing but itself and the codebook.

    Parameters
    ----------
    derived
        Computed columns, each with the file's columns that it comes from: for messages.

    Raises
    ------
    DataError
        If columns are missing or numbers are not finite in 32 bits; the message lists all of them.
    """
    _check_there(table, codebook, derived)
    X = np.empty((table.n_rows, len(codebook.features)), dtype=np.float32)
    problems: list[str] = []
    unread: dict[str, NDArray[np.bool_]] = {}
    at = 0
    for variable in codebook.used:
        column = table.columns[variable.name]
        values, odd = variable.encode(column)
        problems += _not_finite(values, column, variable, table)
        X[:, at : at + values.shape[1]] = values
        at += values.shape[1]
        if odd.any():
            unread[variable.name] = odd
    if problems:
        more = f" and in {len(problems) - _SHOWN} more columns" if len(problems) > _SHOWN else ""
        raise DataError(
            f"{table.source}: numbers must be finite; found {', '.join(problems[:_SHOWN])}{more}"
        )
    return Encoded(X, unread)


def _check_there(table: Table, codebook: Codebook, derived: Mapping[str, Sequence[str]]) -> None:
    missing = [one.name for one in codebook.used if one.name not in table.columns]
    if missing:
        names = [
            f"{name} (from {', '.join(derived[name])})" if name in derived else name
            for name in sorted(missing)
        ]
        wanted = set(map(key, missing))
        others = listed(name for name in table.columns if key(name) in wanted)
        raise DataError(
            f"{table.source}: must have the columns that the model was trained on; missing: "
            f"{listed(names)}{f'; the file writes otherwise: {others}' if others else ''}"
        )


def _not_finite(
    values: NDArray[np.float32], column: Column, variable: Variable, table: Table
) -> list[str]:
    rows = np.flatnonzero(np.isinf(values[:, 0]))
    if not len(rows):
        return []
    first = column.values[column.codes[rows[0]]]
    others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return [
        f"{cell(first)} in column {plain(variable.name, 80)}, {table.row_name(int(rows[0]))}"
        f"{others}"
    ]
