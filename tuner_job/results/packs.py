"""Copies of many trials' records in one object, so that a hundred thousand need not be asked for
one by one.

What counts is each trial's own object. A copy stands for it only while the folder's listing shows
the very version that was copied: what was damaged, replaced or removed since is never taken from a
pack. A pack that cannot be read is as if it were not there.
"""

import gzip
import json
import logging
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import repeat

from pydantic import TypeAdapter

from tuner_job.errors import StoreError, UnreadableError
from tuner_job.results.store import Store

_log = logging.getLogger(__name__)

FEWEST = 1000
"""Trials that are worth packs; one holds at most as many."""
_AT_ONCE = 4
_LARGEST = 2**24
"""Bytes of a pack's text: a hostile one would fill the memory."""
_FULL = _LARGEST // 4  # of records: as text within text they take up to twice as much
_PACK = re.compile(r"pack-[0-9a-f]{16}\.json\.gz")
_HELD = TypeAdapter(dict[str, tuple[str, str]])
"""Name of an object in the folder → its version, and what it held."""


@dataclass(frozen=True)
class Copy:
    """What an object held when a listing showed it with this version."""

    version: str
    content: bytes


def read_packs(
    store: Store, top: str, versions: Mapping[str, str], tidy: bool = False
) -> Iterator[tuple[str, bytes]]:
    """Yield paths and contents of a folder's objects that are still what a pack has of them.

    Parameters
    ----------
    top
        Path of the folder; a pack knows what stands there by names, so that it may be renamed.
    versions
        Path → version of all objects in the folder.
    tidy
        Delete packs that add nothing, as of a folder that was copied.

    Raises
    ------
    StoreError
        The store is away.
    """
    packs = [path for path in versions if _PACK.fullmatch(path.removeprefix(f"{top}/"))]
    given: set[str] = set()
    for pack, held in _read_some_at_once(store, packs):
        if held is None:
            continue
        current = {}
        for name, (version, content) in held.items():
            path = f"{top}/{name}"
            if version and versions.get(path) == version and path not in given:
                current[path] = content.encode()
        given |= current.keys()
        yield from current.items()
        if tidy and not current:
            tidy = _delete(store, pack)


def write_packs(store: Store, top: str, copies: Mapping[str, Copy]) -> bool:
    """Put copies of a folder's objects, by their paths, together.

    Returns
    -------
    Whether the store took them; nothing depends on it.
    """
    held: dict[str, tuple[str, str]] = {}
    size = 0
    try:
        for path, copy in sorted(copies.items()):  # two that write at once write the same
            if len(copy.content) > _FULL:
                continue
            if size + len(copy.content) > _FULL:
                _write(store, top, held)
                held, size = {}, 0
            held[path.removeprefix(f"{top}/")] = (copy.version, copy.content.decode())
            size += len(copy.content)
        _write(store, top, held)
    except StoreError as error:
        _log.info("%s", error)
        return False
    return True


def _write(store: Store, top: str, held: Mapping[str, tuple[str, str]]) -> None:
    content = json.dumps(held, ensure_ascii=False).encode()
    name = f"pack-{sha256(content).hexdigest()[:16]}.json.gz"
    store.put(f"{top}/{name}", gzip.compress(content, compresslevel=1, mtime=0))


def _delete(store: Store, pack: str) -> bool:
    """Delete a pack; return whether the store did."""
    try:
        store.delete(pack)
    except StoreError as error:
        _log.info("%s", error)
        return False
    return True


def _read_some_at_once(
    store: Store, packs: Sequence[str]
) -> Iterator[tuple[str, dict[str, tuple[str, str]] | None]]:
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        for start in range(0, len(packs), _AT_ONCE):  # no more of them in memory
            group = packs[start : start + _AT_ONCE]
            yield from zip(group, readers.map(_read, repeat(store), group), strict=True)


def _read(store: Store, path: str) -> dict[str, tuple[str, str]] | None:
    """Read a pack: nothing if it holds no copies, None if it cannot be read."""
    try:
        with gzip.open(BytesIO(store.get(path) or b"")) as content:
            return _HELD.validate_json(content.read(_LARGEST))  # cut off, it is no JSON
    except UnreadableError as error:
        _log.info("%s", error)
        return None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        _log.info("%s/%s: is left out: %s", store.url, path, error)
        return {}
