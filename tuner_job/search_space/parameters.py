"""The values of one parameter, as they stand in an experiment file: a list or a range."""

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from tuner_job.schema import Closed
from tuner_job.search_space.numbers import Steps, Without
from tuner_job.wording import listed, shown

LARGEST = 2**53
"""Whole numbers lie between this and its negative: beyond it the samplers, which count in floating
point, would skip some."""


class DeadEndError(Exception):
    """After the values chosen so far, a parameter has none left."""


def _single(value: object) -> object:
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ValueError(f"must be a single value, got {shown(value)}")
    return value


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"must be a number, got {str(value).lower()}")
    return value


Scalar = bool | int | float | str | None
Configuration = dict[str, Scalar]
Single = Annotated[Scalar, BeforeValidator(_single)]
Number = Annotated[int | float, BeforeValidator(_no_truth)]
Conditions = dict[str, Single | list[Single]]


def identity(value: Scalar) -> tuple[type, Scalar]:
    """Return what tells values apart: to Python 1, 1.0 and True are one, to a model they are
    not."""
    return type(value), value


def configuration_key(configuration: Mapping[str, Scalar]) -> tuple[object, ...]:
    """Return what tells configurations apart, whatever the order of their parameters."""
    return tuple((name, identity(value)) for name, value in sorted(configuration.items()))


