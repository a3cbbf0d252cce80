"""What stands in the tables of the page of new deaths."""

from collections.abc import Sequence
from dataclasses import dataclass

from tuner_job.prediction.groups import Gap


@dataclass(frozen=True)
class CauseRow:
    """A cause with its share, its 95 % interval and its share in training, all from 0 to 1."""

    name: str
    fraction: float
    low: float
    high: float
    training: float


@dataclass(frozen=True)
class Tile:
    """A count with its share of all deaths."""

    label: str
    n: int
    share: float


@dataclass(frozen=True)
class Scale:
    """An axis of shares from 0 to `end`, with its lines and those that are labelled."""

    end: float
    ticks: Sequence[float]
    labels: Sequence[float]


@dataclass(frozen=True)
class GroupColumn:
    """One group of a table, its causes in the order of the page."""

    name: str
    n: int
    few: bool
    causes: Sequence[CauseRow]


@dataclass(frozen=True)
class ByGroup:
    """The groups of one column.

    Attributes
    ----------
    label
        What they are by, in words.
    n_groups
        How many there are.
    parts
        Those that are shown, as many as stand side by side.
    n_hidden
        Groups of so few deaths that their name may tell who died.
    """

    label: str
    n_groups: int
    parts: Sequence[Sequence[GroupColumn]]
    n_hidden: int
    scale: Scale
    gap: Gap
    gap_cause: str

    @property
    def few(self) -> bool:
        """Whether a group that is shown has few deaths."""
        return any(group.few for part in self.parts for group in part)
