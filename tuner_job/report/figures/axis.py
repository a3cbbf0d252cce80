"""Where the values of one hyperparameter lie on an axis from 0 to 1."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner_job.report.text import short_value, shorten

NOT_USED = object()
"""The value of a parameter that a configuration does not have."""

_LOG_RATIO = 30
"""A choice such as 0.01, 0.1, 0.3 is meant by its factors; 100, 200, 500 by its differences."""
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
    logarithmic
        Whether equal distances mean equal factors.
    """

    positions: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool


def parameter_axis(values: Sequence[Any]) -> ParameterAxis:
    """Lay out numbers by size, with what is no number in slots of its own below and above them.

    Below: not used, and 0 on a logarithmic axis. Above: words in alphabetical order, then ``None``.
    """
    numbers = sorted({float(v) for v in values if _is_number(v)})
    logarithmic = _is_log_like(numbers)
    if logarithmic and numbers[0] == 0:
        numbers = numbers[1:]
        low = ["0"]
    else:
        low = []
    low = (["not used"] if any(v is NOT_USED for v in values) else []) + low
    words = {_word(v) for v in values if not _is_number(v) and v is not NOT_USED and v is not None}
    high = sorted(words) + (["None"] if None in values else [])
    bottom, top, slots = _slots(low, high, bool(numbers))
    scaled = _scaled(numbers, bottom, top, logarithmic)
    positions = tuple(
        scaled[float(v)] if _is_number(v) and float(v) in scaled else slots[_word(v)]
        for v in values
    )
    ticks = _number_ticks(numbers, scaled, logarithmic) + [
        (at, shorten(w, 18)) for w, at in slots.items()
    ]
    return ParameterAxis(positions, tuple(sorted(_apart(ticks))), logarithmic)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _word(value: Any) -> str:
    if value is NOT_USED:
        return "not used"
    return "0" if _is_number(value) else short_value(value)


def _is_log_like(numbers: Sequence[float]) -> bool:
    positive = [n for n in numbers if n > 0]
    if len(positive) < 2 or numbers[0] < 0 or positive[-1] / positive[0] < _LOG_RATIO * (1 - 1e-9):
        return False
    low, middle, high = np.quantile(positive, [0, 0.5, 1])
    return bool(
        middle < low + 0.25 * (high - low)
    )  # drawn evenly from a range, it would lie half-way


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
    numbers: Sequence[float], bottom: float, top: float, logarithmic: bool
) -> dict[float, float]:
    if len(numbers) < 2:
        return dict.fromkeys(numbers, (bottom + top) / 2)
    size = np.log(numbers) if logarithmic else np.asarray(numbers)
    at = bottom + (top - bottom) * (size - size[0]) / (size[-1] - size[0])
    return dict(zip(numbers, at.tolist(), strict=True))


def _number_ticks(
    numbers: Sequence[float], scaled: dict[float, float], logarithmic: bool
) -> list[tuple[float, str]]:
    if len(numbers) <= _MAX_TICKS:
        return [(scaled[n], short_value(n)) for n in numbers]
    marks = (np.geomspace if logarithmic else np.linspace)(numbers[0], numbers[-1], 5)
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
