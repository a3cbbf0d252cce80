"""The `data` section of an experiment file."""

from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from tuner_job.data.words import key
from tuner_job.public import public
from tuner_job.schema import Closed, OrPath
from tuner_job.wording import plain

MAX_SYNTHETIC_CAUSES = 40
"""Length of the list of cause names that the generator knows."""


DataAddress = Annotated[str, PlainSerializer(public, return_type=str)]
"""Taken whole; stored without user info, query and fragment, which may hold a password or a
signature. It is checked where it is read, so that a model can be loaded wherever its training data
once stood."""


def _as_text(value: Any) -> Any:
    """Cells are text: 99, 99.0 and true are compared with what a file writes for them."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else value


Cell = Annotated[
    str,
    Field(max_length=200),
    BeforeValidator(
        _as_text, json_schema_input_type=Annotated[str, Field(max_length=200)] | float | bool
    ),
]
"""What stands in a cell; case does not matter, and 99 is 99.0."""


StatedKind = Literal["yes_no", "number", "choice", "drop"]
_MEANINGS = ("missing", "yes", "no")


class ColumnConfig(Closed):
    """How a column is read, where that is not as it was found."""

    kind: StatedKind | None = None
    """How its cells are read: yes and no; a number; one answer of several, each a feature of its
    own; drop: it is no feature."""
    missing: list[Cell] = []
    """Cells that mean missing, beside those of data.missing and the usual words."""
    yes: list[Cell] = []
    """Cells that mean yes; the column is then one of yes and no."""
    no: list[Cell] = []
    """Cells that mean no; the column is then one of yes and no. '' is an empty cell: where blank
    means no."""

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        if (self.yes or self.no) and self.kind not in (None, "yes_no"):
            raise ValueError(f"yes and no need kind: yes_no; got kind: {self.kind}")
        meanings = [key(text) for text in (*self.missing, *self.yes, *self.no)]
        twice = [text for text in dict.fromkeys(meanings) if meanings.count(text) > 1]
        if twice:
            raise ValueError(f"a cell must mean one thing; {plain(twice[0], 40)} is given twice")
        return self


def named(name: str, pattern: str) -> bool:
    """Whether a column's name is this, or one of those that a pattern such as ``s*`` stands for."""
    return name == pattern or fnmatchcase(name, pattern)


