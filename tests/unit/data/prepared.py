"""Tables as they are read from files, and what a format makes of them."""

from collections.abc import Sequence
from typing import Any

from tuner_job.data.columns import Table
from tuner_job.data.config import DataConfig
from tuner_job.data.instruments.formats import Hint, SourceFormat
from tuner_job.data.reading.read import read_table

SOURCE = "deaths.csv"


def table_of(text: str) -> Table:
    return read_table(text.encode(), SOURCE)


def prepare(source_format: SourceFormat, table: Table | str, **config: Any) -> Table:
    whole = table_of(table) if isinstance(table, str) else table
    return source_format.prepare(whole, config_of(**config))


def hints(source_format: SourceFormat, table: Table | str, **config: Any) -> dict[str, Hint]:
    """The hints to the prepared table."""
    prepared = prepare(source_format, table, **config)
    return dict(source_format.hints(prepared, config_of(**config)))


def config_of(**config: Any) -> DataConfig:
    return DataConfig(**{"source": SOURCE, "format": "phmrc", **config})


def cells(table: Table, name: str) -> list[str | None]:
    column = table.columns[name]
    return [column.values[code] if code >= 0 else None for code in column.codes]


def rows(table: Table, names: Sequence[str]) -> list[tuple[str | None, ...]]:
    return list(zip(*(cells(table, name) for name in names), strict=True))


def numbers(table: Table, name: str) -> list[float | None]:
    return [None if cell is None else float(cell) for cell in cells(table, name)]
