"""New deaths, read by the codebook of the training file and held to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.codebook import Codebook, Variable
from tuner_job.data.columns import Table
from tuner_job.data.config import DataConfig, named
from tuner_job.data.dataset import FloatArray, IntArray
from tuner_job.data.encode import encode
from tuner_job.data.instruments.formats import SourceFormat
from tuner_job.data.load import FORMATS, ReadBytes, read_source
from tuner_job.data.rows import cause_key, read_cause, with_names
from tuner_job.errors import DataError
from tuner_job.wording import cell, counted, listed, plain

MOST_UNREAD = 0.1
"""Share of the answers that may be none that training knew: with more, the file is coded in another
way."""
_FEWEST_CELLS = 5  # fewer answers may all be rare ones
_FEWEST_NUMBERS = 10  # so many numbers, most outside the trained range, are of another unit
_MOSTLY_OUTSIDE = 0.8
_FEWEST_ROWS = 10  # so many deaths would have some answer
_SHOWN = 5
_MOST_OF_LINE = 230  # characters of columns with their cells: a refusal is one line


@dataclass(frozen=True, eq=False)
class NewDeaths:
    """New deaths as the model reads them.

    Attributes
    ----------
    X
        (n_rows, n_features) float32, in the order of the file.
    n_doubtful
        (n_rows,) how many of a death's answers training did not know: no answer of their column, or
        a number outside the trained range.
    y
        (n_rows,) index into the model's causes, -1 where the file has none of them; ``None`` if it
        has no column with causes.
    """

    X: FloatArray
    n_doubtful: IntArray
    y: IntArray | None


@dataclass(frozen=True, eq=False)
class _Fit:
    """How the cells of one column fit."""

    variable: Variable
    n_filled: int
    unread: NDArray[np.bool_]
    outside: NDArray[np.bool_]

    @property
    def n_unread(self) -> int:
        return int(self.unread.sum())

    @property
    def n_outside(self) -> int:
        return int(self.outside.sum())


def read_new(
    config: DataConfig,
    codebook: Codebook,
    causes: Sequence[str],
    read_bytes: ReadBytes,
    say: Callable[[str], None] = lambda note: None,
) -> NewDeaths:
    """Read new rows, with or without a cause, as a trained model needs them.

    Parameters
    ----------
    config
        The `data` section that the model was trained with, with the new rows' `source`. All rows
        are read, whatever `sites` says.
    codebook
        Of the training file.
    causes
        The model's cause list.
    read_bytes
        As in `load_dataset`.
    say
        Called with what was found and handled, one sentence each.

    Raises
    ------
    DataError
        If the file cannot be read, has no rows, lacks columns, or is coded in another way than the
        training file: no answer of a column, or less than 1 - `MOST_UNREAD` of all, is one that
        training knew, or most numbers of a column are outside those of training. The message names
        columns, cells and counts.
    """
    # A file for a model of generated deaths is written as a plain table.
    source_format = FORMATS.get(config.format, FORMATS["table"])
    table = source_format.prepare(read_source(config, read_bytes), config)
    if not codebook.complete:
        codebook = codebook.with_hints(source_format.hints(table, config))
    encoded = encode(table, codebook, source_format.derived)
    fits = [_fit(one, table, encoded.unread, encoded.X, codebook) for one in codebook.used]
    _refuse(fits, table)
    notes = [*table.notes, *_doubts(fits, table), *_unused(table, codebook, config, source_format)]
    y, unknown = _causes(table, config, codebook, causes)
    for note in [*notes, *unknown]:
        say(note)
    n_doubtful = sum((fit.unread | fit.outside for fit in fits), np.zeros(table.n_rows, np.int32))
    return NewDeaths(encoded.X, n_doubtful.astype(np.int32), y)


def _fit(
    variable: Variable,
    table: Table,
    unread: Mapping[str, NDArray[np.bool_]],
    X: FloatArray,
    codebook: Codebook,
) -> _Fit:
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
    return _Fit(variable, int(filled.sum()), odd, outside)


def _refuse(fits: Sequence[_Fit], table: Table) -> None:
    """Refuse a file that is coded in another way than the training file."""
    none_fits = [
        fit
        for fit in fits
        if fit.n_unread == fit.n_filled
        and fit.n_filled >= (_FEWEST_CELLS if fit.variable.kind == "choice" else 1)
    ]
    far = [
        fit for fit in fits if fit.n_outside >= max(_FEWEST_NUMBERS, _MOSTLY_OUTSIDE * fit.n_filled)
    ]
    n_filled, n_unread = (
        sum(fit.n_filled for fit in fits),
        sum(fit.n_unread for fit in fits),
    )
    too_many = n_unread >= _FEWEST_CELLS and n_unread > MOST_UNREAD * n_filled
    if not (none_fits or far or too_many):
        return
    share = (
        f"; {n_unread:,} of {n_filled:,} answers are none that training knew, and at most "
        f"{MOST_UNREAD:.0%} may be"
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


def _misfits(wrong: Sequence[_Fit], table: Table) -> str:
    """Name columns with what most stands against each, as many as stand on a line."""
    parts: list[str] = []
    for fit in wrong[:_SHOWN]:
        part = f"column {_unread(fit, table) if fit.n_unread else _outside(fit, table)}"
        if parts and len("; ".join([*parts, part])) > _MOST_OF_LINE:
            break
        parts.append(part)
    left = len(wrong) - len(parts)
    return "; ".join([*parts, *([f"and {counted(left, 'more column')}"] if left else [])])


def _unread(fit: _Fit, table: Table) -> str:
    first = table.rows[np.flatnonzero(fit.unread)[0]]
    rows = counted(fit.n_unread, "row") if fit.n_unread > 1 else f"row {first}"
    return (
        f"{plain(fit.variable.name, 60)}: {_examples(fit.unread, fit.variable, table)} in {rows} "
        f"(training: {_trained(fit.variable)})"
    )


def _outside(fit: _Fit, table: Table) -> str:
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


def _doubts(fits: Sequence[_Fit], table: Table) -> list[str]:
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
    empty = [fit.variable.name for fit in fits if not fit.n_filled and fit.variable.n_filled]
    if empty and table.n_rows >= _FEWEST_ROWS:
        notes.append(
            f"No death has an answer in {counted(len(empty), 'column')} that the model uses: "
            f"{listed(empty, _SHOWN)}."
        )
    return notes


def _all(fits: Sequence[_Fit], table: Table, say: Callable[[_Fit, Table], str]) -> str:
    parts = [say(fit, table) for fit in fits]
    more = f"; and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return f"{'; '.join(parts[:_SHOWN])}{more}"


def _unused(
    table: Table, codebook: Codebook, config: DataConfig, source_format: SourceFormat
) -> list[str]:
    known: set[str | None] = {one.name for one in codebook.variables}
    known |= {config.label, config.site, config.id, source_format.site_name}
    sources = {name for names in source_format.derived.values() for name in names}
    extra = [
        name
        for name in table.columns
        if name not in known | sources
        and name.lower() not in source_format.label_names
        and not any(named(name, pattern) for pattern in config.drop)
    ]
    return (
        [f"Left out {counted(len(extra), 'column')} that the model does not use: {listed(extra)}."]
        if extra
        else []
    )


def _causes(
    table: Table, config: DataConfig, codebook: Codebook, causes: Sequence[str]
) -> tuple[IntArray | None, list[str]]:
    label = codebook.named("label") or config.label
    if label not in table.columns or label is None:
        return None, []
    column = with_names(table.columns[label].map(read_cause), config.causes)
    places = {cause_key(cause): place for place, cause in enumerate(causes)}
    lookup = [places.get(cause_key(value), -1) for value in column.values]
    y = np.array([*lookup, -1], dtype=np.int32)[column.codes]
    unknown = column.take(np.flatnonzero((y < 0) & ~column.missing)).counts()
    if not unknown:
        return y, []
    shown = listed(f"{cell(text)} in {counted(n, 'row')}" for text, n in unknown.items())
    return y, [f"Causes that the model does not know are not scored: {shown}."]
