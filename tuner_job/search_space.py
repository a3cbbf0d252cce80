"""Search spaces: which values a parameter may take, and which combinations are valid."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from tuner_job.schema import Closed

Scalar = bool | int | float | str | None
Configuration = dict[str, Scalar]

_CHECKED_CONFIGURATIONS = 20_000  # of a larger space only so many combinations are tried while validating


class Choices(Closed):
    """A list of values."""

    choices: Annotated[list[Scalar], Field(min_length=1)]
    """The values; numbers are taken as ordered."""
    when: dict[str, Scalar | list[Scalar]] | None = None
    """The parameter exists only where these other parameters have (one of) these values."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen = [(type(value) is bool, value) for value in self.choices]
        if any(entry in seen[:i] for i, entry in enumerate(seen)):
            raise ValueError(f"choices must be distinct, got {self.choices}")
        return self

    @property
    def values(self) -> list[Scalar]:
        """Every value, in order."""
        return self.choices


class Range(Closed):
    """All numbers between two bounds, both included."""

    low: int | float
    high: int | float
    step: Annotated[int | float, Field(gt=0)] | None = None
    """Distance between values; none: every number (every integer for an integer parameter)."""
    log: bool = False
    """Search on a logarithmic scale."""
    when: dict[str, Scalar | list[Scalar]] | None = None
    """The parameter exists only where these other parameters have (one of) these values."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low must be below high and both finite, got low={self.low}, high={self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low must be above 0 on a logarithmic scale, got {self.low}")
        if self.log and self.step is not None:
            raise ValueError("step and log exclude each other")
        return self

    @property
    def integer(self) -> bool:
        """Whether it holds integers only."""
        return all(isinstance(bound, int) for bound in (self.low, self.high, self.step or 1))

    @property
    def values(self) -> list[Scalar] | None:
        """Every value, in order; None where they cannot be listed."""
        step = self.step or (1 if self.integer and not self.log else None)
        if step is None:
            return None
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        return [self.low + i * step for i in range(count)]


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


Parameter = Annotated[Choices | Range, BeforeValidator(_union_by_key), BeforeValidator(_shorthand)]


class ModelSearchSpace(BaseModel):
    """The search space of one model, as it stands in an experiment file: parameter name → values.

    A list holds choices; ``{low, high, step | log}`` is a range; ``{choices: …, when: {other: value}}``
    exists only where another parameter has that value.
    """

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)
    __pydantic_extra__: dict[str, Parameter]

    forbid: list[dict[str, Scalar]] = []
    """Combinations of values that are not to be tried."""

    @property
    def parameters(self) -> dict[str, Choices | Range]:
        """Every parameter, in the order of the file."""
        return dict(self.__pydantic_extra__ or {})

    def bind(self, schema: type[BaseModel]) -> "SearchSpace":
        """Check the space against the model's parameters and put every value in its proper type.

        Raises
        ------
        ValueError
            With one line a problem.
        """
        return _bind(self, schema)


class SearchSpace:
    """A checked search space, its parameters in an order in which each follows what it depends on."""

    def __init__(self, parameters: dict[str, Choices | Range], forbid: Sequence[Mapping[str, Scalar]]):
        self.parameters = parameters
        self.forbid = [dict(rule) for rule in forbid]

    def walk(self, choose: Callable[[str, Choices | Range], Scalar]) -> Configuration:
        """Build one configuration: `choose` is called for each parameter that exists so far.

        What it is given has lost the choices that a `forbid` rule excludes after the earlier choices.

        Raises
        ------
        DeadEndError
            No choice is left.
        """
        chosen: Configuration = {}
        for name, parameter in self.parameters.items():
            if _active(parameter, chosen):
                chosen[name] = choose(name, self._allowed(name, parameter, chosen))
        return chosen

    def sample(self, rng: np.random.Generator) -> Configuration:
        """One random configuration: every choice is equally likely, ranges uniform on their scale."""
        while True:
            try:
                return self.walk(lambda _, parameter: _draw(parameter, rng))
            except DeadEndError:
                continue

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
        return self._extend({}, list(self.parameters))

    def count(self) -> int | None:
        """Return how many valid configurations there are; None if they cannot be listed."""
        try:
            return sum(1 for _ in self.configurations())
        except ValueError:
            return None

    def _extend(self, chosen: Configuration, names: list[str]) -> Iterator[Configuration]:
        if not names:
            yield dict(chosen)
            return
        name, rest = names[0], names[1:]
        parameter = self.parameters[name]
        if not _active(parameter, chosen):
            yield from self._extend(chosen, rest)
            return
        try:
            allowed = self._allowed(name, parameter, chosen)
        except DeadEndError:
            return
        for value in allowed.values or []:
            yield from self._extend({**chosen, name: value}, rest)

    def _allowed(self, name: str, parameter: Choices | Range, chosen: Configuration) -> Choices | Range:
        excluded = [
            rule[name]
            for rule in self.forbid
            if name in rule and all(k == name or (k in chosen and chosen[k] == v) for k, v in rule.items())
        ]
        if not excluded or not isinstance(parameter, Choices):
            return parameter
        left = [value for value in parameter.choices if value not in excluded]
        if not left:
            raise DeadEndError(name)
        return Choices(choices=left)


class DeadEndError(Exception):
    """After the values chosen so far, a parameter has none left."""


def _active(parameter: Choices | Range, chosen: Configuration) -> bool:
    for other, wanted in (parameter.when or {}).items():
        options = wanted if isinstance(wanted, list) else [wanted]
        if other not in chosen or chosen[other] not in options:
            return False
    return True


def _draw(parameter: Choices | Range, rng: np.random.Generator) -> Scalar:
    if parameter.values is not None:
        return parameter.values[int(rng.integers(len(parameter.values)))]
    assert isinstance(parameter, Range)
    if not parameter.log:
        return float(rng.uniform(parameter.low, parameter.high))
    # the half on each side gives the outermost integers their share
    half = 0.5 if parameter.integer else 0.0
    low, high = math.log(parameter.low - half), math.log(parameter.high + half)
    value = math.exp(rng.uniform(low, high))
    if not parameter.integer:
        return value
    return int(min(max(round(value), parameter.low), parameter.high))


def _bind(space: ModelSearchSpace, schema: type[BaseModel]) -> SearchSpace:
    problems: list[str] = []
    parameters: dict[str, Choices | Range] = {}
    if not space.parameters:
        problems.append("the space is empty; at least one parameter must have values")
    for name, parameter in space.parameters.items():
        if name not in schema.model_fields:
            known = ", ".join(schema.model_fields)
            problems.append(f"{name}: is not a parameter of this model; it has {known}")
            continue
        try:
            parameters[name] = _in_type(parameter, schema, name)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    problems += _wrong_references(space, parameters)
    if not problems:
        ordered = _in_order(parameters, problems)
        bound = SearchSpace(ordered, space.forbid)
        problems += [] if problems else _invalid_combinations(bound, schema)
    if problems:
        raise ValueError("\n".join(problems))
    return bound


def _in_type(parameter: Choices | Range, schema: type[BaseModel], name: str) -> Choices | Range:
    adapter: TypeAdapter[Any] = TypeAdapter(schema.model_fields[name].rebuild_annotation())

    def typed(value: Scalar) -> Any:
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].lower()
            raise ValueError(f"{reason}, got {value!r}") from None

    if isinstance(parameter, Choices):
        return Choices(choices=[typed(value) for value in parameter.choices], when=parameter.when)
    return parameter.model_copy(update={"low": typed(parameter.low), "high": typed(parameter.high)})


def _wrong_references(space: ModelSearchSpace, parameters: Mapping[str, Choices | Range]) -> list[str]:
    """Conditions and forbidden combinations must speak of values that the space has."""
    problems = []
    references = [
        (f"{name}.when", other, wanted if isinstance(wanted, list) else [wanted])
        for name, parameter in parameters.items()
        for other, wanted in (parameter.when or {}).items()
    ]
    references += [
        (f"forbid[{i}]", other, [value]) for i, rule in enumerate(space.forbid) for other, value in rule.items()
    ]
    for where, other, wanted in references:
        if other not in space.parameters:
            problems.append(f"{where}: {other} is not in this space")
        elif isinstance(choices := parameters.get(other), Choices):
            missing = [value for value in wanted if value not in choices.choices]
            if missing:
                problems.append(f"{where}: {other} never is {missing[0]!r}; it has {choices.choices}")
    return problems


def _in_order(parameters: dict[str, Choices | Range], problems: list[str]) -> dict[str, Choices | Range]:
    """Sort by name, each after what it depends on: the order of a file's keys must not change a search."""
    ordered: dict[str, Choices | Range] = {}
    waiting = dict(sorted(parameters.items()))
    while waiting:
        ready = [name for name, p in waiting.items() if all(other in ordered for other in p.when or {})]
        if not ready:
            problems.append(f"when: {', '.join(waiting)} depend on each other in a circle")
            break
        ordered[ready[0]] = waiting.pop(ready[0])
    return ordered


def _invalid_combinations(space: SearchSpace, schema: type[BaseModel]) -> list[str]:
    """Try combinations (ranges by their ends); the model itself says what is wrong with one."""
    ends: dict[str, Choices | Range] = {
        name: p if isinstance(p, Choices) else Choices(choices=[p.low, p.high], when=p.when)
        for name, p in space.parameters.items()
    }
    empty = True
    for configuration in itertools.islice(SearchSpace(ends, space.forbid).configurations(), _CHECKED_CONFIGURATIONS):
        empty = False
        try:
            schema.model_validate(configuration)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            return [f"{configuration} is not valid, {reason}"]
    return ["`forbid` excludes every configuration"] if empty else []
