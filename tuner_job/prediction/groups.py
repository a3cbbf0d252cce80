"""The CSMF of all deaths and of each group of them, with intervals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner_job.data.labels import Grouping
from tuner_job.prediction.tuned_model import TunedModel
from tuner_job.types import Floats, Probabilities

FEW_DEATHS = 50
"""A group of fewer is marked: its fractions say little."""
ALL = "all"
"""Stands for the group, and what it is by, of all deaths."""


@dataclass(frozen=True, eq=False)
class GroupCsmf:
    """Cause fractions of some deaths.

    Attributes
    ----------
    by, group
        What they have in common: ``sex`` and ``female``, for example.
    n
        How many they are.
    fractions, low, high
        (n_causes,) each, with 95 % intervals.
    """

    by: str
    group: str
    n: int
    fractions: Floats
    low: Floats
    high: Floats

    @property
    def few(self) -> bool:
        """Whether they are so few that their fractions say little."""
        return self.n < FEW_DEATHS


@dataclass(frozen=True)
class Gap:
    """The largest difference of a cause between all deaths and the sum of their groups.

    Attributes
    ----------
    cause
        Its number.
    whole, summed
        Its fraction in all deaths, and the mean of its groups' fractions, weighted by deaths.
    """

    cause: int
    whole: float
    summed: float

    @property
    def size(self) -> float:
        """By how much they differ."""
        return abs(self.summed - self.whole)


@dataclass(frozen=True, eq=False)
class CsmfByGroup:
    """Cause fractions of all deaths and of their groups.

    Attributes
    ----------
    whole
        Of all deaths.
    groups
        What they are by → its groups in their order; their deaths are all deaths.
    """

    whole: GroupCsmf
    groups: Mapping[str, Sequence[GroupCsmf]]

    def gap(self, by: str) -> Gap:
        """By how much the groups do not add up: each group's fractions are estimated from its own
        deaths."""
        groups = self.groups[by]
        n = np.array([one.n for one in groups], dtype=float)
        summed = n @ np.stack([one.fractions for one in groups]) / n.sum()
        cause = int(np.abs(summed - self.whole.fractions).argmax())
        return Gap(cause, float(self.whole.fractions[cause]), float(summed[cause]))

    def __iter__(self) -> Iterator[GroupCsmf]:
        """Every group, all deaths first."""
        yield self.whole
        for groups in self.groups.values():
            yield from groups


def csmf_by_group(
    tuned: TunedModel, P: Probabilities, groupings: Sequence[Grouping]
) -> CsmfByGroup:
    """Estimate cause fractions of all deaths and of each group by the model's own estimator.

    Parameters
    ----------
    P : (n_rows, n_causes)
        The model's own probabilities.
    """
    return CsmfByGroup(
        GroupCsmf(ALL, ALL, len(P), *tuned.csmf_interval(P)),
        {
            grouping.by: [
                _of_group(tuned, P[grouping.codes == number], grouping.by, name)
                for number, name in enumerate(grouping.names)
            ]
            for grouping in groupings
        },
    )


def _of_group(tuned: TunedModel, P: Probabilities, by: str, name: str) -> GroupCsmf:
    return GroupCsmf(by, name, len(P), *tuned.csmf_interval(P))
