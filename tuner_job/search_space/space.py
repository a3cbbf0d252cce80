"""A checked search space: counted by formula, drawn value by value or by index."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from tuner_job.search_space.parameters import (
    Choices,
    Configuration,
    DeadEndError,
    Range,
    Scalar,
    identity,
)
from tuner_job.search_space.rules import BEGIN, Rules, State

DEAD_ENDS = 20
"""So many walks may end where `forbid` leaves no value; the next one looks ahead."""


class SearchSpace:
    """A checked search space, its parameters in an order in which each follows what it depends
    on."""

    def __init__(
        self, parameters: dict[str, Choices | Range], forbid: Sequence[Mapping[str, Scalar]]
    ):
        self.parameters = parameters
        self.forbid = [dict(rule) for rule in forbid]
        self._rules = Rules(parameters, self.forbid)
        self._ordered = list(parameters.items())

    def walk(
        self, choose: Callable[[str, Choices | Range], Scalar], ahead: bool = False
    ) -> Configuration:
        """Build one configuration: `choose` is called for each parameter that exists so far.

        What it is given has lost the values that a `forbid` rule excludes after the earlier
        choices; with `ahead` also those after which no configuration is left.

        Raises
        ------
        DeadEndError
            No value is left, or what was chosen is forbidden.
        """
        chosen: Configuration = {}
        state = BEGIN
        for i, (name, parameter) in enumerate(self._ordered):
            value = None
            if self._rules.active(i, state):
                excluded = self._rules.excluded(i, state, ahead)
                chosen[name] = choose(name, parameter.without(excluded) if excluded else parameter)
                value = identity(chosen[name])
            after = self._rules.after(i, state, value)
            if after is None:
                raise DeadEndError(name)
            state = after
        return chosen

    def sample(self, rng: np.random.Generator) -> Configuration:
        """One random configuration: every choice is equally likely, ranges uniform on their
        scale."""
        for attempt in itertools.count():
            try:
                return self.walk(
                    lambda _, parameter: _draw(parameter, rng), ahead=attempt >= DEAD_ENDS
                )
            except DeadEndError:
                if attempt > DEAD_ENDS:
                    raise
        raise AssertionError

    def holds(self, configuration: Mapping[str, Scalar]) -> bool:
        """Whether a configuration is one of the space: its values, its conditions, nothing
        forbidden."""

        def own(name: str, parameter: Choices | Range) -> Scalar:
            if name not in configuration or not parameter.holds(configuration[name]):
                raise DeadEndError(name)
            return configuration[name]

        try:
            return self.walk(own).keys() == configuration.keys()
        except DeadEndError:
            return False

    @property
    def empty(self) -> bool:
        """Whether `forbid` excludes everything."""
        return not self._rules.number(0, BEGIN)

    def count(self) -> int | None:
        """Return how many valid configurations there are; None if a parameter is a continuum."""
        endless = any(parameter.members is None for parameter in self.parameters.values())
        return None if endless else self._rules.number(0, BEGIN)

    def configuration(self, index: int) -> Configuration:
        """Return one of the `count` valid configurations; those of a grid in the order of
        `configurations`."""
        positions = self._rules.positions(index)
        return {
            name: (parameter.members or ())[at]
            for (name, parameter), at in zip(self._ordered, positions, strict=True)
            if at is not None
        }

    def indices(self, rng: np.random.Generator) -> Iterator[int]:
        """Every index below `count` once, in random order; what it takes grows with what is
        taken."""
        moved: dict[
            int, int
        ] = {}  # Fisher and Yates's shuffle, of which only what has moved is kept
        for last in itertools.count((self.count() or 0) - 1, -1):
            if last < 0:
                return
            at = _below(last + 1, rng)
            yield moved.get(at, at)
            moved[at] = moved.pop(last, last)

    def configurations(self) -> Iterator[Configuration]:
        """Every valid configuration, once.

        Raises
        ------
        ValueError
            A parameter has values that cannot be listed.
        """
        endless = [name for name, parameter in self.parameters.items() if parameter.values is None]
        if endless:
            names = ", ".join(endless)
            raise ValueError(f"a grid needs lists or ranges with a step, but {names} has neither")
        return self._extend({}, 0, BEGIN)

    def _extend(self, chosen: Configuration, i: int, state: State) -> Iterator[Configuration]:
        if i == len(self._ordered):
            yield chosen
            return
        name, parameter = self._ordered[i]
        if not self._rules.active(i, state):
            after = self._rules.after(i, state, None)
            assert after is not None
            yield from self._extend(chosen, i + 1, after)
            return
        for value in parameter.values or ():
            after = self._rules.after(i, state, identity(value))
            if after is not None and self._rules.number(i + 1, after):
                yield from self._extend({**chosen, name: value}, i + 1, after)


def _below(n: int, rng: np.random.Generator) -> int:
    """Draw an integer below n, however large that is."""
    if n <= 2**63:
        return int(rng.integers(n))
    n_bytes = (
        n.bit_length() + 7
    ) // 8 + 8  # 64 bits more than needed: the remainder favours nothing that shows
    return int.from_bytes(rng.bytes(n_bytes)) % n


def _draw(parameter: Choices | Range, rng: np.random.Generator) -> Scalar:
    if parameter.values is not None:
        values: Sequence[Scalar] = parameter.values
        return values[int(rng.integers(len(values)))]
    assert isinstance(parameter, Range)
    if not parameter.log:
        return parameter.nearest(rng.uniform(parameter.low, parameter.high))
    # the half on each side gives the outermost integers their share
    half = 0.5 if parameter.integer else 0.0
    low, high = math.log(parameter.low - half), math.log(parameter.high + half)
    value = math.exp(rng.uniform(low, high))
    return parameter.nearest(round(value) if parameter.integer else value)
