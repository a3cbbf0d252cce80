"""Files of Stata, SPSS and SAS."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tuner_job.data.reading.raw import (
    MOST_CELLS,
    Cells,
    check_names,
    check_size,
    needed,
    text_of,
    to_column,
    whole,
)
from tuner_job.wording import plain

_log = logging.getLogger(__name__)

_READERS = {
    "a Stata file": "read_dta",
    "an SPSS file": "read_sav",
    "an SPSS portable file": "read_por",
    "a SAS file": "read_sas7bdat",
    "a SAS transport file": "read_xport",
}
_SCRIPT = Path(__file__).with_name("readstat.py")
_AND_OVER = re.compile(
    r"(\d+) ?(\+|plus|(or|and|et|ou|e|y|o|&) (more|over|above|older|plus|mais|m[aá]s)\b.{0,20})",
    re.IGNORECASE,
)
_INT32 = np.dtype(np.int32)


def read_statistical(content: bytes, source: str, kind: str) -> Cells:
    """Read labels where values have them, else the values; missing ones of every kind are empty.

    Parameters
    ----------
    content, source
        The file and its name, for messages.
    kind
        One of ``a Stata file``, ``an SPSS file``, ``an SPSS portable file``, ``a SAS file``,
        ``a SAS transport file``.

    Raises
    ------
    DataError
        It is damaged or too large, or pyreadstat is not installed.
    """
    with whole(f"{kind} as a whole", source), TemporaryDirectory(prefix="va-tuning-") as folder:
        answer = _ask(Path(folder), content, source, kind)
        names, n_rows = answer["names"], int(answer["n_rows"])
        check_names(names, source)
        check_size(n_rows, len(names), source)
        columns = []
        with Path(folder, "codes").open("rb") as file:
            for labels, values in zip(answer["labels"], answer["values"], strict=True):
                codes = np.frombuffer(file.read(n_rows * _INT32.itemsize), _INT32)
                columns.append(to_column(codes, tuple(_texts(values, labels))))
    notes = []
    if encoding := answer.get("encoding"):
        notes.append(f"Read as {plain(encoding).title()}, as it is not encoded as it says.")
    return Cells(names, columns, np.arange(n_rows) + 1, notes=notes)


def statistical_names(content: bytes, source: str, kind: str) -> list[str]:
    """Read the names alone.

    Raises
    ------
    DataError
        As `read_statistical` does.
    """
    with whole(f"{kind} as a whole", source), TemporaryDirectory(prefix="va-tuning-") as folder:
        names: list[str] = _ask(Path(folder), content, source, kind, names_only=True)["names"]
    return names


def _ask(
    folder: Path, content: bytes, source: str, kind: str, names_only: bool = False
) -> dict[str, Any]:
    """Have the file read in a process of its own: the library's C code crashes on damaged ones."""
    with needed("pyreadstat", kind, source):
        if find_spec("pyreadstat") is None:
            raise ImportError("pyreadstat")
    request = {
        "path": str(folder / "file"),
        "reader": _READERS[kind],
        "names_only": names_only,
        "most_cells": MOST_CELLS,
        "codes": str(folder / "codes"),
        "answer": str(folder / "answer"),
    }
    (folder / "file").write_bytes(content)
    command = [sys.executable, "-P", str(_SCRIPT), json.dumps(request)]
    ended = subprocess.run(command, capture_output=True, check=False)
    if ended.stderr:
        _log.debug("%s: %s", source, plain(ended.stderr.decode(errors="replace"), 2000))
    if ended.returncode:
        signal = f" by signal {-ended.returncode}" if ended.returncode < 0 else ""
        raise ValueError(f"what reads it was ended{signal}: is the file damaged?")
    answer: dict[str, Any] = json.loads((folder / "answer").read_text(encoding="utf-8"))
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer


def _texts(values: Sequence[Any], labels: Sequence[tuple[Any, str]]) -> Iterator[str]:
    """Labels, or the values: of the highest of a measure, too, whose label is ``98 and over``."""
    named = {value: label.strip() for value, label in labels}
    named = {
        value: label
        for value, label in named.items()
        if not (found := _AND_OVER.fullmatch(label)) or found[1] != text_of(value)
    }
    for value in values:
        yield named.get(value) or text_of(value)
