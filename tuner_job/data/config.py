"""The `data` section of an experiment file."""

from typing import Literal

from tuner_job.schema import Closed


class DataConfig(Closed):
    """Where the coded verbal autopsies are and how to read them."""

    source: str | None = None
    """File path or URL (anything that the results store reads); none for `format: synthetic`."""
    format: Literal["table", "phmrc", "openva", "synthetic"] = "table"
    """How the source is coded."""
    label: str | None = None
    """The column with the cause of death; a default is known for `phmrc`."""
    site: str | None = None
    """The column with the site; none: all rows are one site."""
    drop: list[str] = []
    """Columns that must not become features: identifiers, dates, anything that leaks the cause."""
