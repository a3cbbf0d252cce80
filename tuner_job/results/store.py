"""Object storage behind one small class: a folder or an ``s3://``, ``gs://``, ``az://``,
``file://`` URL.

Credentials and endpoints come from the environment, under the names that each cloud's own tools use
(for S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP);
see `environment`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Protocol, Self
from uuid import uuid4

from tuner_job.address import Address, parse_data, parse_results
from tuner_job.errors import StoreError, UnreadableError
from tuner_job.files.whole import read_file
from tuner_job.public import public
from tuner_job.results.download import download
from tuner_job.results.folder import Folder
from tuner_job.results.look import Look
from tuner_job.wording import plain

_MOST_SHOWN = 200
"""Characters of an address in a message."""
PATIENCE = timedelta(minutes=10)
"""How long a running search waits for storage that went away."""
FIRST_CONTACT = timedelta(seconds=10)
"""How long the first request waits: a wrong endpoint is to be found out soon."""

_PROBE = 16384
"""Bytes of what is written to try a place: as many as the first documents of an experiment have,
or more."""


class _Place(Protocol):
    """What a kind of storage does; it raises errors of its own."""

    REFUSALS: ClassVar[tuple[type[Exception], ...]]
    OF_ONE_OBJECT: ClassVar[tuple[type[Exception], ...]]
    """Those that may say something of one object alone."""

    @classmethod
    def open(cls, address: Address, patience: timedelta) -> Self: ...
    @staticmethod
    def reason_of(error: Exception) -> str: ...
    def get(self, path: str) -> bytes | None: ...
    def put(self, path: str, content: bytes) -> None: ...
    def create(self, path: str, content: bytes) -> bool: ...
    def delete(self, path: str) -> None: ...
    def paths(self, prefix: str, cuts: Sequence[str] = ()) -> list[str]: ...
    def versions(self, prefix: str, cuts: Sequence[str] = ()) -> dict[str, str]: ...
    def folders(self) -> list[str]: ...
    def look(self, folder: str) -> Look: ...
    def chunks(self, path: str) -> Iterator[bytes] | None: ...


class Store:
    """A prefix in object storage.

    Every method raises `StoreError`, with the address and the reason in one sentence, when storage
    refuses, is full, or stays away for `PATIENCE`. Objects whose name, or a folder's name above
    them, begins with a dot are not listed: they are what systems leave behind.
    """

    def __init__(self, url: str, patience: timedelta = PATIENCE):
        self.url = public(url).rstrip("/") or "/"
        self._kind: type[_Place] = Folder
        with self._translated("opened"):
            address = parse_results(url)
            if address.scheme != "file":
                # 7 MiB, which a folder has no use for.
                from tuner_job.results.bucket import Bucket

                self._kind = Bucket
            self._place = self._kind.open(address, patience)

    def __reduce__(self) -> tuple[type["Store"], tuple[str]]:
        return Store, (self.url,)

    def get(self, path: str) -> bytes | None:
        """Content of one object; None if there is none.

        Raises
        ------
        UnreadableError
            The store is in order, and this object cannot be read.
        """
        try:  # not `_translated`, which takes half as long as reading a small file
            return self._place.get(path)
        except self._kind.REFUSALS as error:
            raise self._refusal(error, "read", path) from None

    def put(self, path: str, content: bytes) -> None:
        """Write one object, whole or not at all, over what was there."""
        with self._translated("written", path):
            self._place.put(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """Write one object, whole or not at all, unless there is one; return whether this call
        made it."""
        with self._translated("written", path):
            return self._place.create(path, content)

    def delete(self, path: str) -> None:
        """Remove one object; that there is none is no error."""
        with self._translated("deleted", path):
            self._place.delete(path)

    def paths(self, prefix: str, cuts: Sequence[str] = ()) -> list[str]:
        """Paths of all objects below a folder, sorted.

        Parameters
        ----------
        cuts
            Ascending paths between which a listing of very many may be asked for at once.
        """
        with self._translated("listed", prefix):
            found = self._place.paths(prefix, cuts)
        return sorted(path for path in found if not _is_hidden(path))

    def versions(self, prefix: str, cuts: Sequence[str] = ()) -> dict[str, str]:
        """Version of all that `paths` lists: another one whenever an object was written anew."""
        with self._translated("listed", prefix):
            found = self._place.versions(prefix, cuts)
        return {path: found[path] for path in sorted(found) if not _is_hidden(path)}

    def folders(self) -> list[str]:
        """Names of the first-level folders, sorted."""
        with self._translated("listed"):
            return sorted(name for name in self._place.folders() if not name.startswith("."))

    def look(self, folder: str = "") -> Look:
        """Find what stands right in a folder; an empty name is the whole address."""
        with self._translated("listed", folder):
            found = self._place.look(folder)
        return Look(
            sorted(name for name in found.folders if not name.startswith(".")),
            {name: one for name, one in found.objects.items() if not name.startswith(".")},
        )

    def chunks(self, path: str) -> Iterator[bytes] | None:
        """Content of one object piece by piece, for what may be larger than memory; None if there
        is none."""
        with self._translated("read", path):
            pieces = self._place.chunks(path)
        return None if pieces is None else self._translate(pieces, path)

    def _translate(self, pieces: Iterator[bytes], path: str) -> Iterator[bytes]:
        with self._translated("read", path):
            yield from pieces

    @contextmanager
    def _translated(self, done: str, path: str = "") -> Iterator[None]:
        try:
            yield
        except self._kind.REFUSALS as error:
            raise self._refusal(error, done, path) from None

    def _refusal(self, error: Exception, done: str, path: str) -> StoreError:
        where = plain(f"{self.url}/{path}" if path else self.url, _MOST_SHOWN)
        of_object = path and done == "read" and isinstance(error, self._kind.OF_ONE_OBJECT)
        kind = UnreadableError if of_object else StoreError
        return kind(f"{where}: cannot be {done}: {self._kind.reason_of(error)}")


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def check_writable(url: str) -> None:
    """Find out before any work whether results can be written, and created only where nothing is.

    Raises
    ------
    StoreError
    """
    store = Store(url, FIRST_CONTACT)
    place, probe = store._place, f".write-test-{uuid4().hex}"
    first = b"first".ljust(_PROBE)
    with store._translated("written"):
        try:
            made, again = place.create(probe, first), place.create(probe, b"second")
            kept = place.get(probe)
        finally:
            with suppress(Exception):  # what went wrong before is what counts
                place.delete(probe)
    if not made or again or kept != first:
        raise StoreError(
            f"{store.url}: cannot be used for results: of two writers of one new object one must "
            "be refused, as S3 does by If-None-Match; this store lets both write"
        )


def read_bytes(location: str) -> bytes:
    """Read a file, given as a path or as a URL that a `Store` or plain HTTP can read.

    Raises
    ------
    StoreError
        It is not there or cannot be read.
    """
    try:
        address = parse_data(location)
    except ValueError as error:
        raise StoreError(
            f"{plain(public(location), _MOST_SHOWN)}: cannot be read: {error}"
        ) from None
    if address.scheme == "file":
        return _read_file(Path(address.path), public(location))
    if address.scheme in ("http", "https"):
        return download(address, public(location))
    folder, _, name = address.path.rpartition("/")
    content = Store(replace(address, path=folder).url, FIRST_CONTACT).get(name)
    if content is None:
        raise StoreError(f"{public(location)}: cannot be read: there is no such object")
    return content


def _read_file(path: Path, shown: str) -> bytes:
    try:
        return read_file(path)
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise StoreError(f"{plain(shown, _MOST_SHOWN)}: cannot be read: {reason}") from None
