"""From columns of text to the feature matrix, and back again for new rows."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column, as_number
from tuner_job.data.dataset import Feature, FloatArray
from tuner_job.errors import DataError
from tuner_job.wording import cell, listed, plain

MAX_CATEGORIES = 50
"""A text column with more distinct values is free text or an identifier, not a question with
choices."""

_LARGEST = float(np.finfo(np.float32).max)
_SHOWN = 5


@dataclass(frozen=True)
class Inferred:
    """What the columns of a table can be used for.

    Attributes
    ----------
    features
        In the order of the columns; the categories of one column in the order of the alphabet.
    empty, constant
        Columns with no value, and with a single one.
    free_text
        Text columns with more than `MAX_CATEGORIES` distinct values.
    """

    features: tuple[Feature, ...]
    empty: tuple[str, ...]
    constant: tuple[str, ...]
    free_text: tuple[str, ...]


def infer_features(columns: Mapping[str, Column]) -> Inferred:
    """Decide how each column is encoded.

    A column of numbers or of yes and no becomes one feature, read as a number (yes 1, no 0). A
    column with other text becomes one 0/1 feature a distinct value.
    """
    features: list[Feature] = []
    empty, constant, free_text = [], [], []
    for name, column in columns.items():
        values = sorted(column.counts())
        if not values:
            empty.append(name)
        elif len(values) == 1:
            constant.append(name)
        elif all(as_number(value) is not None for value in values):
            features.append(Feature(name, name))
        elif len(values) > MAX_CATEGORIES:
            free_text.append(name)
        else:
            features += [Feature(f"{name}={value}", name, value) for value in values]
    return Inferred(tuple(features), tuple(empty), tuple(constant), tuple(free_text))


def encode(
    columns: Mapping[str, Column],
    features: Sequence[Feature],
    source: str,
    row_name: Callable[[int], str],
    derived: Mapping[str, Sequence[str]],
) -> FloatArray:
    """Build the feature matrix. Each row depends on nothing but itself and `features`.

    Parameters
    ----------
    columns
        Cleaned columns, all of one length.
    features
        The columns of the matrix.
    source, row_name
        The file, and the name of its row by index: for messages.
    derived
        Computed columns, each with the file's columns that it comes from: for messages.

    Returns
    -------
    X
        (n_rows, n_features) float32. A missing cell is NaN in every feature of its column. Text
        that is no category of `features` is 0 in all of its column's categories, and NaN where a
        number is read.

    Raises
    ------
    DataError
        If columns are missing or numbers are not finite in 32 bits; the message lists all of them.
    """
    missing = sorted({feature.column for feature in features} - set(columns))
    if missing:
        names = [
            f"{name} (from {', '.join(derived[name])})" if name in derived else name
            for name in missing
        ]
        raise DataError(
            f"{source}: must have the columns that the model was trained on; missing: "
            f"{listed(names)}"
        )
    n_rows = len(next(iter(columns.values())).codes) if columns else 0
    X = np.empty((n_rows, len(features)), dtype=np.float32)
    problems: list[str] = []
    for index, feature in enumerate(features):
        column = columns[feature.column]
        if feature.category is None:
            numbers = column.numbers(as_number)
            problems += _not_finite(numbers, column, feature, row_name)
            X[:, index] = np.where(np.abs(numbers) > _LARGEST, math.nan, numbers)
        else:
            X[:, index] = _is_category(column, feature.category)
    if problems:
        more = f" and in {len(problems) - _SHOWN} more columns" if len(problems) > _SHOWN else ""
        raise DataError(
            f"{source}: numbers must be finite; found {', '.join(problems[:_SHOWN])}{more}"
        )
    return X


def _is_category(column: Column, category: str) -> NDArray[np.float64]:
    return column.numbers(lambda value: float(value == category))


def _not_finite(
    numbers: NDArray[np.float64], column: Column, feature: Feature, row_name: Callable[[int], str]
) -> list[str]:
    rows = np.flatnonzero(np.abs(numbers) > _LARGEST)
    if not len(rows):
        return []
    first = column.values[column.codes[rows[0]]]
    others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return [
        f"{cell(first)} in column {plain(feature.column, 80)}, {row_name(int(rows[0]))}{others}"
    ]
