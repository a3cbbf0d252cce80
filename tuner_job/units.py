"""Durations and sizes as people write them."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"k": 1e3, "m": 1e6, "g": 1e9, "ki": 2**10, "mi": 2**20, "gi": 2**30}

_BEYOND = 1e15
"""No machine has so many bytes, and no search lasts so many seconds."""


def _parser(factors: dict[str, float], example: str):  # type: ignore[no-untyped-def]
    pattern = re.compile(rf"\s*(\d+(?:\.\d+)?)\s*({'|'.join(factors)})(?:b)?\s*", re.IGNORECASE)

    def parse(value: object) -> object:
        if not isinstance(value, str):
            return value
        match = pattern.fullmatch(value)
        if not match:
            raise ValueError(f"must be a number with a unit, such as {example}")
        return float(match[1]) * factors[match[2].lower()]

    return parse


def _as_written(factors: dict[str, float]) -> Any:
    """What the JSON Schema allows: a number, or one with a unit."""
    units = "|".join("".join(f"[{letter}{letter.upper()}]" for letter in unit) for unit in factors)
    pattern = rf"^\s*[0-9]+(\.[0-9]+)?\s*({units})[bB]?\s*$"
    return Annotated[float, Field(gt=0, lt=_BEYOND)] | Annotated[str, Field(pattern=pattern)]


Duration = Annotated[
    float,
    Field(gt=0, lt=_BEYOND, allow_inf_nan=False),
    BeforeValidator(
        _parser(_SECONDS, "90s, 30m or 2h"), json_schema_input_type=_as_written(_SECONDS)
    ),
]
"""Seconds; read from a number or from text such as ``90s``, ``30m``, ``2h``, ``1d``."""

MemorySize = Annotated[
    float,
    Field(gt=0, lt=_BEYOND, allow_inf_nan=False),
    BeforeValidator(_parser(_BYTES, "500M or 2Gi"), json_schema_input_type=_as_written(_BYTES)),
]
"""Bytes; read from a number or from text such as ``500M`` or ``2Gi``."""


def human_duration(seconds: float) -> str:
    """Write seconds in at most two units: ``42 s``, ``3 min 05 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
