"""From a `data` section to a data set with its codebook."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from tuner_job.data.codebook import Codebook, Variable
from tuner_job.data.columns import Table
from tuner_job.data.config import DataConfig
from tuner_job.data.copies import find_copies, repeated_identifiers
from tuner_job.data.dataset import IntArray, VaDataset
from tuner_job.data.encode import encode
from tuner_job.data.infer import KNOWN_LABEL, ONLY_YES, infer
from tuner_job.data.instruments.formats import SourceFormat
from tuner_job.data.instruments.openva import OpenVa
from tuner_job.data.instruments.phmrc import Phmrc
from tuner_job.data.instruments.table import PlainTable
from tuner_job.data.instruments.who import Who
from tuner_job.data.notes import codebook_notes, instrument_notes, openva_hint
from tuner_job.data.refusals import check_none_tells, check_stated
from tuner_job.data.rows import (
    Roles,
    candidates,
    check_rows,
    find_roles,
    index,
    keep_rows,
    merge_spellings,
    read_cause,
    rename_causes,
)
from tuner_job.data.synthetic import generate
from tuner_job.errors import DataError
from tuner_job.public import public
from tuner_job.wording import counted, listed

_log = logging.getLogger(__name__)

ReadBytes = Callable[[str], bytes]

FORMATS: Final[dict[str, SourceFormat]] = {
    "table": PlainTable(),
    "phmrc": Phmrc(),
    "who": Who(),
    "openva": OpenVa(),
}


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
    sites are sorted: by value where all are numbers, else by text.

    Raises
    ------
    DataError
        If the file cannot be used; the message names it and the column or row, what must hold and
        what was found.
    """
    if config.format == "synthetic":
        return generate(config.synthetic)
    source_format = FORMATS[config.format]
    table = source_format.prepare(read_source(config, read_bytes), config)
    roles = find_roles(table, config, source_format)
    notes = [*table.notes]
    table, row_notes = keep_rows(table, roles, config)
    y, causes, cause_notes = _causes(table, roles, config)
    check_rows(table, roles, causes)
    site, sites, site_notes = _sites(table, roles)
    hints = source_format.hints(table, config)
    variables = infer(table, candidates(table, roles), hints, config)
    check_stated(table, variables, config)
    check_none_tells(table, variables, y, causes, config)
    codebook = _codebook(table, roles, variables)
    _check_features(table, codebook)
    encoded = encode(table, codebook, source_format.derived)
    copies, copy_notes = find_copies(
        {one.name: table.columns[one.name] for one in codebook.used}, y, table.n_rows
    )
    notes += [*row_notes, *cause_notes, *site_notes, *codebook_notes(table, codebook)]
    notes += copy_notes
    if roles.id:
        notes += repeated_identifiers(table.columns[roles.id], roles.id)
    if config.format == "table":
        notes += instrument_notes(table)
    _log.info(
        "%s: %d deaths, %d causes, %d features",
        *(table.source, len(y), len(causes), len(codebook.features)),
    )
    features, said = codebook.features, tuple(notes)
    return VaDataset(encoded.X, y, site, causes, sites, features, said, codebook, copies=copies)


def read_source(config: DataConfig, read_bytes: ReadBytes) -> Table:
    """Read the file that `config` names.

    Raises
    ------
    DataError
        If it is no table with at least one row.
    """
    # here: it brings Arrow, and whoever checks an experiment reads no data
    from tuner_job.data.reading.read import read_table

    address = config.source or ""
    source = public(address)
    table = read_table(read_bytes(address), source)
    if not table.n_rows:
        raise DataError(f"{source}: must have at least one row below its header; found none")
    if "" not in table.columns:
        return table
    # R and pandas write row names under an empty header: as a feature they would tell the order of
    # the file.
    columns = {name: column for name, column in table.columns.items() if name}
    notes = (*table.notes, "Left out a column without a name (row names?).")
    return Table(source, columns, table.rows, table.counting, notes)


def _causes(
    table: Table, roles: Roles, config: DataConfig
) -> tuple[IntArray, tuple[str, ...], list[str]]:
    column = table.columns[roles.label].map(read_cause)
    notes: list[str] = []
    if config.causes:
        column, notes = rename_causes(column, config.causes, table, roles.label)
    column, merged = merge_spellings(column, "cause")
    return *index(column), [*notes, *merged]


def _sites(table: Table, roles: Roles) -> tuple[IntArray, tuple[str, ...], list[str]]:
    if roles.site is None:
        return np.zeros(table.n_rows, np.int32), ("all",), []
    column, notes = merge_spellings(table.columns[roles.site].map(read_cause), "site")
    return *index(column), notes


def _codebook(table: Table, roles: Roles, variables: Sequence[Variable]) -> Codebook:
    by_name = {variable.name: variable for variable in variables}
    by_role = {roles.label: "label", roles.site: "site", roles.id: "identifier"}
    others: Mapping[str, dict[str, Any]] = {
        name: {"role": by_role[name]}
        if name in by_role
        else {"role": "left_out", "reason": KNOWN_LABEL}
        for name in table.columns
        if name not in by_name
    }
    return Codebook(
        variables=[
            by_name.get(name)
            or Variable(name=name, n_filled=table.columns[name].n_filled, **others[name])
            for name in table.columns
        ]
    )


def _check_features(table: Table, codebook: Codebook) -> None:
    if codebook.features:
        return
    reasons = codebook.left_out()
    n_left = sum(len(names) for names in reasons.values())
    why = "; ".join(
        f"{counted(len(names), 'column')}: {reason} ({listed(names, 5)})"
        for reason, names in sorted(reasons.items(), key=lambda one: -len(one[1]))[:5]
    )
    hint = openva_hint(table, codebook) if ONLY_YES in reasons else ""
    raise DataError(
        f"{table.source}: at least one column must tell deaths apart; {n_left} are left beside the "
        f"cause and the site, and none is a feature{f': {why}' if why else ''}{hint}"
    )
