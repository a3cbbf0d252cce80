"""Any table: every column is a symptom but the cause, the site and what the user drops."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from tuner_job.data.columns import Table, is_missing
from tuner_job.data.config import DataConfig
from tuner_job.data.formats import Symptoms


class PlainTable:
    """Numbers, yes/no and a few words, as they stand; see `columns.MISSING_WORDS` for what is
    missing.

    Nothing is guessed about codes such as 99: in a table of unknown origin they may be true values.
    """

    label_names: ClassVar[tuple[str, ...]] = ()
    site_name: ClassVar[str | None] = None
    derived: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    refuses_free_text: ClassVar[bool] = True

    def symptoms(self, table: Table, names: Sequence[str], config: DataConfig) -> Symptoms:
        """Make cells that say nothing missing."""
        return Symptoms(
            {
                name: table.columns[name].map(lambda text: None if is_missing(text) else text)
                for name in names
            }
        )
