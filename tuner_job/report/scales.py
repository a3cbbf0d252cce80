"""The scales that an experiment's search spaces declare."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from tuner_job.report.figures.axis import Scale
from tuner_job.search_space import Choices, ModelSearchSpace, Range

Scales = Mapping[str, Mapping[str, Scale]]
"""Model → parameter → its scale."""


def declared_scales(document: Mapping[str, Any] | None) -> Scales:
    """Read the scales from an experiment as it is stored, with every search space filled in.

    What cannot be read there has none: another version may have written it.
    """
    tuning = (document or {}).get("tuning")
    spaces = tuning.get("search_spaces") if isinstance(tuning, dict) else None
    return {
        str(model): _scales_of(space)
        for model, space in (spaces.items() if isinstance(spaces, dict) else ())
    }


def _scales_of(space: object) -> dict[str, Scale]:
    try:
        parameters = ModelSearchSpace.model_validate(space).parameters
    except ValidationError:
        return {}
    return {name: _scale(parameter) for name, parameter in parameters.items()}


def _scale(parameter: Choices | Range) -> Scale:
    if isinstance(parameter, Choices):
        return "list"
    return "log" if parameter.log else "linear"
