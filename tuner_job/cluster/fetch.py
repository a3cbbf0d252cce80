"""Copying an experiment's results from the cluster's store to a folder."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tuner_job.cluster.cancel import below
from tuner_job.errors import ClusterError
from tuner_job.results.store import Store
from tuner_job.wording import plain

_READERS = 8
_WHOSE = ("experiment.yaml", "provenance.json", "comparison.json")
"""What says whose results these are: written first, and once."""
_NO_RESULTS = ("data/", "lease.json")
"""Uploads, which came from outside, and who is at work."""


def fetch(store: Store, name: str, output: Path) -> tuple[Path, int]:
    """Copy everything below an experiment; what an earlier fetch of it has brought is written over.

    Parameters
    ----------
    output
        The experiment's folder is made in it.

    Returns
    -------
    The experiment's folder in `output`, and the number of objects copied.

    Raises
    ------
    ClusterError
        There are no results yet, or the folder is not for them.
    StoreError
        The store refuses, or the disk.
    """
    others = tuple(f"{name}/{other}" for other in _NO_RESULTS)
    keys = [key for key in below(store, name) if not key.startswith(others)]
    if not keys:
        raise ClusterError(f"{store.url}/{name}: holds no results yet; see va-tuning status {name}")
    folder = output / name
    first = _whose(store, name, keys)
    _check_folder(folder, first, store)
    target = Store(str(output))

    def copy(key: str) -> bool:
        content = store.get(key)
        if content is not None:
            target.put(key, content)
        return content is not None

    # what says whose results these are comes first: a copy that ends in the middle can be repeated
    rest = [key for key in keys if key not in first]
    for key, content in first.items():
        target.put(key, content)
    with ThreadPoolExecutor(_READERS) as readers:
        return folder, len(first) + sum(readers.map(copy, rest))


def _whose(store: Store, name: str, keys: list[str]) -> dict[str, bytes]:
    """The objects that say whose results these are."""
    found = {key: store.get(key) for key in (f"{name}/{file}" for file in _WHOSE) if key in keys}
    return {key: content for key, content in found.items() if content is not None}


def _check_folder(folder: Path, whose: dict[str, bytes], store: Store) -> None:
    """Find out before anything is copied whether it can be, and harms nothing else.

    Raises
    ------
    ClusterError
        The folder cannot be written, or holds anything else than an earlier copy of these results.
    """
    probe = folder / f".write-test-{os.getpid()}"
    try:
        if folder.exists() and any(folder.iterdir()) and not _is_copy(folder, whose):
            raise ClusterError(
                f"{plain(folder)}: must be empty or hold an earlier copy of "
                f"{store.url}/{folder.name}; it holds something else: choose another --output"
            )
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"va-tuning")
        probe.unlink()
    except OSError as error:
        raise ClusterError(
            f"{plain(folder)}: cannot be written: {error.strerror}; choose another --output"
        ) from None


def _is_copy(folder: Path, whose: dict[str, bytes]) -> bool:
    """Whether what says whose results these are is there too, and nowhere else is said."""
    paths = {folder.parent / key: content for key, content in whose.items()}
    found = {path: path.read_bytes() for path in paths if path.exists()}
    return bool(found) and all(content == paths[path] for path, content in found.items())
