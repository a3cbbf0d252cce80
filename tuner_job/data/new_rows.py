"""New deaths, read by the codebook of the training file and held to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tuner_job.data.codebook import Codebook
from tuner_job.data.columns import Table
from tuner_job.data.config import DataConfig, named
from tuner_job.data.dataset import FloatArray, IntArray
from tuner_job.data.encode import encode
from tuner_job.data.fitting import HowRead, doubts, fit_of, how_read, refuse
from tuner_job.data.instruments.formats import SourceFormat
from tuner_job.data.labels import Labels, read_labels
from tuner_job.data.load import FORMATS, ReadBytes, read_source
from tuner_job.data.rows import cause_key, read_cause, with_names
from tuner_job.wording import cell, counted, listed


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
    labels
        Identifiers, sites and groups.
    how_read
        What was answered, and what was not known.
    """

    X: FloatArray
    n_doubtful: IntArray
    y: IntArray | None
    labels: Labels
    how_read: HowRead


def read_new(
    config: DataConfig,
    codebook: Codebook,
    causes: Sequence[str],
    read_bytes: ReadBytes,
    say: Callable[[str], None] = lambda note: None,
    by: Sequence[str] = (),
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
    by
        Which groups deaths are to be sorted into; see `read_labels`.

    Raises
    ------
    DataError
        If the file cannot be read, has no rows, lacks columns, or is coded in another way than the
        training file: no answer of a column, or less than 1 - `fitting.MOST_UNREAD` of all, is one
        that training knew, or most numbers of a column are outside those of training; or if a group
        cannot be read. The message names columns, cells and counts.
    """
    # A file for a model of generated deaths is written as a plain table.
    source_format = FORMATS.get(config.format, FORMATS["table"])
    raw = read_source(config, read_bytes)
    table = source_format.prepare(raw, config)
    if not codebook.complete:
        codebook = codebook.with_hints(source_format.hints(table, config))
    encoded = encode(table, codebook, source_format.derived)
    fits = [fit_of(one, table, encoded.unread, encoded.X, codebook) for one in codebook.used]
    refuse(fits, table)
    labels = read_labels((raw, table), codebook, config, source_format, by)
    extra = _unused(table, codebook, config, source_format)
    notes = [*table.notes, *doubts(fits, table)]
    if extra:
        left_out = f"{counted(len(extra), 'column')} that the model does not use: {listed(extra)}"
        notes.append(f"Left out {left_out}.")
    y, unknown = _causes(table, config, codebook, causes)
    for note in [*notes, *unknown]:
        say(note)
    n_doubtful = sum((one.unread | one.outside for one in fits), np.zeros(table.n_rows, np.int32))
    return NewDeaths(encoded.X, n_doubtful.astype(np.int32), y, labels, how_read(fits))


def _unused(
    table: Table, codebook: Codebook, config: DataConfig, source_format: SourceFormat
) -> list[str]:
    known: set[str | None] = {one.name for one in codebook.variables}
    known |= {config.label, config.site, config.id, source_format.site_name}
    sources = {name for names in source_format.derived.values() for name in names}
    return [
        name
        for name in table.columns
        if name not in known | sources
        and name.lower() not in source_format.label_names
        and not any(named(name, pattern) for pattern in config.drop)
    ]


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
