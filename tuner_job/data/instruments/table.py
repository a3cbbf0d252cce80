"""Any table: every column is a symptom but the cause, the site and what the user drops."""

from collections.abc import Mapping
from typing import ClassVar

from tuner_job.data.columns import Table
from tuner_job.data.config import DataConfig
from tuner_job.data.instruments.formats import Hint


class PlainTable:
    """A table of unknown origin: nothing is known of it but what its cells say."""

    label_names: ClassVar[tuple[str, ...]] = ()
    site_name: ClassVar[str | None] = None
    derived: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def prepare(self, table: Table, config: DataConfig) -> Table:
        """Leave the table as it is."""
        return table

    def hints(self, table: Table, config: DataConfig) -> Mapping[str, Hint]:
        """Know nothing."""
        return {}
