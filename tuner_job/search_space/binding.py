"""A search space as it stands in an experiment file, and its check against the model that it is
for."""

import difflib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tuner_job.schema import Described, finding, sentences
from tuner_job.search_space.parameters import (
    LARGEST,
    Choices,
    Parameter,
    Range,
    Scalar,
    Single,
    identity,
)
from tuner_job.search_space.space import SearchSpace
from tuner_job.wording import listed, plain, shown

_CHECKED_CONFIGURATIONS = (
    20_000  # of a larger space only so many combinations are tried while validating
)


class ModelSearchSpace(Described):
    """The search space of one model, as it stands in an experiment file: parameter name → values.

    A list holds choices; ``{low, high, step | log}`` is a range; ``{choices: …, when: {other:
    value}}`` exists only where another parameter has that value.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Parameter]

    forbid: list[dict[str, Single]] = []
    """Combinations of values that are not to be tried; one of parameters that do not exist
    together forbids nothing."""

    @property
    def parameters(self) -> dict[str, Choices | Range]:
        """Every parameter, in the order of the file."""
        return dict(self.__pydantic_extra__ or {})

    def bind(self, schema: type[BaseModel]) -> SearchSpace:
        """Check the space against the model's parameters and put every value in its proper type.

        Raises
        ------
        ValueError
            With one line a problem.
        """
        return _Binding(self, schema).bound()


class _Binding:
    """A space on its way to a checked one."""

    def __init__(self, space: ModelSearchSpace, schema: type[BaseModel]):
        self._space, self._schema = space, schema
        self._problems: list[str] = []
        self._kinds = {
            name: _Kind(schema, name) for name in space.parameters if name in schema.model_fields
        }
        self._parameters: dict[str, Choices | Range] = {}

    def bound(self) -> SearchSpace:
        """Check everything; raises ValueError with one line a problem."""
        if not self._space.parameters:
            self._problems.append("the space is empty; at least one parameter must have values")
        for name, parameter in self._space.parameters.items():
            self._read(name, parameter)
        conditions = {
            name: self._conditions(name, p.when or {}) for name, p in self._parameters.items()
        }
        forbid = [
            self._combination(f"forbid[{i}]", rule) for i, rule in enumerate(self._space.forbid)
        ]
        self._raise_problems()
        read = {
            name: p.model_copy(update={"when": conditions[name]})
            for name, p in self._parameters.items()
        }
        ordered = self._in_order(read)
        self._raise_problems()
        space = SearchSpace(ordered, forbid)
        self._problems += _invalid_combinations(space, self._schema)
        self._raise_problems()
        return space

    def _raise_problems(self) -> None:
        if self._problems:
            raise ValueError("\n".join(self._problems))

    def _read(self, name: str, parameter: Choices | Range) -> None:
        if name not in self._kinds:
            near = difflib.get_close_matches(name, self._schema.model_fields, n=1)
            known = f"it has {listed(self._schema.model_fields, most=20)}"
            hint = f"did you mean {near[0]}?" if near else known
            self._problems.append(f"{plain(name)}: is not a parameter of this model; {hint}")
            return
        try:
            self._parameters[name] = self._kinds[name].put(parameter)
        except ValidationError as error:
            self._problems += [f"{name}: {sentence}" for sentence in sentences(error)]
        except ValueError as error:
            self._problems.append(f"{name}: {error}")

    def _conditions(
        self, name: str, when: Mapping[str, Scalar | list[Scalar]]
    ) -> dict[str, list[Scalar]] | None:
        where = f"{name}.when"
        wanted = {
            other: value if isinstance(value, list) else [value] for other, value in when.items()
        }
        self._problems += [
            f"{where}: {plain(k)} must have at least one value" for k, v in wanted.items() if not v
        ]
        return {
            other: self._known(where, other, values) for other, values in wanted.items()
        } or None

    def _combination(self, where: str, rule: Mapping[str, Scalar]) -> dict[str, Scalar]:
        if not rule:
            self._problems.append(f"{where}: must name at least one parameter")
        return {
            name: value
            for name, given in rule.items()
            for value in self._known(where, name, [given])
        }

    def _known(self, where: str, name: str, values: Sequence[Scalar]) -> list[Scalar]:
        """Put values that a rule names in their type; it must speak of values that the space
        has."""
        if name not in self._space.parameters:
            self._problems.append(f"{where}: {plain(name)} is not in this space")
        parameter = self._parameters.get(name)
        if parameter is None:
            return []
        known = []
        for value in values:
            try:
                typed = self._kinds[name].read(value)
            except ValueError:
                typed = value
            if not parameter.holds(typed):
                self._problems.append(
                    f"{where}: {name} never is {shown(value)}; it has {parameter}"
                )
            known.append(typed)
        return known

    def _in_order(self, parameters: dict[str, Choices | Range]) -> dict[str, Choices | Range]:
        """Sort by name, each after what it depends on: the order of a file's keys must not
        change a search."""
        ordered: dict[str, Choices | Range] = {}
        waiting = dict(sorted(parameters.items()))
        while waiting:
            ready = [
                name
                for name, p in waiting.items()
                if all(other in ordered for other in p.when or {})
            ]
            if not ready:
                self._problems.append(f"when: {listed(waiting)} depend on each other in a circle")
                break
            ordered[ready[0]] = waiting.pop(ready[0])
        return ordered


class _Kind:
    """What a parameter of a model takes."""

    def __init__(self, schema: type[BaseModel], name: str):
        self._adapter: TypeAdapter[Any] = TypeAdapter(
            schema.model_fields[name].rebuild_annotation()
        )

    def read(self, value: Scalar) -> Any:
        """Put a value in its type; raises ValueError."""
        try:
            typed = self._adapter.validate_python(value)
        except ValidationError as error:
            hint = "; where there is no value, write null" if str(value).lower() == "none" else ""
            raise ValueError(f"{finding(error.errors()[0])}{hint}") from None
        if isinstance(value, bool) and not isinstance(typed, bool):
            raise ValueError(f"input should be a number, got {str(value).lower()}")
        if isinstance(typed, int) and abs(typed) > LARGEST:
            raise ValueError(f"whole numbers must lie within ±{LARGEST:,}, got {shown(typed)}")
        return typed

    def put(self, parameter: Choices | Range) -> Choices | Range:
        """Put all values of a parameter in their type; raises ValueError."""
        if isinstance(parameter, Choices):
            return Choices(
                choices=[self.read(value) for value in parameter.choices], when=parameter.when
            )
        low, high, step = self.read(parameter.low), self.read(parameter.high), parameter.step
        if isinstance(low, float) or isinstance(high, float):  # a range holds one kind of number
            low, high = self.read(float(low)), self.read(float(high))
        elif step is not None:
            if step % 1:
                raise ValueError(f"step must be a whole number, as the parameter is, got {step}")
            step = int(step)
        return Range(low=low, high=high, step=step, log=parameter.log, when=parameter.when)


def _invalid_combinations(space: SearchSpace, schema: type[BaseModel]) -> list[str]:
    """Try combinations of the values that tell; the model itself says what is wrong with one."""
    if space.empty:
        return ["`forbid` excludes every configuration"]
    named: dict[str, list[Scalar]] = {name: [] for name in space.parameters}
    rules: list[Mapping[str, Any]] = [
        *space.forbid,
        *(p.when or {} for p in space.parameters.values()),
    ]
    for rule in rules:
        for name, wanted in rule.items():
            named[name] += wanted if isinstance(wanted, list) else [wanted]
    telling = {
        name: _telling(parameter, named[name]) for name, parameter in space.parameters.items()
    }
    tried = SearchSpace(telling, space.forbid).configurations()
    for configuration in itertools.islice(tried, _CHECKED_CONFIGURATIONS):
        try:
            schema.model_validate(configuration)
        except ValidationError as error:
            return [f"{shown(configuration)} is not valid, {finding(error.errors()[0])}"]
    return []


def _telling(parameter: Choices | Range, named: Sequence[Scalar]) -> Choices | Range:
    """Values that rules name, and of the others the ends of the numbers and whatever is no
    number."""
    is_named = {identity(value) for value in named}
    if isinstance(parameter, Range):
        first = (
            parameter.members[: len(is_named) + 1]
            if parameter.members is not None
            else [parameter.low]
        )
        others = [
            *[value for value in first if identity(value) not in is_named][:1],
            parameter.last,
        ]
    else:
        others = [value for value in parameter.choices if identity(value) not in is_named]
        numbers = [
            value
            for value in others
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        ends = {identity(value) for value in (min(numbers), max(numbers))} if numbers else set()
        others = [value for value in others if value not in numbers or identity(value) in ends]
    distinct = {identity(value): value for value in [*named, *others]}
    return Choices(choices=list(distinct.values()), when=parameter.when)
