"""How the cells of new deaths fit the codebook: what is counted, and what is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.codebook import Codebook, Variable
from tuner_job.data.columns import Table
from tuner_job.data.dataset import FloatArray
from tuner_job.errors import DataError
from tuner_job.wording import cell, counted, listed, plain

MOST_UNREAD = 0.1
"""Share of the answers, above that of the training file itself, that may be none that training
knew: with more, the file is coded in another way."""
_FEWEST_CELLS = 5  # fewer answers may all be rare ones
_FEWEST_NUMBERS = 10  # so many numbers, most outside the trained range, are of another unit
_MOSTLY_OUTSIDE = 0.8
_FEWEST_ROWS = 10  # so many deaths would have some answer
_SHOWN = 5
_MOST_OF_LINE = 230  # characters of columns with their cells: a refusal is one line


@dataclass(frozen=True)
class HowRead:
    """How a file of new deaths was read, in counts.

    Attributes
    ----------
    n_columns
        Columns that the model uses.
    n_answers
        Their cells that hold an answer.
    n_unread, n_outside
        Of these, answers that training did not know, and numbers outside the trained range.
    doubtful
        Column → deaths with such an answer, the most first.
    empty
        Columns that the model uses and that no death has an answer in, though training had.
    """

    n_columns: int
    n_answers: int
    n_unread: int
    n_outside: int
    doubtful: Mapping[str, int]
    empty: Sequence[str]


@dataclass(frozen=True, eq=False)
class Fit:
    """How the cells of one column fit."""

    variable: Variable
    n_filled: int
    unread: NDArray[np.bool_]
    outside: NDArray[np.bool_]

    @property
    def n_unread(self) -> int:
        """Cells that hold no answer that training knew."""
        return int(self.unread.sum())

    @property
    def n_outside(self) -> int:
        """Numbers outside those of training."""
        return int(self.outside.sum())

    @property
    def n_doubtful(self) -> int:
        """Deaths with one of either."""
        return int((self.unread | self.outside).sum())


def how_read(fits: Sequence[Fit]) -> HowRead:
    """Count what was answered and what was not known."""
    return HowRead(
        n_columns=len(fits),
        n_answers=sum(fit.n_filled for fit in fits),
        n_unread=sum(fit.n_unread for fit in fits),
        n_outside=sum(fit.n_outside for fit in fits),
        doubtful={
            fit.variable.name: fit.n_doubtful
            for fit in sorted(fits, key=lambda one: -one.n_doubtful)
            if fit.n_doubtful
        },
        empty=_empty(fits),
    )


def _empty(fits: Sequence[Fit]) -> list[str]:
    return [fit.variable.name for fit in fits if not fit.n_filled and fit.variable.n_filled]


def fit_of(
    variable: Variable,
    table: Table,
    unread: Mapping[str, NDArray[np.bool_]],
    X: FloatArray,
    codebook: Codebook,
) -> Fit:
    """See how the cells of one column fit what is known of it.

    Parameters
    ----------
    unread, X
        As `encode` gives them.
    """
    at = codebook.place(variable)
    nobody = np.zeros(table.n_rows, np.bool_)
    odd = unread.get(variable.name, nobody)
    outside = nobody
    if variable.kind == "number" and variable.low is not None and variable.high is not None:
        values = X[:, at]
        low, high = np.float32(variable.low), np.float32(variable.high)
        outside = (values < low) | (values > high)
    filled = ~np.isnan(X[:, at]) | odd
    if variable.blank == "no":
        filled &= ~table.columns[variable.name].missing
    return Fit(variable, int(filled.sum()), odd, outside)


def _unread_in_training(fit: Fit) -> float:
    return fit.variable.n_unread / max(1, fit.variable.n_filled)


def refuse(fits: Sequence[Fit], table: Table) -> None:
    """Refuse a file that is coded in another way than the training file."""
    none_fits = [
        fit
        for fit in fits
        if fit.n_unread == fit.n_filled and fit.n_filled >= _fewest(fit.variable)
    ]
    far = [
        fit for fit in fits if fit.n_outside >= max(_FEWEST_NUMBERS, _MOSTLY_OUTSIDE * fit.n_filled)
    ]
    n_filled, n_unread = (
        sum(fit.n_filled for fit in fits),
        sum(fit.n_unread for fit in fits),
    )
    # What is rarer in training is unread there, too; it allows nothing in other columns.
    expected = sum(min(fit.n_unread, fit.n_filled * _unread_in_training(fit)) for fit in fits)
    allowed = MOST_UNREAD + expected / max(1, n_filled)
    too_many = n_unread >= _FEWEST_CELLS and n_unread > allowed * n_filled
    if not (none_fits or far or too_many):
        return
    share = (
        f"; {n_unread:,} of {n_filled:,} answers are none that training knew, and at most "
        f"{allowed:.0%} may be"
        if too_many
        else ""
    )
    wrong = [*none_fits, *far]
    for fit in sorted(fits, key=lambda fit: -fit.n_unread):
        if too_many and fit.n_unread and fit not in wrong:
            wrong.append(fit)
    raise DataError(
        f"{table.source}: must be coded as the deaths that the model was trained on; found "
        f"{_misfits(wrong, table)}{share}"
    )


def _fewest(variable: Variable) -> int:
    """Answers of a column from which on it is odd that none is read."""
    return _FEWEST_CELLS if variable.kind == "choice" or variable.n_unread else 1


def _misfits(wrong: Sequence[Fit], table: Table) -> str:
    """Name columns with what most stands against each, as many as stand on a line."""
    parts: list[str] = []
    for fit in wrong[:_SHOWN]:
        part = f"column {_unread(fit, table) if fit.n_unread else _outside(fit, table)}"
        if parts and len("; ".join([*parts, part])) > _MOST_OF_LINE:
            break
        parts.append(part)
    left = len(wrong) - len(parts)
    return "; ".join([*parts, *([f"and {counted(left, 'more column')}"] if left else [])])


def _unread(fit: Fit, table: Table) -> str:
    first = table.rows[np.flatnonzero(fit.unread)[0]]
    rows = counted(fit.n_unread, "row") if fit.n_unread > 1 else f"row {first}"
    return (
        f"{plain(fit.variable.name, 60)}: {_examples(fit.unread, fit.variable, table)} in {rows} "
        f"(training: {_trained(fit.variable)})"
    )


def _outside(fit: Fit, table: Table) -> str:
    read = fit.variable.read(table.columns[fit.variable.name])[0][fit.outside]
    return (
        f"{plain(fit.variable.name, 60)}: numbers from {read.min():g} to {read.max():g} in "
        f"{counted(fit.n_outside, 'row')} (training: {_trained(fit.variable)})"
    )


def _examples(rows: NDArray[np.bool_], variable: Variable, table: Table) -> str:
    counts = table.columns[variable.name].take(np.flatnonzero(rows)).counts()
    return listed((cell(text) for text in sorted(counts, key=lambda text: -counts[text])), 3)


def _trained(variable: Variable) -> str:
    if variable.kind == "choice":
        return listed(map(cell, variable.choices), _SHOWN)
    if variable.kind == "yes_no":
        return "yes, no"
    if variable.low is None or variable.high is None:
        return "numbers"
    return f"{variable.low:g} to {variable.high:g}"


def doubts(fits: Sequence[Fit], table: Table) -> list[str]:
    """Say what training did not know, one sentence a kind."""
    unread = sorted((fit for fit in fits if fit.n_unread), key=lambda fit: -fit.n_unread)
    outside = sorted((fit for fit in fits if fit.n_outside), key=lambda fit: -fit.n_outside)
    notes = []
    if unread:
        notes.append(
            f"Answers that training did not know are read as none of the known ones, in "
            f"{counted(len(unread), 'column')}: {_all(unread, table, _unread)}."
        )
    if outside:
        notes.append(
            f"Numbers are outside those of training in {counted(len(outside), 'column')}: "
            f"{_all(outside, table, _outside)}."
        )
    empty = _empty(fits)
    if empty and table.n_rows >= _FEWEST_ROWS:
        notes.append(
            f"No death has an answer in {counted(len(empty), 'column')} that the model uses: "
            f"{listed(empty, _SHOWN)}."
        )
    return notes


def _all(fits: Sequence[Fit], table: Table, say: Callable[[Fit, Table], str]) -> str:
    parts = [say(fit, table) for fit in fits]
    more = f"; and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return f"{'; '.join(parts[:_SHOWN])}{more}"
