"""Which column holds the cause, which the site, and which rows take part."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig, named
from tuner_job.data.dataset import IntArray
from tuner_job.data.instruments.formats import SourceFormat
from tuner_job.data.words import as_number, is_missing, key, sort_names, without_accents
from tuner_job.errors import DataError
from tuner_job.wording import MOST_CHARACTERS, MOST_ITEMS, cell, counted, listed, plain

_WHOLE = re.compile(r"(-?\d+)\.0+")
_QUOTES = re.compile(r"[\"'()\[\]]")
_FEWEST_ROWS = 20  # fewer may have a cause each by chance
_BETWEEN_WORDS = re.compile(r"(?<=\w)[\s._,;:/\\–—-]+(?=\w)")


@dataclass(frozen=True)
class Roles:
    """The columns that are no symptoms.

    Attributes
    ----------
    label
        The cause of death.
    site
        The site; ``None`` where all rows are one site.
    id
        What tells one death from another; ``None`` where nothing was named.
    other_labels
        Further columns with a cause of death under a name that the format knows: never features.
    """

    label: str
    site: str | None
    id: str | None
    other_labels: frozenset[str]


def find_roles(table: Table, config: DataConfig, source_format: SourceFormat) -> Roles:
    """Find the columns that `config` names, or the format's usual ones.

    Raises
    ------
    DataError
        If any of them is not there; the message lists all, each with names near to it.
    """
    by_lower = {name.lower(): name for name in table.columns}
    defaults = [by_lower[name] for name in source_format.label_names if name in by_lower]
    label = config.label or next(iter(defaults), None)
    usual_site = by_lower.get(source_format.site_name or "")
    problems = []
    if label is None:
        problems.append(
            f"the cause is looked for in {' or '.join(source_format.label_names)}; set data.label"
        )
    wanted = [("data.label", label), ("data.site", config.site), ("data.id", config.id)]
    for where, name in wanted:
        if name is not None and name not in table.columns:
            problems.append(
                f"{where} names {_name(name)}, which is not there{near(name, table.columns)}"
            )
    patterns = [("data.drop", name) for name in config.drop]
    for where, pattern in [*patterns, *(("data.columns", name) for name in config.columns)]:
        if not any(named(name, pattern) for name in table.columns):
            problems.append(
                f"{where} names {_name(pattern)}, which is not there{near(pattern, table.columns)}"
            )
    if config.sites and not (config.site or usual_site):
        problems.append("data.sites needs a site column; set data.site")
    if problems or label is None:
        more = f"; and {len(problems) - MOST_ITEMS} more" if len(problems) > MOST_ITEMS else ""
        sheet = next((note for note in table.notes if note.startswith("Read the sheet")), "")
        raise DataError(
            f"{table.source}: columns must be there to be used: "
            f"{'; '.join(problems[:MOST_ITEMS])}{more}{f' ({sheet})' if sheet else ''}"
        )
    return Roles(label, config.site or usual_site, config.id, frozenset(defaults) - {label})


def _name(name: str) -> str:
    return plain(name, 80) if name.strip() else f"'{name}'"


def near(name: str, names: Iterable[str]) -> str:
    """Names near to one that is not there, or else those that are, as they follow a message."""
    lower = {
        candidate.lower(): candidate for candidate in names if len(candidate) <= MOST_CHARACTERS
    }
    near = difflib.get_close_matches(name[:MOST_CHARACTERS].lower(), lower, n=3, cutoff=0.5)
    return (
        f" (near: {listed(lower[candidate] for candidate in near)})"
        if near
        else f" (the file has {listed(names)})"
    )


def keep_rows(table: Table, roles: Roles, config: DataConfig) -> tuple[Table, list[str]]:
    """Keep the rows that have a cause and are of a wanted site.

    Returns
    -------
    The table and a note for each kind of row that was left out.

    Raises
    ------
    DataError
        If a row has no site, or a wanted site does not occur.
    """
    notes = []
    unlabelled = table.columns[roles.label].map(read_cause).missing
    if unlabelled.any():
        notes.append(
            f"Dropped {unlabelled.sum()} of {counted(table.n_rows, 'row')} without a cause in "
            f"column {plain(roles.label, 80)}."
        )
        table = table.take(np.flatnonzero(~unlabelled))
    if roles.site:
        _check_sites(table, roles.site)
    if config.sites and roles.site:
        table, note = _keep_sites(table, roles.site, config.sites)
        notes.append(note)
    return table, notes


def _check_sites(table: Table, site: str) -> None:
    unknown = np.flatnonzero(table.columns[site].map(read_cause).missing)
    if len(unknown):
        left = len(unknown) - 1
        others = (
            f", nor {'does' if left == 1 else 'do'} {counted(left, 'more row')}" if left else ""
        )
        raise DataError(
            f"{table.source}: column {plain(site, 80)} must name a site in every row; "
            f"{table.row_name(int(unknown[0]))} names none{others}"
        )


def _keep_sites(table: Table, site: str, wanted: Sequence[str]) -> tuple[Table, str]:
    column = table.columns[site].map(read_cause)
    counts = column.counts()
    there = {cause_key(name) for name in counts}
    absent = [name for name in wanted if cause_key(name) not in there]
    if absent:
        found = listed(
            f"{cell(name)} ({counted(counts[name], 'row')})" for name in sort_names(counts)
        )
        raise DataError(
            f"{table.source}: data.sites must name sites of column {plain(site, 80)}: {found}; "
            f"found {listed(absent)}"
        )
    keys = {cause_key(name) for name in wanted}
    codes = [code for code, value in enumerate(column.values) if cause_key(value) in keys]
    rows = np.flatnonzero(np.isin(column.codes, codes))
    note = (
        f"Kept {len(rows)} of {counted(table.n_rows, 'row')}: {len(set(wanted))} of "
        f"{counted(len(counts), 'site')}."
    )
    return table.take(rows), note


def read_cause(text: str) -> str | None:
    """Clean the name of a cause or a site; ``None`` if it says nothing."""
    # A column of whole numbers that a tool wrote as decimals names the same causes.
    whole = _WHOLE.fullmatch(text)
    clean = unicodedata.normalize("NFC", " ".join(text.split()))
    return whole[1] if whole else None if is_missing(text) else clean


def cause_key(text: str) -> str:
    """What the spellings of one cause have in common: case, accents, spaces and punctuation between
    words do not matter."""
    if as_number(text) is not None:
        return text
    without_quotes = _QUOTES.sub("", without_accents(key(text)))
    return _BETWEEN_WORDS.sub(" ", without_quotes).rstrip(" .,;:") or text


def rename_causes(
    column: Column, names: Mapping[str, str], table: Table, label: str
) -> tuple[Column, list[str]]:
    """Give causes the names that `data.causes` has for them; several may get one name.

    Returns
    -------
    The column, and a note on what does not occur: a list of codes may be longer than a file's.

    Raises
    ------
    DataError
        If nothing that it names occurs.
    """
    there = {cause_key(value) for value in column.counts()}
    absent = [old for old in names if cause_key(old) not in there]
    if len(absent) == len(names):
        others = near(absent[0], column.counts()).replace("the file has", "the column has")
        raise DataError(
            f"{table.source}: data.causes must name causes of column {plain(label, 80)}; "
            f"found {listed(map(cell, absent))}{others}"
        )
    renamed = with_names(column, names)
    if not absent:
        return renamed, []
    does = "does" if len(absent) == 1 else "do"
    return renamed, [
        f"Of the {counted(len(names), 'cause')} that data.causes renames, {len(absent)} {does} not "
        f"occur: {listed(map(cell, absent))}."
    ]


def with_names(column: Column, names: Mapping[str, str]) -> Column:
    """Give causes the names that `names` has for them, whatever their spelling."""
    wanted = {cause_key(old): new for old, new in names.items()}
    return column.map(lambda text: wanted.get(cause_key(text), text))


def merge_spellings(column: Column, what: str) -> tuple[Column, list[str]]:
    """Give causes or sites (`what`, in the singular) that differ only in case, accents,
    spaces or punctuation their most frequent spelling, and say so."""
    counts = Counter(column.counts())
    spellings: dict[str, list[str]] = {}
    for text in counts:
        spellings.setdefault(cause_key(text), []).append(text)
    canonical: dict[str, str] = {}
    merged = []
    for found in spellings.values():
        best = min(found, key=lambda text: (-counts[text], text))
        canonical |= dict.fromkeys(found, best)
        if others := [text for text in sorted(found) if text != best]:
            merged.append(f"{cell(best)} ({', '.join(map(cell, others[:5]))})")
    notes = []
    if merged:
        notes.append(
            f"Merged {counted(len(merged), what)} that {'was' if len(merged) == 1 else 'were'} "
            f"spelled in several ways: {listed(merged)}."
        )
    return column.map(lambda text: canonical.get(text, text)), notes


def index(column: Column) -> tuple[IntArray, tuple[str, ...]]:
    """Number the values of a column without missing cells.

    Returns
    -------
    codes, names
        (n_rows,) int32 index into the sorted names of those that occur.
    """
    names = sort_names(column.counts())
    position = {name: index for index, name in enumerate(names)}
    lookup = np.array([position.get(value, -1) for value in column.values], dtype=np.int32)
    return lookup[column.codes], names


def check_rows(table: Table, roles: Roles, causes: tuple[str, ...]) -> None:
    """Refuse what no model can learn from: fewer than two rows or two causes, or a cause a row."""
    if table.n_rows < 2:
        raise DataError(
            f"{table.source}: must have at least 2 rows with a cause; found {table.n_rows}"
        )
    if len(causes) < 2:
        raise DataError(
            f"{table.source}: column {plain(roles.label, 80)} must hold at least 2 causes; "
            f"all {table.n_rows:,} rows have {cell(causes[0])}"
        )
    if len(causes) == table.n_rows >= _FEWEST_ROWS:
        raise DataError(
            f"{table.source}: column {plain(roles.label, 80)} must hold causes that several deaths "
            f"share; each of its {table.n_rows:,} rows has one of its own: is data.label right?"
        )


def candidates(table: Table, roles: Roles) -> list[str]:
    """Names of the columns that may be features."""
    taken = {roles.label, roles.site, roles.id, *roles.other_labels}
    return [name for name in table.columns if name not in taken]
