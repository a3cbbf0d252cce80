"""What is known of each column of the training file: rows are read by this and nothing else."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column
from tuner_job.data.instruments.formats import Hint
from tuner_job.data.words import (
    NO,
    YES,
    are_plain_numbers,
    as_number,
    comma_number,
    is_missing,
    key,
)
from tuner_job.records import Role, VariableRecord
from tuner_job.schema import Closed

FEWEST_DEATHS = 5
"""A choice that fewer deaths have may tell who died: no model and no result holds it."""

_YES_NO = {**dict.fromkeys(YES | {"1"}, 1.0), **dict.fromkeys(NO | {"0"}, 0.0)}


@dataclass(frozen=True)
class Feature:
    """One column of ``X`` and where it comes from.

    Attributes
    ----------
    name
        Unique name, for example ``c4_16`` or ``c1_06a=Hospital``.
    column
        The source column that it is read from.
    category
        For a one-hot column the cleaned text that means 1; ``None`` for a column read as a number.
    """

    name: str
    column: str
    category: str | None = None


class Variable(VariableRecord):
    """One column of the training file, and how its cells are read."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns of X that are made of it, in their order."""
        if self.role != "feature":
            return ()
        if self.kind != "choice":
            return (Feature(self.name, self.name),)
        return tuple(Feature(f"{self.name}={choice}", self.name, choice) for choice in self.choices)

    @cached_property
    def _stated(self) -> dict[str, float | None]:
        places = {key(choice): float(place) for place, choice in enumerate(self.choices)}
        labels = {code: places.get(key(answer)) for code, answer in self.labels.items()}
        answers = {**dict.fromkeys(self.yes, 1.0), **dict.fromkeys(self.no, 0.0)}
        return {**labels, **places, **answers, **dict.fromkeys(self.missing, math.nan)}

    def meaning(self, text: str) -> float | None:
        """Read one cell.

        Returns
        -------
        1 or 0, the number, or the place of the choice in `choices`; NaN where the cell says
        nothing; ``None`` where it is no answer to this question.
        """
        found = key(text)
        if found in self._stated:
            return self._stated[found]
        if self.kind == "number":
            number = comma_number(found) if self.decimal_comma else as_number(found)
            if number is not None:
                return number
        if is_missing(text):
            return math.nan
        return _YES_NO.get(found) if self.kind == "yes_no" else None

    def read(self, column: Column) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Read every cell of a column.

        Returns
        -------
        meanings, unread
            (n_rows,) as `meaning` gives them, NaN where it gives ``None``; (n_rows,) where it does.
        """
        read = self._meanings(column.values)
        blank = 0.0 if self.blank == "no" else math.nan
        meanings = np.array([*(math.nan if found is None else found for found in read), blank])
        unread = np.array([*(found is None for found in read), False])
        return meanings[column.codes], unread[column.codes]

    def _meanings(self, texts: Sequence[str]) -> Sequence[float | None]:
        numbers = self.kind == "number" and not self.decimal_comma and not self._stated
        if numbers and are_plain_numbers(texts):  # measures have as many different cells as rows
            return [float(text) for text in texts]
        return [self.meaning(text) for text in texts]

    def encode(self, column: Column) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Read every cell of a column into features.

        Returns
        -------
        values, unread
            (n_rows, n_features_of_this_column); a missing answer is NaN in all of them, a cell that
            is no answer is 0 in every choice and NaN elsewhere. (n_rows,) where it is none.
        """
        meanings, unread = self.read(column)
        if self.kind != "choice":
            with np.errstate(over="ignore"):  # the caller refuses what is not finite
                return meanings.astype(np.float32)[:, None], unread
        chosen = meanings[:, None] == np.arange(len(self.choices))
        says_nothing = np.isnan(meanings) & ~unread
        return np.where(says_nothing[:, None], np.float32(math.nan), chosen).astype(
            np.float32
        ), unread


