"""Read a file of Stata, SPSS or SAS in a process of its own, which it may crash.

``python -P readstat.py REQUEST``, where REQUEST is JSON: ``path``, ``reader`` (a function of
pyreadstat), ``names_only``, ``most_cells``, ``codes`` and ``answer`` (paths to write to). It
imports nothing of the package. The answer is JSON: ``error``, or ``names``, ``n_rows``, ``labels``
(of each column, pairs of a value and its label), ``values`` (of each column, the distinct ones:
numbers or text) and ``encoding`` (where another than the file's own was needed). The codes are
int32, column by column, -1 where a cell is missing.
"""

import datetime
import json
import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_CELLS_AT_ONCE = 2_000_000  # the library makes an object of every cell
_FEWEST_ROWS = 100
_MOST_MEMORY = 8 << 30
_WINDOWS = "WINDOWS-1252"
_UNDECODED = ("encoding", "codec")

Read = Callable[..., tuple[dict[str, Any], Any]]


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked; what cannot be read is the answer's ``error``."""
    import pyreadstat  # here, so that a library that cannot be imported is an error as any other

    reader = getattr(pyreadstat, request["reader"])

    def read(**options: Any) -> tuple[dict[str, Any], Any]:
        found: tuple[dict[str, Any], Any] = reader(request["path"], output_format="dict", **options)
        return found

    try:
        return _read(read, request)
    except Exception as error:
        # Files of old versions do not say how their texts are encoded.
        if not any(word in str(error) for word in _UNDECODED):
            raise
        answer = _read(lambda **options: read(encoding=_WINDOWS, **options), request)
        return {**answer, "encoding": _WINDOWS}


def _read(read: Read, request: dict[str, Any]) -> dict[str, Any]:
    metadata = read(metadataonly=True)[1]
    names = [*metadata.column_names]
    labels = [[*metadata.variable_value_labels.get(name, {}).items()] for name in names]
    answer = {"names": names, "n_rows": metadata.number_rows or 0, "labels": labels}
    if request["names_only"] or answer["n_rows"] * len(names) > request["most_cells"]:
        return answer
    codes = [array("i") for _ in names]
    index: list[dict[Any, int]] = [{} for _ in names]
    for cells in _blocks(read, len(names)):
        for i, name in enumerate(names):
            seen, append = index[i], codes[i].append
            for cell in cells[name]:
                append(-1 if cell is None or cell != cell else seen.setdefault(cell, len(seen)))
        answer["n_rows"] = len(codes[0])
        if len(codes[0]) * len(names) > request["most_cells"]:
            return answer
    with Path(request["codes"]).open("wb") as file:
        for column in codes:
            column.tofile(file)
    return {**answer, "values": [[_plain(value) for value in seen] for seen in index]}


def _blocks(read: Read, n_columns: int) -> Iterator[dict[str, Any]]:
    rows = max(_FEWEST_ROWS, _CELLS_AT_ONCE // max(1, n_columns))
    offset, n_read = 0, rows
    while n_read == rows and n_columns:
        cells, _ = read(row_offset=offset, row_limit=rows)
        n_read = len(next(iter(cells.values()), ()))
        offset += n_read
        yield cells


def _plain(value: Any) -> str | float:
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value if isinstance(value, str | int | float) else str(value)


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # Windows has no limits, and macOS not this
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    _limit_memory()
    try:
        answered = main(asked)
    except Exception as error:
        answered = {"error": (str(error).strip() or type(error).__name__)[:1000]}
    Path(asked["answer"]).write_text(json.dumps(answered), encoding="utf-8")
