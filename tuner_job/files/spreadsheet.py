"""CSV files that people open in spreadsheets: no cell of them runs as a formula."""

import re

_FORMULA = re.compile(r"'*[\t\r\n]|[\s'\ufeff]*[=+\-@＝＋－＠]")
"""How a text begins that a spreadsheet may run. An apostrophe that stands before such a text counts
too, so that taking one away from a text of this kind always gives back what it was."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def cell(value: object) -> object:
    """Return what stands for a value in a CSV file: a text that would run as a formula gets an
    apostrophe before it.

    Numbers, also those written as text such as ``-0.5``, and all other texts stay as they are.
    """
    if not isinstance(value, str) or not _FORMULA.match(value) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"