class Codebook(Closed):
    """The columns of the training file in their order; computed ones stand last."""

    variables: list[Variable] = []
    complete: bool = True
    """False: of a model that was stored without one; what the format knows is then added."""

    @cached_property
    def used(self) -> tuple[Variable, ...]:
        """Those that features are made of."""
        return tuple(variable for variable in self.variables if variable.role == "feature")

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The columns of X, in their order."""
        return tuple(feature for variable in self.used for feature in variable.features)

    @cached_property
    def _places(self) -> dict[str, int]:
        places, at = {}, 0
        for variable in self.used:
            places[variable.name] = at
            at += len(variable.features)
        return places

    def place(self, variable: Variable) -> int:
        """Number of the first column of X that is made of it."""
        return self._places[variable.name]

    def named(self, role: Role) -> str | None:
        """Name of the first column of this role."""
        return next((one.name for one in self.variables if one.role == role), None)

    def left_out(self) -> Mapping[str, list[str]]:
        """Why columns were left out, each with their names."""
        reasons: dict[str, list[str]] = {}
        for variable in self.variables:
            if variable.role == "left_out":
                reasons.setdefault(variable.reason, []).append(variable.name)
        return reasons

    def with_hints(self, hints: Mapping[str, Hint]) -> "Codebook":
        """Add what a format knows of columns to what is known."""
        return self.model_copy(
            update={"variables": [_hinted(one, hints.get(one.name)) for one in self.variables]}
        )

    def narrow(self, X: NDArray[np.float32]) -> "Codebook":
        """Leave out what does not tell these rows (n_rows, n_features) apart.

        A number or a yes and no goes with a single value, a choice with fewer than `FEWEST_DEATHS`
        deaths.
        """
        kept, at = [], 0
        for variable in self.variables:
            n = len(variable.features)
            kept.append(_narrowed(variable, X[:, at : at + n]) if n else variable)
            at += n
        return Codebook(variables=kept)


def _hinted(variable: Variable, hint: Hint | None) -> Variable:
    if hint is None:
        return variable
    added = {
        "missing": sorted(map(key, hint.missing)),
        "yes": sorted({*variable.yes, *map(key, hint.yes)}),
        "no": sorted({*variable.no, *map(key, hint.no)}),
        "blank": hint.blank,
        "labels": {key(code): answer for code, answer in hint.labels.items()},
    }
    return Variable.model_validate(variable.model_dump() | added)


def _narrowed(variable: Variable, X: NDArray[np.float32]) -> Variable:
    present = ~np.isnan(X[:, 0])
    values = X[present]
    if variable.kind == "choice":
        deaths = values.sum(axis=0)
        choices = [
            choice
            for choice, n in zip(variable.choices, deaths, strict=True)
            if FEWEST_DEATHS <= n < len(values)
        ]
        if choices == variable.choices:
            return variable
        left = sum(
            n for choice, n in zip(variable.choices, deaths, strict=True) if choice not in choices
        )
        n_unread = variable.n_unread + int(left)
        changed = {"choices": choices, "n_unread": n_unread} if choices else _OUT
        return Variable.model_validate(variable.model_dump() | changed)
    if len(values) and values.min() < values.max():
        low, high = float(values.min()), float(values.max())
        ends = {"low": low, "high": high} if variable.kind == "number" else {}
        return Variable.model_validate(variable.model_dump() | ends)
    return Variable.model_validate(variable.model_dump() | _OUT)


_OUT = {"role": "left_out", "reason": "the same in all training rows", "choices": []}


def of_features(features: Sequence[Feature]) -> Codebook:
    """A codebook for features whose reading was not kept: numbers, yes and no as 1 and 0, and
    choices."""
    variables: dict[str, Variable] = {}
    for feature in features:
        before = variables.get(feature.column)
        if feature.category is None:
            variables[feature.column] = Variable(
                name=feature.column,
                role="feature",
                kind="number",
                yes=sorted(YES),
                no=sorted(NO),
            )
        else:
            choices = [*(before.choices if before else ()), feature.category]
            variables[feature.column] = Variable(
                name=feature.column, role="feature", kind="choice", choices=choices
            )
    return Codebook(variables=list(variables.values()), complete=False)