class SyntheticConfig(Closed):
    """Size and difficulty of generated verbal autopsies (`format: synthetic`)."""

    n_samples: Annotated[int, Field(ge=20, le=1_000_000)] = 1500
    """Number of deaths."""
    n_causes: Annotated[int, Field(ge=2, le=MAX_SYNTHETIC_CAUSES)] = 14
    """Length of the cause list; every cause has at least two deaths."""
    n_symptoms: Annotated[int, Field(ge=1, le=5000)] = 80
    """Yes/no symptoms; age, sex and days of illness come on top."""
    n_sites: Annotated[int, Field(ge=1, le=100)] = 4
    """Sites, which differ in how often causes occur and in what they look like."""
    missing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Share of answers that are missing."""
    seed: Annotated[int, Field(ge=0)] = 0
    """The same seed gives the same deaths, to the last bit."""

    @model_validator(mode="after")
    def _enough_samples(self) -> Self:
        needed = 2 * max(self.n_causes, self.n_sites)
        if self.n_samples < needed:
            raise ValueError(
                f"n_samples must be at least twice n_causes and n_sites, here {needed}; got "
                f"{self.n_samples}"
            )
        return self


class DataConfig(Closed):
    """Where the coded verbal autopsies are and how to read them."""

    source: Annotated[DataAddress | None, Field(repr=False)] = None
    """The file: CSV, Excel (.xlsx), Parquet, Stata, SPSS, SAS or R. A path, or an s3://, gs://,
    az://, file://, https:// or http:// URL; none for synthetic data. A web address may have
    user:password@ and a query (a presigned URL): they are used, and never shown or stored."""
    format: Literal["table", "phmrc", "who", "openva", "synthetic"] = "table"
    """How the source is coded: any table, raw PHMRC, the WHO questionnaires of 2016 and 2022,
    openVA's three-valued symptoms, or generated."""
    label: str | None = None
    """The column with the cause of death. Without it `phmrc` takes gs_text34, `openva` cause or
    cod, `who` these or another usual name."""
    causes: Annotated[dict[Cell, Annotated[str, Field(min_length=1, max_length=200)]], OrPath] = {}
    """Causes to rename or merge: what the label column holds, and the cause that it is to be. In an
    experiment file also the path of a YAML file of this, or of a CSV file with the columns from and
    to."""
    site: str | None = None
    """The column with the site. Without it `phmrc` takes site; else all rows are one site."""
    sites: Annotated[list[str], Field(min_length=1)] | None = None
    """Keep only the rows of these sites; none keeps all."""
    id: str | None = None
    """The column that tells one death from another; never a feature."""
    drop: list[str] = []
    """Columns that must not become features: dates, anything that tells the cause. `s*` stands for
    all names that begin with s."""
    missing: list[Cell] = []
    """Codes that mean missing in every column but the label, the site and the identifier: 88, 99,
    dk. Empty cells and the usual words need not be named."""
    columns: dict[str, ColumnConfig] = {}
    """How columns are read, by name; `s*` stands for all names that begin with s. Where several
    patterns fit, a later one overrides an earlier one, and a whole name overrides patterns."""
    hce: bool = True
    """`phmrc` only: keep what comes from contact with health care (words, past diagnoses,
    weights)."""
    synthetic: SyntheticConfig = SyntheticConfig()
    """`format: synthetic` only: what to generate."""

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        problems = (
            self._file_problems() if self.format != "synthetic" else self._synthetic_problems()
        )
        # Only a value that differs from its default contradicts: a written-out default must load
        # again.
        if not self.hce and self.format != "phmrc":
            problems.append(f"hce: false needs format: phmrc; got format: {self.format}")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _file_problems(self) -> list[str]:
        problems = []
        if not self.source:
            problems.append(f"source must name a file for format: {self.format}; got none")
        if self.format == "table" and not self.label:
            problems.append(
                "label must name the column with the cause of death for format: table; got none"
            )
        if self.sites and not self.site and self.format != "phmrc":
            problems.append("sites needs site, the column that they are looked up in; got none")
        if self.synthetic != SyntheticConfig():
            problems.append(f"synthetic needs format: synthetic; got format: {self.format}")
        roles = {role: getattr(self, role) for role in ("label", "site", "id")}
        given = {role: name for role, name in roles.items() if name}
        for role, name in given.items():
            for key_name in ("drop", "columns"):
                if name in getattr(self, key_name):
                    problems.append(
                        f"{key_name} must not name the {role} column; got {plain(name)}"
                    )
            first = next(other for other, found in given.items() if found == name)
            if first != role:
                problems.append(
                    f"{first} and {role} must be two columns; got {plain(name)} for both"
                )
        return problems

    def _synthetic_problems(self) -> list[str]:
        keys = ("source", "label", "causes", "site", "sites", "id", "drop", "missing", "columns")
        given = [name for name in keys if getattr(self, name)]
        return (
            [f"{', '.join(given)}: cannot be given with format: synthetic, which reads no file"]
            if given
            else []
        )


def column_config(name: str, config: DataConfig) -> ColumnConfig:
    """Join what `data.columns` says of a column: patterns in their order, then its own entry.

    What comes later holds: a cell has its last meaning, and yes and no end with another kind.
    """
    own = config.columns.get(name)
    patterns = [one for key, one in config.columns.items() if key != name and named(name, key)]
    kind: StatedKind | None = None
    meanings: dict[str, tuple[str, str]] = {}
    for one in [*patterns, *([own] if own else [])]:
        if one.kind or one.yes or one.no:
            kind = one.kind
        if kind not in (None, "yes_no"):
            meanings = {at: found for at, found in meanings.items() if found[0] == "missing"}
        for means in _MEANINGS:
            meanings |= {key(text): (means, text) for text in getattr(one, means)}
    cells = {means: [t for m, t in meanings.values() if m == means] for means in _MEANINGS}
    return ColumnConfig.model_validate({"kind": kind, **cells})
