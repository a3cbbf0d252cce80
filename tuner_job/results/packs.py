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
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import repeat

from pydantic_core import from_json

from tuner_job.errors import StoreError
from tuner_job.results.store import Store

_log = logging.getLogger(__name__)

FEWEST = 1000
"""Trials that are worth packs; one holds at most as many."""
_AT_ONCE = 4
_LARGEST = 2**28
"""Bytes of a pack: a hostile one would fill the memory."""
_PACK = re.compile(r"pack-[0-9a-f]{16}\.json\.gz")


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
        Delete packs that hold nothing of the kind, as of a folder that was copied.
    """
    packs = [path for path in versions if _PACK.fullmatch(path.removeprefix(f"{top}/"))]
    for pack, held in _read_some_at_once(store, packs):
        copies = {f"{top}/{name}": copy for name, copy in held.items()}
        current = [path for path, copy in copies.items() if versions.get(path) == copy.version]
        yield from ((path, copies[path].content) for path in current)
        if tidy and not current:
            with suppress(StoreError):
                store.delete(pack)


def write_pack(store: Store, top: str, copies: Mapping[str, Copy]) -> None:
    """Put copies of a folder's objects, by their paths, together; nothing depends on it."""
    held = {
        path.removeprefix(f"{top}/"): [copy.version, copy.content.decode()]
        for path, copy in copies.items()
    }
    content = json.dumps(held).encode()
    name = f"pack-{sha256(content).hexdigest()[:16]}.json.gz"
    try:
        store.put(f"{top}/{name}", gzip.compress(content, compresslevel=1, mtime=0))
    except StoreError as error:
        _log.info("%s", error)


def _read_some_at_once(store: Store, packs: Sequence[str]) -> Iterator[tuple[str, dict[str, Copy]]]:
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        for start in range(0, len(packs), _AT_ONCE):  # no more of them in memory
            group = packs[start : start + _AT_ONCE]
            yield from zip(group, readers.map(_read, repeat(store), group), strict=True)


def _read(store: Store, path: str) -> dict[str, Copy]:
    try:
        with gzip.open(BytesIO(store.get(path) or b"")) as content:
            held = from_json(content.read(_LARGEST))  # what is longer is cut off, and no JSON
        return {str(name): _copy(one) for name, one in dict(held).items()}
    except (StoreError, OSError, EOFError, zlib.error, ValueError, TypeError) as error:
        _log.info("%s/%s: is left out: %s", store.url, path, error)
        return {}


def _copy(held: object) -> Copy:
    match held:
        case [str(version), str(content)]:
            return Copy(version, content.encode())
    raise ValueError("it holds no copies")
