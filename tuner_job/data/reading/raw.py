"""What a reader of one kind of file hands on: named columns of text, and what it assumed."""

import datetime
import logging
import warnings
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column
from tuner_job.errors import DataError
from tuner_job.wording import listed, plain

_log = logging.getLogger(__name__)

MOST_CELLS = 500_000_000
"""Of one file: a compressed one may hold more than memory does."""
MOST_COLUMNS = 50_000
"""Of one file: each takes kilobytes, however few rows there are."""
_LONGEST_NAME = 5_000
TABLES = "a table: CSV, Excel (.xlsx), Parquet, Stata, SPSS, SAS or R"


@dataclass
class Cells:
    """The cells of one file as its reader found them.

    Attributes
    ----------
    names
        Of the columns; empty for those without a name.
    columns
        One a name.
    rows
        (n_rows,) each row's number in the file.
    counting
        How `rows` counts, for messages.
    notes
        What was taken for granted, one sentence each.
    """

    names: list[str]
    columns: list[Column]
    rows: NDArray[np.intp]
    counting: str = "counted from 1"
    notes: list[str] = field(default_factory=list)

    @property
    def empty(self) -> NDArray[np.bool_]:
        """(n_rows,) whether no cell of a row has a value."""
        empty = np.ones(len(self.rows), dtype=np.bool_)
        for column in self.columns:
            empty &= column.missing
            if not empty.any():
                break
        return empty

    def take(self, kept: NDArray[np.intp]) -> "Cells":
        """Keep these rows, in this order."""
        for i, column in enumerate(self.columns):
            self.columns[i] = column.take(kept)
        return Cells(self.names, self.columns, self.rows[kept], self.counting, self.notes)

    def without_empty_end(self) -> "Cells":
        """Leave out rows without any value after the last one that has some, as Excel writes them;
        one between others may be a death of whom every symptom was absent."""
        n_kept = int(np.flatnonzero(~self.empty).max(initial=-1)) + 1
        n_left = len(self.rows) - n_kept
        if not n_left:
            return self
        rows = "1 row" if n_left == 1 else f"{n_left:,} rows"
        self.notes.append(f"Left out {rows} without any value at the end.")
        return self.take(np.arange(n_kept))


class Growing:
    """A column whose cells come one after another; each distinct one is kept once."""

    def __init__(self) -> None:
        self.codes = array("i")
        self.index: dict[object, int] = {}

    def extend(self, cells: Iterable[object]) -> None:
        """Add cells; ``None`` is missing."""
        index, append = self.index, self.codes.append
        for cell in cells:
            append(-1 if cell is None else index.setdefault(cell, len(index)))

    def add(self, cell: object) -> None:
        """Add one cell; ``None`` is missing."""
        self.codes.append(-1 if cell is None else self.index.setdefault(cell, len(self.index)))

    def column(self, texts: Iterable[str]) -> Column:
        """Make a column of what stands for each distinct cell, in the order of `index`."""
        return to_column(np.frombuffer(self.codes, np.int32), tuple(texts))


def to_column(codes: NDArray[np.int32], values: tuple[str, ...]) -> Column:
    """Make a column, spaces around its values removed and empty ones missing."""
    column = Column(codes, values)
    if all(value and value == value.strip() for value in values) and len(set(values)) == len(
        values
    ):
        return column
    return column.map(lambda text: text.strip() or None)


def text_of(value: object) -> str:
    """Write a value as a table of text has it: whole numbers without a point, dates by ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float | np.floating):
        number = float(value)
        whole = number.is_integer() and abs(number) < 1e15
        return str(int(number)) if whole else repr(number)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def check_names(names: Sequence[str], source: str) -> None:
    """Refuse too many columns, two of one name, one of a name without end, and a table without any
    name."""
    check_size(0, len(names), source)
    if longest := max((len(name) for name in names if len(name) > _LONGEST_NAME), default=0):
        raise DataError(
            f"{source}: column names must have at most {_LONGEST_NAME:,} characters; found one of "
            f"{longest:,}"
        )
    counts = Counter(name.strip() for name in names)
    repeated = [
        f"{plain(name, 60)} ({count} times)" for name, count in counts.items() if name and count > 1
    ]
    if repeated:
        raise DataError(f"{source}: column names must differ; found {listed(repeated)}")
    if not any(counts):
        raise DataError(f"{source}: columns must have names in the first row; found none")


def check_size(n_rows: int, n_columns: int, source: str) -> None:
    """Refuse a table that is larger than memory."""
    if n_columns > MOST_COLUMNS:
        raise DataError(
            f"{source}: must have at most {MOST_COLUMNS:,} columns; found {n_columns:,}"
        )
    if n_rows * n_columns > MOST_CELLS:
        raise DataError(
            f"{source}: must have at most {MOST_CELLS:,} cells; found {n_rows:,} rows of "
            f"{n_columns:,}"
        )


@contextmanager
def whole(kind: str, source: str) -> Iterator[None]:
    """Say in one sentence whatever a library finds wrong in a file of this kind.

    Readers of foreign formats raise exceptions of every class on damaged files. Their warnings are
    about what a user of the table does not see: they go to the log.
    """
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            yield
    except DataError:
        raise
    except Exception as error:
        _log.debug("%s: cannot be read as %s", source, kind, exc_info=True)
        raise DataError(f"{source}: must be {kind}; {first_line(error)}") from error
    for warning in said:
        _log.debug("%s: %s", source, warning.message)


@contextmanager
def needed(library: str, kind: str, source: str) -> Iterator[None]:
    """Say what to install where an optional library cannot be imported."""
    try:
        yield
    except ImportError as error:
        _log.debug("cannot import %s", library, exc_info=True)
        raise DataError(
            f"{source}: {kind} is read with {library}, which is not installed; in a checkout: pip "
            "install '.[files]'; or save it as CSV"
        ) from error


def first_line(error: BaseException) -> str:
    """Write an error of elsewhere on one line."""
    return plain((str(error).strip() or type(error).__name__).splitlines()[0])
