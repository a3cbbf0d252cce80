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
    _check_whose(folder, first, store)
    _check_writable(folder)
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


def _check_whose(folder: Path, whose: dict[str, bytes], store: Store) -> None:
    """Refuse a folder that holds anything else than an earlier copy of these results."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir():
        raise ClusterError(f"{plain(folder)}: must be a folder; choose another --output")
    here = [(_content(folder.parent / key), content) for key, content in whose.items()]
    if not any(ours == theirs for ours, theirs in here) or any(ours not in (None, theirs) for ours, theirs in here):
        raise ClusterError(
            f"{plain(folder)}: must be empty or hold an earlier copy of {store.url}/{folder.name}; it holds something "
            "else: choose another --output"
        )


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _check_writable(folder: Path) -> None:
    """Find out before anything is copied whether it can be."""
    probe = folder / f".write-test-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"va-tuning")
        probe.unlink()
    except OSError as error:
        raise ClusterError(f"{plain(folder)}: cannot be written: {error.strerror}; choose another --output") from None
