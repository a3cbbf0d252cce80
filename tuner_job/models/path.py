"""What the paths of all families share."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tuner_job.models.base import FoldData, ModelFamily, Params, PathPoint
from tuner_job.models.classes import PresentClasses

V = TypeVar("V", bound=Hashable)


def path_value(family: ModelFamily, params: Params) -> Any:
    """Return a configuration's value of the family's path parameter: its own, or the default's
    if it has none."""
    if family.path_parameter is None:
        return None
    return family.Parameters.model_validate(dict(params)).model_dump()[family.path_parameter]


def certain_path(fold: FoldData, classes: PresentClasses, n_points: int) -> list[PathPoint]:
    """Score a fold whose training rows all have the same cause: it is certain, and nothing was
    fitted."""
    rows = (fold.X_validation, fold.X_probe)
    validation, probe = (classes.certain(len(X)) for X in rows)
    return [PathPoint(validation, probe, 0.0, {"single_cause": True})] * n_points


def in_order(scored: Mapping[V, PathPoint], wanted: Sequence[V]) -> list[PathPoint]:
    """Put points into the order of the values asked for; a value asked for again cost nothing
    more."""
    points: list[PathPoint] = []
    seen: set[V] = set()
    for value in wanted:
        points.append(replace(scored[value], fit_seconds=0.0) if value in seen else scored[value])
        seen.add(value)
    return points
