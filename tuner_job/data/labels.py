"""What a death is known by: its identifier, its site, the groups that it belongs to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from tuner_job.data.ages import age_groups
from tuner_job.data.codebook import Codebook
from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig
from tuner_job.data.dataset import IntArray
from tuner_job.data.identity import is_place, who_or_when
from tuner_job.data.instruments.formats import SourceFormat
from tuner_job.data.instruments.parts import first_stated, without_missing
from tuner_job.data.instruments.who_age import AGE
from tuner_job.data.instruments.who_items import AGE_ITEMS
from tuner_job.data.rows import merge_spellings, near, read_cause
from tuner_job.data.words import as_number, key, sort_names
from tuner_job.errors import DataError
from tuner_job.wording import counted, listed, plain

MOST_GROUPS = 50
"""Of one column: more are no groups, but what tells deaths apart."""
NOT_KNOWN = "not known"
SITE, SEX, AGE_GROUP, YEAR = "site", "sex", "age_group", "year"
_SEX = ("sex", "g1_05", "id10019", "gender", "sexo", "sexe", "genero", "genre")
_DIED = (
    *("date_of_death", "dateofdeath", "death_date", "deathdate", "dod", "id10023", "id10023_a"),
    *("id10023_b", "g1_06y", "g5_03y", "year_of_death", "death_year", "yod", "fecha_defuncion"),
    *("data_obito", "date_deces"),
)
"""Columns with the day or the year of death: of each death the first that says it."""
_IDENTIFIES = frozenset({"an identifier", "identifiers"})
_PERSONAL = frozenset(
    {
        *("identifiers", "identifiers or telephone numbers", "telephone numbers", "row numbers"),
        *("names or addresses", "who asked", "positions"),
    }
)
"""What no page may show, and no group of deaths has in common."""
_MODULES = frozenset({"neonate", "child", "adult"})
_FOUR_FIGURES = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_EIGHT_FIGURES = re.compile(r"((?:19|20)\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\.0)?")
_SERIAL = (29_000, 55_000)  # 1979 to 2050 in days, as spreadsheets count
_FIRST_DAY = date(1899, 12, 30)


@dataclass(frozen=True, eq=False)
class Grouping:
    """Deaths by what one column says of them.

    Attributes
    ----------
    by
        As it was asked for.
    column
        Where it was read.
    names
        Groups that have a death, in reading order; what is not known stands last.
    codes
        (n_rows,) index into `names`.
    """

    by: str
    column: str
    names: tuple[str, ...]
    codes: IntArray


@dataclass(frozen=True, eq=False)
class Labels:
    """What deaths are known by.

    Attributes
    ----------
    id_column
        Where identifiers were read; empty: `ids` are the numbers of the rows in the file.
    ids, sites
        (n_rows,) as the file has them; a site is empty where it is not known.
    groups
        One for each that was asked for.
    """

    id_column: str
    ids: Sequence[str]
    sites: Sequence[str]
    groups: tuple[Grouping, ...]


def read_labels(
    files: tuple[Table, Table],
    codebook: Codebook,
    config: DataConfig,
    source_format: SourceFormat,
    by: Sequence[str],
) -> Labels:
    """Read what deaths are known by.

    Parameters
    ----------
    files
        The table as it stands in the file, and as its format has prepared it, row by row.
    by
        Names of columns, or ``site``, ``sex``, ``age_group`` (of a column of ages), ``year`` (of
        the date of death) and ``year:COLUMN``.

    Raises
    ------
    DataError
        A group cannot be read, or is none: the message names all of them.
    """
    finder = _Finder(*files, codebook, config, source_format)
    groups, problems = [], []
    for name in dict.fromkeys(by):
        try:
            groups.append(finder.grouping(name))
        except ValueError as error:
            problems.append(f"--by {plain(name, 80) or 'without a name'}: {error}")
    if problems:
        raise DataError(f"{files[0].source}: {'; '.join(problems[:5])}")
    id_column = _id_column(files[0], codebook, config)
    ids = _texts(files[0].columns[id_column]) if id_column else list(map(str, files[0].rows))
    site = finder.site
    sites = _texts(_cleaned(finder.column(site))) if site else [""] * files[0].n_rows
    return Labels(id_column, ids, sites, tuple(groups))


def _id_column(table: Table, codebook: Codebook, config: DataConfig) -> str:
    """The identifier that was stated, else the first column known as one that tells all deaths of
    this file apart."""
    stated = codebook.named("identifier") or config.id
    if stated in table.columns:
        return stated or ""
    known = {key(one.name) for one in codebook.variables if one.reason in _IDENTIFIES}
    for name, column in table.columns.items():
        counts = column.counts() if key(name) in known else {}
        if len(counts) == table.n_rows:
            return name
    return ""


class _Finder:
    """Finds groups in a file."""

    def __init__(
        self,
        raw: Table,
        prepared: Table,
        codebook: Codebook,
        config: DataConfig,
        source_format: SourceFormat,
    ):
        self._raw, self._prepared, self._codebook = raw, prepared, codebook
        self._config, self._parts = config, source_format.derived.get(AGE, ())
        self._age = AGE if self._parts and AGE in prepared.columns else None
        known = codebook.named("site") or config.site or source_format.site_name or SITE
        self.site = self._named(known) or self._named(SITE)

    def grouping(self, by: str) -> Grouping:
        """Read one of them; ValueError says what is wrong."""
        of_year, _, dated = by.partition(":")
        exact = self._named(by)
        if by == SITE and self.site:
            return _of_texts(by, self.site, _cleaned(self.column(self.site)))
        if by == AGE_GROUP and (exact is None or self._is_module(exact)):
            return self._by_age()
        if by == YEAR or (of_year == YEAR and dated):
            return self._by_year(by, dated)
        name = exact or next(iter(self._there(_SEX) if by == SEX else ()), None)
        if name is None:
            raise ValueError(self._absent(by))
        column = self.column(name)
        reason = None if is_place(name) else who_or_when(name, _cleaned(column))
        if reason in _PERSONAL:
            raise ValueError(f"must be a column of groups of deaths; it holds {reason}")
        return _of_texts(by, name, self._in_words(name, column))

    def column(self, name: str) -> Column:
        """A column as it stands in the file; one that was computed."""
        return (self._raw if name in self._raw.columns else self._prepared).columns[name]

    def _is_module(self, name: str) -> bool:
        """Whether a column says which part of the questionnaire was asked, beside an age."""
        cells = {key(text) for text in self.column(name).values}
        return self._age is not None and self._parts == AGE_ITEMS and cells <= _MODULES

    def _named(self, name: str) -> str | None:
        for table in (self._raw, self._prepared):
            if name in table.columns:
                return name
            lower = [one for one in table.columns if one.lower() == name.lower()]
            if len(lower) == 1:
                return lower[0]
        return None

    def _there(self, names: Sequence[str]) -> list[str]:
        return [found for name in names if (found := self._named(name))]

    def _absent(self, name: str) -> str:
        there = dict.fromkeys([*self._raw.columns, SITE, SEX, AGE_GROUP, YEAR])
        return f"the file has no such column{near(name, there)}"

    def _in_words(self, name: str, column: Column) -> Column:
        """Codes become the answers that they stand for."""
        variables = {one.name.lower(): one for one in self._codebook.variables}
        labels = variables[name.lower()].labels if name.lower() in variables else {}
        return _cleaned(column.map(lambda text: labels.get(key(text), text)))

    def _by_age(self) -> Grouping:
        stated = without_missing(self._prepared, self._config)
        found = age_groups(stated, self._age, self._parts)
        if found is None:
            raise ValueError(
                "needs a column of ages: age or age_years, age_months, age_days, or those of the "
                f"questionnaire{near('age', self._raw.columns)}"
            )
        codes, names, column = found
        return _grouping(AGE_GROUP, column, names, codes)

    def _by_year(self, by: str, dated: str) -> Grouping:
        names = self._there([dated] if dated else [YEAR]) or self._there(() if dated else _DIED)
        if not names:
            wanted = dated or "date_of_death"
            hint = "" if dated else "; year:COLUMN names another column of dates"
            raise ValueError(f"{self._absent(wanted)}{hint}")
        years = first_stated([self.column(name).map(_year) for name in names])
        if not years.values:
            raise ValueError(f"column {listed(names)} holds no year of four figures")
        return _of_texts(by, ", ".join(names), years)


def _cleaned(column: Column) -> Column:
    """Cells as names: one spelling each, words for missing taken out."""
    return merge_spellings(column.map(read_cause), "group")[0]


def _texts(column: Column) -> list[str]:
    values = [*column.values, ""]
    return [values[code] for code in column.codes.tolist()]


def _of_texts(by: str, name: str, column: Column) -> Grouping:
    names = tuple(sort_names(column.counts()))
    if len(names) > MOST_GROUPS:
        raise ValueError(
            f"must be a column of at most {MOST_GROUPS} groups; column {plain(name, 80)} holds "
            f"{counted(len(names), 'different answer')}"
        )
    places = {value: place for place, value in enumerate(names)}
    lookup = np.array([*(places.get(value, -1) for value in column.values), -1], dtype=np.int32)
    return _grouping(by, name, names, lookup[column.codes])


def _grouping(by: str, column: str, names: Sequence[str], codes: IntArray) -> Grouping:
    """Keep the groups that have a death; deaths of none are a group of their own."""
    placed = np.where(codes < 0, len(names), codes)
    there, places = np.unique(placed, return_inverse=True)
    kept = tuple([*names, NOT_KNOWN][place] for place in there)
    return Grouping(by, column, kept, places.astype(np.int32))


def _year(text: str) -> str | None:
    if found := _EIGHT_FIGURES.fullmatch(text):
        return found[1]
    if stated := _FOUR_FIGURES.search(text):
        return stated[0]
    number = as_number(text)
    if number is not None and _SERIAL[0] <= number <= _SERIAL[1]:
        return str((_FIRST_DAY + timedelta(days=int(number))).year)
    return None
