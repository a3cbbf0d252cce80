"""Where the header of a table of text stands: below titles that people and programs write above
it."""

import math
from collections.abc import Sequence

SAMPLED = 40
"""Rows that are looked at."""
_MOST_TITLES = 10
_FAR_FEWER = 3


def find_header(rows: Sequence[Sequence[str]]) -> int:
    """Index of the header among the first rows that are not blank.

    It is the first row, unless that row and perhaps more have one cell, or a third of the cells of
    the table below, and are followed by a row that can be a header: as wide as the table, of
    different names, none of them a number or found in its own column below.
    """
    width = max((filled(row) for row in rows), default=0)
    few = max(1, width // _FAR_FEWER)
    for i, row in enumerate(rows[: _MOST_TITLES + 1]):
        if sum(1 for cell in row if cell.strip()) > few:
            return i if i and _can_be_header(row, rows[i + 1 :], width) else 0
    return 0


def filled(row: Sequence[str]) -> int:
    """Number of cells up to the last one with a value."""
    return max((i for i, cell in enumerate(row, 1) if cell.strip()), default=0)


def titles_note(n_titles: int, header_row: int) -> str:
    """Tell of rows above the header."""
    rows = "1 row" if n_titles == 1 else f"{n_titles} rows"
    return f"Skipped {rows} of text above the header, which is row {header_row}."


def _can_be_header(row: Sequence[str], below: Sequence[Sequence[str]], width: int) -> bool:
    names = [cell.strip() for cell in row[:width]]
    named = [name for name in names if name]
    if len(names) < width or len(set(named)) < len(named) or any(map(_is_number, named)):
        return False
    return not any(
        name and len(other) > i and other[i].strip() == name
        for other in below
        for i, name in enumerate(names)
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace(",", ".")))
    except ValueError:
        return False
