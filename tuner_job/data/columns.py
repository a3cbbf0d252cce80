"""Tables of text: what a file holds before anything is made of it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Column:
    """A column of text, as an index into its distinct values.

    Work is done once a distinct value, not once a row: a survey has few distinct answers.

    Attributes
    ----------
    codes
        (n_rows,) int32 index into `values`; -1 is missing.
    values
        Distinct texts.
    """

    codes: NDArray[np.int32]
    values: tuple[str, ...]

    @classmethod
    def of_numbers(cls, numbers: NDArray[np.float64]) -> "Column":
        """Make a column of (n_rows,) numbers; NaN becomes missing."""
        distinct, codes = np.unique(numbers, return_inverse=True)
        column = cls(codes.astype(np.int32), tuple(repr(float(number)) for number in distinct))
        return column.map(lambda text: None if text == "nan" else text)

    def map(self, change: Callable[[str], str | None]) -> "Column":
        """Replace each distinct value; ``None`` makes it missing."""
        changed = [change(value) for value in self.values]
        values = tuple(dict.fromkeys(value for value in changed if value is not None))
        index = {value: code for code, value in enumerate(values)}
        lookup = [-1 if value is None else index[value] for value in changed]
        return Column(np.array([*lookup, -1], dtype=np.int32)[self.codes], values)

    def numbers(self, read: Callable[[str], float | None]) -> NDArray[np.float64]:
        """(n_rows,) what `read` makes of each value; NaN where it is ``None`` or the cell is
        missing."""
        read_values = [read(value) for value in self.values]
        lookup = [math.nan if number is None else number for number in read_values]
        return np.array([*lookup, math.nan])[self.codes]

    def take(self, rows: NDArray[np.intp]) -> "Column":
        """Keep these rows, in this order."""
        return Column(self.codes[rows], self.values)

    def counts(self) -> dict[str, int]:
        """Rows of each value that occurs; missing is not counted."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))
        return {
            value: int(count) for value, count in zip(self.values, counts, strict=True) if count
        }

    @property
    def n_filled(self) -> int:
        """Number of cells that are not missing."""
        return int((self.codes >= 0).sum())

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(n_rows,) whether the cell is missing."""
        return self.codes < 0


@dataclass(frozen=True, eq=False)
class Table:
    """The cells of one file, spaces around them removed, empty ones missing.

    Attributes
    ----------
    source
        Its path or URL, as the user gave it.
    columns
        In the order of the file.
    rows
        (n_rows,) each row's number in the file.
    counting
        How `rows` counts, for messages.
    notes
        What was found while reading, one sentence each, to be said once.
    """

    source: str
    columns: Mapping[str, Column]
    rows: NDArray[np.intp]
    counting: str
    notes: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows, without the header."""
        return len(self.rows)

    def take(self, rows: NDArray[np.intp]) -> "Table":
        """Keep these rows, in this order."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        return Table(self.source, columns, self.rows[rows], self.counting, self.notes)

    def row_name(self, index: int) -> str:
        """Name a row as the user finds it in the file."""
        return f"row {self.rows[index]} ({self.counting})"