class Choices(Closed):
    """A list of values."""

    choices: Annotated[list[Single], Field(min_length=1)]
    """The values; numbers are taken as ordered."""
    when: Conditions | None = None
    """The parameter exists only where these other parameters have (one of) these values."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen: set[tuple[bool, Scalar]] = set()
        for value in self.choices:
            key = (isinstance(value, bool), value)
            if key in seen:
                raise ValueError(f"choices must be distinct, got {shown(value)} twice")
            seen.add(key)
        return self

    @property
    def values(self) -> list[Scalar]:
        """Every value, in order."""
        return self.choices

    @property
    def members(self) -> list[Scalar]:
        """Every value, in order."""
        return self.choices

    def holds(self, value: Scalar) -> bool:
        """Whether it is one of the values."""
        return identity(value) in self._positions

    def position(self, value: Scalar) -> int:
        """Index of one of the values among `members`."""
        return self._positions[identity(value)]

    def without(self, values: Collection[Scalar]) -> "Choices":
        """Leave some values out.

        Raises
        ------
        DeadEndError
            None is left.
        """
        out = {identity(value) for value in values}
        left = [value for value in self.choices if identity(value) not in out]
        if not left:
            raise DeadEndError
        return Choices(choices=left)

    @cached_property
    def _positions(self) -> dict[tuple[type, Scalar], int]:
        return {identity(value): i for i, value in enumerate(self.choices)}

    def __str__(self) -> str:
        """Write it as messages do."""
        return f"[{listed(self.choices)}]"


class Range(Closed):
    """All numbers between two bounds, both included."""

    low: Number
    high: Number
    step: Annotated[Number, Field(gt=0)] | None = None
    """Distance between values; none: every number (every integer for an integer parameter)."""
    log: bool = False
    """Search on a logarithmic scale."""
    when: Conditions | None = None
    """The parameter exists only where these other parameters have (one of) these values."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        numbers = [self.low, self.high] if self.step is None else [self.low, self.high, self.step]
        if any(isinstance(number, int) and abs(number) > LARGEST for number in numbers):
            raise ValueError(
                f"whole numbers must lie within ±{LARGEST:,}, got {shown(max(numbers, key=abs))}"
            )
        if not (math.isfinite(self.high - self.low) and self.low < self.high):
            raise ValueError(
                f"low must be below high and both finite, got low={self.low}, high={self.high}"
            )
        if self.log and self.low <= 0:
            raise ValueError(f"low must be above 0 on a logarithmic scale, got {self.low}")
        if self.log and self.step is not None:
            raise ValueError("step and log exclude each other")
        if self.step is not None and self.step < math.ulp(max(-self.low, self.high)):
            raise ValueError(
                f"step must tell numbers near {max(-self.low, self.high)} apart, got {self.step}"
            )
        return self

    @property
    def integer(self) -> bool:
        """Whether it holds integers only."""
        return all(isinstance(bound, int) for bound in (self.low, self.high, self.step or 1))

    @cached_property
    def members(self) -> Sequence[Any] | None:
        """Every value, in order; None where they are a continuum."""
        if self.integer:
            return range(int(self.low), int(self.high) + 1, int(self.step or 1))
        return None if self.step is None else Steps(self.low, self.high, self.step)

    @property
    def values(self) -> Sequence[Any] | None:
        """Every value, in order; None where a grid cannot list them: a continuum, a logarithmic
        scale."""
        return None if self.log else self.members

    @property
    def last(self) -> int | float:
        """The largest value."""
        largest: int | float = self.high if self.members is None else self.members[-1]
        return largest

    def holds(self, value: Scalar) -> bool:
        """Whether it is one of the values."""
        if isinstance(value, bool) or not isinstance(value, int if self.integer else int | float):
            return False
        if not self.low <= value <= self.high:
            return False
        return self.members is None or self.members[self.position(value)] == value

    def position(self, value: Any) -> int:
        """Index, among `members`, of the value that is nearest to a number."""
        if isinstance(self.members, Steps):
            return self.members.nearest(value)
        low, step = int(self.low), int(self.step or 1)
        at: int = (round(value) - low + step // 2) // step
        return min(max(at, 0), (int(self.high) - low) // step)

    def nearest(self, value: float) -> int | float:
        """Value that is nearest to a number."""
        if self.members is None:
            return float(min(max(value, self.low), self.high))
        found: int | float = self.members[self.position(value)]
        return found

    def without(self, values: Collection[Scalar]) -> "Gapped":
        """Leave some values out.

        Raises
        ------
        DeadEndError
            None is left.
        """
        if self.members is not None and len(values) >= len(self.members):
            raise DeadEndError
        own = {name: getattr(self, name) for name in Range.model_fields}
        return Gapped.model_construct(**own, gaps=frozenset(values))

    def __str__(self) -> str:
        """Write it as messages do."""
        step = f" in steps of {self.step}" if self.step else ""
        return f"{self.low} to {self.high}{step}"


class Gapped(Range):
    """A range some of whose values are forbidden beside what was chosen before."""

    gaps: frozenset[Scalar]

    @cached_property
    def members(self) -> Sequence[Any] | None:
        """Every value, in order; None where they are a continuum."""
        whole = self._whole.members
        return None if whole is None else Without(whole, map(self._whole.position, self.gaps))

    @cached_property
    def _whole(self) -> Range:
        return Range.model_construct(**{name: getattr(self, name) for name in Range.model_fields})

    def holds(self, value: Scalar) -> bool:
        """Whether it is one of the values."""
        return value not in self.gaps and self._whole.holds(value)

    def nearest(self, value: float) -> int | float:
        """Value that is nearest to a number, as good as."""
        found = self._whole.nearest(value)
        if found not in self.gaps:
            return found
        if self.members is None:
            return self._beside(found)
        whole, at = self._whole.members, self._whole.position(found)
        assert whole is not None
        beside = (at + side * distance for distance in itertools.count(1) for side in (-1, 1))
        values: Iterator[int | float] = (whole[i] for i in beside if 0 <= i < len(whole))
        return next(value for value in values if value not in self.gaps)

    def _beside(self, value: float) -> float:
        for end in (self.high, self.low):
            moved = value
            while moved in self.gaps and moved != end:
                moved = math.nextafter(moved, end)
            if moved not in self.gaps:
                return moved
        raise DeadEndError


def _shorthand(value: object) -> object:
    """Let a bare list or a single value stand for its choices."""
    if isinstance(value, list):
        return {"choices": value}
    return value if isinstance(value, Mapping | BaseModel) else {"choices": [value]}


def _union_by_key(value: Any) -> Any:
    """Choose by key, so that an error speaks of the one that was meant."""
    if isinstance(value, Choices | Range):
        return value
    return (Choices if "choices" in value else Range).model_validate(value)


_AsWritten = Choices | Range | Annotated[list[Single], Field(min_length=1)] | Scalar
Parameter = Annotated[
    Choices | Range,
    BeforeValidator(_union_by_key),
    BeforeValidator(_shorthand, json_schema_input_type=_AsWritten),
]
