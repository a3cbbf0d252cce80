"""Files of an experiment or a comparison that may be had: known documents, tables and models, and
nothing that tells of a single death."""

import re
from collections.abc import Iterator

from tuner_job.errors import StoreError
from tuner_job.web.index import Index
from tuner_job.web.row import Row

_DOCUMENTS = (
    "experiment.yaml",
    "progress.json",
    "summary.json",
    "provenance.json",
    "start_from.json",
    "report.html",
)
_OF_MODEL = re.compile(r"best\.json|model\.bin")
_NUMBERED = {
    "commits": re.compile(r"[0-9]{4,18}\.json"),
    "models": re.compile(r"[0-9a-f]{64}\.bin"),
    "errors": re.compile(r"(default|[0-9]{6,18})\.txt"),
}
_LOGS = "logs"
_PIECE = re.compile(r"[0-9]{6,18}\.log")
_MOST = 200
"""Files that a page lists."""


def files_of(index: Index, row: Row) -> dict[str, int]:
    """Return the files of an experiment that may be had, by path below it, with their bytes.

    Raises
    ------
    StoreError
        Storage is away.
    """
    return dict(sorted(_found(index, row))[:_MOST])


def is_one(path: str) -> bool:
    """Whether a path below an experiment names a file that may be had."""
    parts = path.split("/")
    if not all(parts) or {".", ".."} & set(parts):
        return False
    if len(parts) == 1:
        return path in _DOCUMENTS
    if len(parts) == 2:
        return _OF_MODEL.fullmatch(parts[1]) is not None
    pattern = _PIECE if parts[0] == _LOGS else _NUMBERED.get(parts[1])
    return len(parts) == 3 and pattern is not None and pattern.fullmatch(parts[2]) is not None


def _found(index: Index, row: Row) -> Iterator[tuple[str, int]]:
    store = index.places[row.place].store
    look = store.look(row.path)
    folders = [name for name in look.folders if name != _LOGS]
    listed = [("", look)]
    for model in folders:
        inside = store.look(f"{row.path}/{model}")
        listed.append((f"{model}/", inside))
        listed += [
            (f"{model}/{kind}/", store.look(f"{row.path}/{model}/{kind}"))
            for kind in _NUMBERED
            if kind in inside.folders
        ]
    for prefix, found in listed:
        for name, one in found.objects.items():
            if is_one(prefix + name):
                yield prefix + name, one.size


def open_file(index: Index, row: Row, path: str) -> "Iterator[bytes] | None":
    """Return the content of a file piece by piece; None if there is none, or it may not be had.

    Raises
    ------
    StoreError
        It cannot be read.
    """
    if not is_one(path):
        return None
    try:
        return index.places[row.place].store.chunks(f"{row.path}/{path}")
    except ValueError as error:
        raise StoreError(f"{row.address}: {error}") from None
