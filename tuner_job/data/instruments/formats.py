"""What a way of coding verbal autopsies must say about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

from tuner_job.data.columns import Table
from tuner_job.data.config import DataConfig
from tuner_job.records import Kind


@dataclass(frozen=True)
class Hint:
    """What a format knows of a column; what it does not state is inferred from the cells.

    Spellings are compared by `words.key`: case, accents' coding, spaces and `1.0` for `1` do not
    matter.

    Attributes
    ----------
    kind
        How its cells are read.
    left_out
        Why it is no feature, as it follows "left out: ", for example ``a date``; ``None`` where it
        is one.
    missing, yes, no
        Cells that mean so, beside the words that mean so everywhere.
    blank
        What an empty cell means.
    labels
        Codes of a choice or a number, each with the answer that it stands for.
    unit
        Of a number, for example ``days``.
    """

    kind: Kind | None = None
    left_out: str | None = None
    missing: frozenset[str] = frozenset()
    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()
    blank: Literal["missing", "no"] = "missing"
    labels: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""


class SourceFormat(Protocol):
    """One way of coding verbal autopsies."""

    label_names: ClassVar[tuple[str, ...]]
    """Label columns, tried in this order where `data.label` is not given; case does not matter."""
    site_name: ClassVar[str | None]
    """The site column where `data.site` is not given and the file has it."""
    derived: ClassVar[Mapping[str, tuple[str, ...]]]
    """Columns that are computed, each with the file's columns that it is computed from."""

    def prepare(self, table: Table, config: DataConfig) -> Table:
        """Give columns the names of the format, compute columns, mend cells that are known to be
        wrong; training files and new ones go through it alike.

        A row of the result depends on that row alone. What was found goes to `Table.notes`.

        Raises
        ------
        DataError
            If the file is not coded as the format says.
        """

    def hints(self, table: Table, config: DataConfig) -> Mapping[str, Hint]:
        """Say what is known of columns of the prepared training file; columns that are not
        named are inferred."""
