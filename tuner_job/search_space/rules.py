"""Conditions and forbidden combinations, as what the values chosen so far leave of them.

Parameters are chosen in one order. What matters for those to come is only which conditions hold so
far and which forbidden combinations are met so far: that set is the *state*. A value matters only
if a condition or combination names it; all others of a parameter are alike. So the configurations
after a state are counted as a sum over the named values plus the number of others times one of
them, each state once: the work does not grow with how many there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tuner_job.search_space.parameters import Choices, Range, Scalar, identity

State = frozenset[int]
BEGIN: State = frozenset()
Identity = tuple[type, Scalar]
_NONE: frozenset[int] = frozenset()
_OTHER: Identity = (object, None)
_MOST_STEPS = 50_000


class EntangledError(ValueError):
    """So many rules name so many parameters that what they leave cannot be counted."""


@dataclass
class _Node:
    """What rules say of one parameter; rules are numbered, combinations and conditions alike."""

    size: int | None
    """Number of values; None for a continuum."""
    condition: int | None = None
    """The rule under which it exists."""
    rules: frozenset[int] = _NONE
    """Those that name it or are its condition."""
    begins: frozenset[int] = _NONE
    """Those that name no parameter before it."""
    forbids: frozenset[int] = _NONE
    """Combinations that name no parameter after it."""
    values: dict[int, list[Identity]] = field(default_factory=dict)
    """Of a rule, the values by which it is met."""
    met: dict[Identity, frozenset[int]] = field(default_factory=dict)
    """Of a value, the rules that it meets."""
    positions: dict[Identity, int] = field(default_factory=dict)
    """Of a value that rules name, its index; in a continuum any."""

    def named(self, state: State) -> list[Identity]:
        """Values on which something depends, in their order; all others are alike."""
        values = self._begun | {
            value for rule in state & self.rules for value in self.values.get(rule, ())
        }
        return sorted(values, key=self.positions.__getitem__)

    @cached_property
    def _begun(self) -> set[Identity]:
        return {value for rule in self.begins for value in self.values.get(rule, ())}


class Rules:
    """The conditions and forbidden combinations of a space whose parameters are chosen in the
    order given."""

    def __init__(
        self, parameters: Mapping[str, Choices | Range], forbid: Sequence[Mapping[str, Scalar]]
    ):
        self._nodes = [
            _Node(None if p.members is None else len(p.members)) for p in parameters.values()
        ]
        self._numbers: dict[tuple[int, State], int] = {}
        self._steps = 0
        index = {name: i for i, name in enumerate(parameters)}
        combinations = [
            {k: [v] for k, v in rule.items()}
            for rule in forbid
            if rule and rule.keys() <= index.keys()
        ]
        conditions = {i: p.when for i, p in enumerate(parameters.values()) if p.when}
        for number, combination in enumerate(combinations):
            self._nodes[max(index[name] for name in combination)].forbids |= {number}
            self._add(number, combination, parameters)
        for number, (i, when) in enumerate(conditions.items(), len(combinations)):
            self._nodes[i].condition = number
            self._nodes[i].rules |= {number}
            self._add(
                number, {k: v if isinstance(v, list) else [v] for k, v in when.items()}, parameters
            )

    def _add(
        self,
        number: int,
        wanted: Mapping[str, Sequence[Scalar]],
        parameters: Mapping[str, Choices | Range],
    ) -> None:
        if not wanted.keys() <= parameters.keys():
            return  # never met
        index = {name: i for i, name in enumerate(parameters)}
        self._nodes[min(index[name] for name in wanted)].begins |= {number}
        for name, values in wanted.items():
            node = self._nodes[index[name]]
            node.rules |= {number}
            node.values[number] = [
                identity(value) for value in values if parameters[name].holds(value)
            ]
            for value in node.values[number]:
                node.met[value] = node.met.get(value, _NONE) | {number}
                node.positions[value] = (
                    0 if node.size is None else parameters[name].position(value[1])
                )

    def active(self, i: int, state: State) -> bool:
        """Whether the i-th parameter exists."""
        condition = self._nodes[i].condition
        return condition is None or condition in state

    def after(self, i: int, state: State, value: Identity | None) -> State | None:
        """State once the i-th parameter has a value (by identity), or None if it does not exist.

        Returns
        -------
        None if that completes a forbidden combination.
        """
        node = self._nodes[i]
        met = node.met.get(value, _NONE) if value else _NONE
        met = (met & state) | (met & node.begins)
        if met & node.forbids:
            return None
        return (state - node.rules) | met if state else met

    def excluded(self, i: int, state: State, ahead: bool) -> list[Scalar]:
        """Values of the i-th parameter that complete a forbidden combination; `ahead`: or cannot
        but lead to one."""
        found = []
        for value in self._nodes[i].named(state):
            after = self.after(i, state, value)
            if after is None or (ahead and not self.number(i + 1, after)):
                found.append(value[1])
        return found

    def number(self, i: int, state: State) -> int:
        """Count the valid configurations from the i-th parameter on; other values of a continuum
        count as one.

        Raises
        ------
        EntangledError
        """
        if i == len(self._nodes):
            return 1
        known = self._numbers.get((i, state))
        if known is None:
            parts = list(self._parts(i, state))
            self._steps += len(parts)
            if self._steps > _MOST_STEPS:
                raise EntangledError(
                    "`forbid` and `when` tie too many values to each other; use fewer of them"
                )
            known = sum(size * number for _, size, number, _ in parts)
            self._numbers[i, state] = known
        return known

    def _parts(self, i: int, state: State) -> Iterator[tuple[int, int, int, State]]:
        """Runs of alike values, in order: first index, length, configurations after each, state
        after each."""
        node = self._nodes[i]
        if not self.active(i, state):
            yield 0, 1, *self._follow(i, state, None)
            return
        others = self._follow(i, state, _OTHER)
        named = node.named(state)
        size = len(named) + 1 if node.size is None else node.size
        start = 0
        for n, value in enumerate(named):
            at = n if node.size is None else node.positions[value]
            if at > start:
                yield start, at - start, *others
            yield at, 1, *self._follow(i, state, value)
            start = at + 1
        if size > start:
            yield start, size - start, *others

    def _follow(self, i: int, state: State, value: Identity | None) -> tuple[int, State]:
        after = self.after(i, state, value)
        return (0, BEGIN) if after is None else (self.number(i + 1, after), after)

    def positions(self, index: int) -> list[int | None]:
        """Where in its values each parameter stands in the index-th valid configuration; None:
        it does not exist."""
        found: list[int | None] = []
        state = BEGIN
        for i in range(len(self._nodes)):
            start, index, number, after = self._part(i, state, index)
            found.append(start + index // number if self.active(i, state) else None)
            index, state = index % number, after
        return found

    def _part(self, i: int, state: State, index: int) -> tuple[int, int, int, State]:
        """Return the run of values that holds the index-th configuration: its first value, the
        index within it."""
        for start, length, number, after in self._parts(i, state):
            if index < length * number:
                return start, index, number, after
            index -= length * number
        raise IndexError("there are not so many configurations")
