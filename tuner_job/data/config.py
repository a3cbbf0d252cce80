"""The `data` section of an experiment file."""

from typing import Annotated, Literal, Self

from pydantic import Field, PlainSerializer, model_validator

from tuner_job.public import public
from tuner_job.schema import Closed
from tuner_job.wording import plain

MAX_SYNTHETIC_CAUSES = 40
"""Length of the list of cause names that the generator knows."""


DataAddress = Annotated[str, PlainSerializer(public, return_type=str)]
"""Taken whole; stored without user info, query and fragment, which may hold a password or a
signature. It is checked where it is read, so that a model can be loaded wherever its training data
once stood."""


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
    """CSV or Parquet: a path, or an s3://, gs://, az://, file://, https:// or http:// URL; none for
    synthetic data. A web address may have user:password@ and a query (a presigned URL): they are
    used, and never shown or stored."""
    format: Literal["table", "phmrc", "openva", "synthetic"] = "table"
    """How the source is coded: any table, raw PHMRC, openVA's three-valued symptoms, or
    generated."""
    label: str | None = None
    """The column with the cause of death. Without it `phmrc` takes gs_text34, `openva` cause or
    cod."""
    site: str | None = None
    """The column with the site. Without it `phmrc` takes site; else all rows are one site."""
    sites: Annotated[list[str], Field(min_length=1)] | None = None
    """Keep only the rows of these sites; none keeps all."""
    drop: list[str] = []
    """Columns that must not become features: identifiers, dates, anything that leaks the cause."""
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
        for role in ("label", "site"):
            if getattr(self, role) in self.drop:
                problems.append(
                    f"drop must not name the {role} column; got {plain(getattr(self, role))}"
                )
        if self.label and self.label == self.site:
            problems.append(f"label and site must be two columns; got {plain(self.label)} for both")
        return problems

    def _synthetic_problems(self) -> list[str]:
        given = [key for key in ("source", "label", "site", "sites", "drop") if getattr(self, key)]
        return (
            [f"{', '.join(given)}: cannot be given with format: synthetic, which reads no file"]
            if given
            else []
        )
