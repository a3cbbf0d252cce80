"""Where the values of one hyperparameter lie on an axis from 0 to 1."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tuner_job.report.text import short_value, shorten

NOT_USED = object()
"""The value of a parameter that a configuration does not have."""

Scale = Literal["linear", "log", "list"]
"""How the search space declares a parameter: a range, a logarithmic one, or a list of choices,
which have an order and no distances."""
_MAX_TICKS = 9


@dataclass(frozen=True)
class ParameterAxis:
    """Positions 0 (bottom) to 1 (top) of a parameter's values.

    Attributes
    ----------
    positions
        (n_trials,) position of each value, in the order given.
    ticks
        Positions and labels that fit beside the axis.
    scale
        What equal distances mean: equal differences, equal factors, or nothing.
    """

    positions: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]
    scale: Scale


def parameter_axis(values: Sequence[Any], scale: Scale = "linear") -> ParameterAxis:
    """Lay out numbers by size, with what is no number in slots of its own below and above them.

    Below: not used, and 0 on a logarithmic axis. Above: words in alphabetical order, then ``None``.

    Parameters
    ----------
    scale
        Those of a ``list`` stand at equal distances.
    """
    numbers = sorted({float(v) for v in values if _is_number(v)})
    if scale == "log" and not (numbers and numbers[0] >= 0 and numbers[-1] > 0):
        scale = "linear"
    if scale == "log" and numbers[0] == 0:
        numbers = numbers[1:]
        low = ["0"]
    else:
        low = []
    low = (["not used"] if any(v is NOT_USED for v in values) else []) + low
    words = {_word(v) for v in values if not _is_number(v) and v is not NOT_USED and v is not None}
    high = sorted(words) + (["None"] if None in values else [])
    bottom, top, slots = _slots(low, high, bool(numbers))
    scaled = _scaled(numbers, (bottom, top), scale)
    positions = tuple(
        scaled[float(v)] if _is_number(v) and float(v) in scaled else slots[_word(v)]
        for v in values
    )
    ticks = _number_ticks(numbers, scaled, scale) + [
        (at, shorten(w, 18)) for w, at in slots.items()
    ]
    return ParameterAxis(positions, tuple(sorted(_apart(ticks))), scale)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _word(value: Any) -> str:
    if value is NOT_USED:
        return "not used"
    return "0" if _is_number(value) else short_value(value)


def _slots(
    low: list[str], high: list[str], has_numbers: bool
) -> tuple[float, float, dict[str, float]]:
    """Return the range left to numbers and the position of each word."""
    if not has_numbers:
        words = low + high
        places = np.linspace(0, 1, len(words)) if len(words) > 1 else [0.5]
        return 0.0, 1.0, {word: float(at) for word, at in zip(words, places, strict=True)}
    height = min(0.14, 0.5 / max(1, len(low) + len(high)))
    slots = {word: i * height for i, word in enumerate(low)}
    slots |= {word: 1 - i * height for i, word in enumerate(reversed(high))}
    return len(low) * height, 1 - len(high) * height, slots


def _scaled(
    numbers: Sequence[float], ends: tuple[float, float], scale: Scale
) -> dict[float, float]:
    bottom, top = ends
    if len(numbers) < 2:
        return dict.fromkeys(numbers, (bottom + top) / 2)
    size = np.arange(len(numbers)) if scale == "list" else np.asarray(numbers)
    size = np.log(size) if scale == "log" else size
    at = bottom + (top - bottom) * (size - size[0]) / (size[-1] - size[0])
    return dict(zip(numbers, at.tolist(), strict=True))


def _number_ticks(
    numbers: Sequence[float], scaled: dict[float, float], scale: Scale
) -> list[tuple[float, str]]:
    if scale == "list" and len(numbers) > _MAX_TICKS:
        numbers = [numbers[i] for i in np.linspace(0, len(numbers) - 1, 5).round().astype(int)]
    if len(numbers) <= _MAX_TICKS:
        return [(scaled[n], short_value(n)) for n in numbers]
    marks = (np.geomspace if scale == "log" else np.linspace)(numbers[0], numbers[-1], 5)
    at = np.linspace(scaled[numbers[0]], scaled[numbers[-1]], 5)
    return [(float(a), f"{mark:.3g}") for a, mark in zip(at, marks, strict=True)]


def _apart(ticks: Iterable[tuple[float, str]]) -> list[tuple[float, str]]:
    """Leave out labels that would lie upon the one below; the topmost one stays."""
    kept: list[tuple[float, str]] = []
    ordered = sorted(ticks)
    for at, label in ordered:
        if kept and at - kept[-1][0] < 0.055:
            if at != ordered[-1][0]:
                continue
            kept.pop()
        kept.append((at, label))
    return kept
