"""From a `data` section to a data set, and from new rows to what a trained model reads."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from tuner_job.data.columns import Column, Table, as_number
from tuner_job.data.config import DataConfig
from tuner_job.data.copies import find_copies
from tuner_job.data.dataset import Feature, FloatArray, VaDataset
from tuner_job.data.encode import MAX_CATEGORIES, Inferred, encode, infer_features
from tuner_job.data.formats import SourceFormat
from tuner_job.data.openva import OpenVa
from tuner_job.data.phmrc import Phmrc
from tuner_job.data.read import read_table
from tuner_job.data.rows import candidates, check_rows, find_roles, index, keep_rows, read_label
from tuner_job.data.synthetic import generate
from tuner_job.data.table import PlainTable
from tuner_job.data.unread import (
    cell_shown,
    numbers_read_as_text,
    text_among_numbers,
    unknown_answers,
)
from tuner_job.errors import DataError
from tuner_job.public import public
from tuner_job.wording import counted, listed, plain

_log = logging.getLogger(__name__)

ReadBytes = Callable[[str], bytes]

FORMATS: Final[dict[str, SourceFormat]] = {
    "table": PlainTable(),
    "phmrc": Phmrc(),
    "openva": OpenVa(),
}

_SHOWN = 5


def load_dataset(config: DataConfig, read_bytes: ReadBytes) -> VaDataset:
    """Load, clean and encode coded verbal autopsies.

    Parameters
    ----------
    config
        What to load.
    read_bytes
        Returns the content of a path or URL; raises `StoreError` if there is none.

    Returns
    -------
    The rows that have a cause (and are of the wanted sites), in the order of the file. Causes and
    sites are
    sorted: by value where all are numbers, else by text.

    Raises
    ------
    DataError
        If the file cannot be used; the message names it and the column or row, what must hold and
        what was found.
    """
    if config.format == "synthetic":
        return generate(config.synthetic)
    source_format = FORMATS[config.format]
    table, notes = _read(config, read_bytes)
    roles = find_roles(table, config, source_format)
    table, row_notes = keep_rows(table, roles, config)
    notes += row_notes
    y, causes = index(table.columns[roles.label].map(read_label))
    check_rows(table, roles, causes)
    site, sites = (
        index(table.columns[roles.site])
        if roles.site
        else (np.zeros(table.n_rows, np.int32), ("all",))
    )
    symptoms = source_format.symptoms(table, candidates(table, roles, config), config)
    inferred = infer_features(symptoms.columns)
    _check_features(table, inferred, symptoms.columns, source_format)
    notes += [*symptoms.notes, *_feature_notes(inferred, symptoms.columns, table)]
    notes += numbers_read_as_text(table, symptoms.columns, inferred)
    X = encode(
        symptoms.columns, inferred.features, table.source, table.row_name, source_format.derived
    )
    _log.info(
        "%s: %d deaths, %d causes, %d features", table.source, len(y), len(causes), X.shape[1]
    )
    row_numbers = _row_numbers(inferred, symptoms.columns, table.n_rows)
    told = {name: c for name, c in symptoms.columns.items() if name not in row_numbers}
    copies, copy_notes = find_copies(told, y, table.n_rows)
    notes += copy_notes
    return VaDataset(X, y, site, causes, sites, inferred.features, tuple(notes), copies)


def encode_rows(
    config: DataConfig,
    features: Sequence[Feature],
    read_bytes: ReadBytes,
    say: Callable[[str], None] = lambda note: None,
) -> FloatArray:
    """Encode new rows, with or without a cause, as a trained model needs them.

    Parameters
    ----------
    config
        The `data` section that the model was trained with, with the new rows' `source`. All rows
        are encoded, whatever `sites` says.
    features
        The features of the model's data set.
    read_bytes
        As in `load_dataset`.
    say
        Told what was found and handled, one sentence each.

    Returns
    -------
    X
        (n_rows, n_features) float32, in the order of the file. A text that was not seen in training
        is 0 in all categories of its column, or NaN where a number is read; both are told.

    Raises
    ------
    DataError
        If the file cannot be read, has no rows, lacks columns or has only text in one that is read
        as numbers; the message names all of them.
    """
    # A file for a model of generated deaths is written as a plain table.
    source_format = FORMATS.get(config.format, FORMATS["table"])
    table, notes = _read(config, read_bytes)
    needed = {feature.column for feature in features}
    needed |= {source for name in needed for source in source_format.derived.get(name, ())}
    symptoms = source_format.symptoms(
        table, [name for name in table.columns if name in needed], config
    )
    X = encode(symptoms.columns, features, table.source, table.row_name, source_format.derived)
    numbers = dict.fromkeys(feature.column for feature in features if feature.category is None)
    notes += [*symptoms.notes, *text_among_numbers(table, symptoms.columns, list(numbers))]
    notes += unknown_answers(table, symptoms.columns, features)
    for note in [*notes, *_unused(table, needed, config, source_format)]:
        say(note)
    return X


def _unused(
    table: Table, needed: set[str], config: DataConfig, source_format: SourceFormat
) -> list[str]:
    roles = {config.label, config.site, source_format.site_name, *config.drop}
    extra = [
        name
        for name in table.columns
        if name not in needed | roles and name.lower() not in source_format.label_names
    ]
    return (
        [f"Left out {counted(len(extra), 'column')} that the model does not use: {listed(extra)}."]
        if extra
        else []
    )


def _read(config: DataConfig, read_bytes: ReadBytes) -> tuple[Table, list[str]]:
    address = config.source or ""
    source = public(address)
    table = read_table(read_bytes(address), source)
    if not table.n_rows:
        raise DataError(f"{source}: must have at least one row below its header; found none")
    if "" not in table.columns:
        return table, [*table.notes]
    # R and pandas write row names under an empty header: as a feature they would tell the order of
    # the file.
    columns = {name: column for name, column in table.columns.items() if name}
    notes = [*table.notes, "Left out a column without a name (row names?)."]
    return Table(source, columns, table.rows, table.counting), notes


def _check_features(
    table: Table, inferred: Inferred, columns: Mapping[str, Column], source_format: SourceFormat
) -> None:
    if inferred.free_text and source_format.refuses_free_text:
        found = [
            f"{plain(name, 60)} ({len(columns[name].counts())}, {_example(columns[name])})"
            for name in inferred.free_text
        ]
        raise DataError(
            f"{table.source}: a column of text must have at most {MAX_CATEGORIES} different "
            "values; found "
            f"more in {listed(found, _SHOWN)}; name free text, dates and identifiers in data.drop"
        )
    if not inferred.features:
        dropped = len(inferred.empty) + len(inferred.constant) + len(inferred.free_text)
        raise DataError(
            f"{table.source}: at least one column must tell rows apart; {dropped} are left beside "
            "the cause "
            f"and the site, all empty or with a single value{_blank_hint(inferred, columns)}"
        )


def _example(column: Column) -> str:
    text = min(
        (value for value in column.counts() if as_number(value) is None),
        key=lambda value: (len(value), value),
    )
    return f"for example {cell_shown(text)}"


def _feature_notes(inferred: Inferred, columns: Mapping[str, Column], table: Table) -> list[str]:
    notes = []
    if inferred.empty:
        notes.append(f"Dropped {_list(inferred.empty)} without any value.")
    if inferred.constant:
        notes.append(
            f"Dropped {_list(inferred.constant)} with a single "
            f"value{_blank_hint(inferred, columns)}."
        )
    if inferred.free_text:
        notes.append(f"Dropped {_list(inferred.free_text)} of free text.")
    notes += [
        f"Column {plain(name, 60)} has another whole number in every row: name it in data.drop if "
        "it identifies rows."
        for name in _row_numbers(inferred, columns, table.n_rows)
    ]
    return notes


def _blank_hint(inferred: Inferred, columns: Mapping[str, Column]) -> str:
    # Yes or blank is how some tables write yes or no; here blank is missing, and nothing tells rows
    # apart.
    blank = [name for name in inferred.constant if _is_yes_or_blank(columns[name])]
    return f"; in {_list(blank)} it is yes or blank: write no where blank means no" if blank else ""


def _is_yes_or_blank(column: Column) -> bool:
    return bool(column.missing.any()) and [as_number(value) for value in column.counts()] == [1.0]


def _row_numbers(inferred: Inferred, columns: Mapping[str, Column], n_rows: int) -> list[str]:
    names = []
    for feature in inferred.features:
        values = columns[feature.column].counts() if feature.category is None else {}
        if len(values) == n_rows > MAX_CATEGORIES and all(
            (as_number(value) or 0.0) % 1 == 0 for value in values
        ):
            names.append(feature.name)
    return names


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(plain(name, 60) for name in names[:_SHOWN]) + (
        " …" if len(names) > _SHOWN else ""
    )
    return f"{counted(len(names), 'column')} ({shown})"
