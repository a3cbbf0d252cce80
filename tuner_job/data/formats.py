"""What a way of coding verbal autopsies must say about itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from tuner_job.data.columns import Column, Table
from tuner_job.data.config import DataConfig


@dataclass(frozen=True)
class Symptoms:
    """Cleaned columns, before features are made of them.

    Attributes
    ----------
    columns
        Missing answers are missing, whatever the file writes for them.
    notes
        What was found and handled, one sentence each.
    """

    columns: Mapping[str, Column]
    notes: tuple[str, ...] = field(default=())


class SourceFormat(Protocol):
    """One way of coding verbal autopsies."""

    label_names: ClassVar[tuple[str, ...]]
    """Label columns, tried in this order where `data.label` is not given; case does not matter."""
    site_name: ClassVar[str | None]
    """The site column where `data.site` is not given and the file has it."""
    derived: ClassVar[Mapping[str, tuple[str, ...]]]
    """Columns that are computed, each with the file's columns that it is computed from."""
    refuses_free_text: ClassVar[bool]
    """Whether free text is an error; otherwise it is left out with a note."""

    def symptoms(self, table: Table, names: Sequence[str], config: DataConfig) -> Symptoms:
        """Clean those of the columns `names` of `table` that may be features.

        Raises
        ------
        DataError
            If the file is not coded as the format says.
        """
