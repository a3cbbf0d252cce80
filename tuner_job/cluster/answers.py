"""JSON of an API server, be it nested deeper than a reader goes: one object that somebody made so
would stand in the way of a whole list."""

import re
from typing import Any

import pydantic_core

_MOST_DEPTH = 100
"""What is nested deeper is cut, where anything has to be; nothing that is read here is."""
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]', re.DOTALL)
"""A text, which may hold brackets, or a bracket; a text without an end is gone through once."""


def from_json(content: bytes) -> Any:
    """Read JSON; where it is nested too deeply for that, null stands for its deepest parts.

    Raises
    ------
    ValueError
        It is no JSON.
    """
    try:
        return pydantic_core.from_json(content)
    except ValueError:
        return pydantic_core.from_json(_cut(content))


def _cut(content: bytes) -> bytes:
    """Put null in place of every list and object that is nested deeper than that."""
    kept, depth, begin = [], 0, 0
    for token in _TOKEN.finditer(content):
        if token[0] in b"[{":
            depth += 1
            if depth == _MOST_DEPTH + 1:
                kept += [content[begin : token.start()], b"null"]
        elif token[0] in b"]}":
            if depth == _MOST_DEPTH + 1:
                begin = token.end()
            depth -= 1
    return b"".join([*kept, content[begin:]])
