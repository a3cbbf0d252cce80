"""Long lists of numbers that are computed when one is asked for."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, overload


class Lazy(Sequence[Any]):
    """A sequence without slices."""

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Return one value; negative indices count from the end."""
        if isinstance(index, slice):
            return [self._at(i) for i in range(*index.indices(len(self)))]
        return self._at(range(len(self))[index])

    def _at(self, index: int) -> Any:
        raise NotImplementedError


class Steps(Lazy):
    """``low, low + step, …`` up to `high`, each the number nearest to the exact decimal."""

    def __init__(self, low: float, high: float, step: float):
        self._low, self._step = exact(low), exact(step)
        self._length = (exact(high) - self._low) // self._step + 1

    def __len__(self) -> int:
        """Number of values."""
        return self._length

    def _at(self, index: int) -> float:
        return float(self._low + index * self._step)

    def nearest(self, value: float) -> int:
        """Index of the value that is nearest to a number."""
        return min(max(round((exact(value) - self._low) / self._step), 0), self._length - 1)


class Without(Lazy):
    """A sequence without the values at some of its indices."""

    def __init__(self, whole: Sequence[Any], left_out: Iterable[int]):
        self._whole = whole
        # an index from here on skips the i-th one left out
        self._skips = [index - i for i, index in enumerate(sorted(left_out))]

    def __len__(self) -> int:
        """Number of values."""
        return len(self._whole) - len(self._skips)

    def _at(self, index: int) -> Any:
        return self._whole[index + bisect_right(self._skips, index)]


def exact(number: float) -> Fraction:
    """Return the number as it is written: 0.1 is a tenth, not the binary fraction nearest to it."""
    return Fraction(repr(number))
