"""Object storage behind one small class: a folder or an ``s3://``, ``gs://``, ``az://``, ``file://`` URL.

Credentials and endpoints come from the environment, under the names that each cloud's own tools use
(for S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP).
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore import exceptions
from obstore.store import LocalStore, ObjectStore, from_url

from tuner_job.errors import StoreError
from tuner_job.files import local_path, read_file
from tuner_job.wording import plain

SCHEMES = ("file", "s3", "gs", "az")
PATIENCE = timedelta(minutes=10)
"""How long a running search waits for storage that went away."""
FIRST_CONTACT = timedelta(seconds=10)
"""How long the first request waits: a wrong endpoint is to be found out soon."""

_PASSING = re.compile(r"HTTP error|404 Not Found:\s*(?:\n|$)")
"""What obstore says of a connection that broke, and of a 404 without a word: a server that starts or stops answers so,
one that lacks the object or bucket says which."""
_PAUSE = 0.5
_T = TypeVar("_T")


class Store:
    """A prefix in object storage.

    Every method raises `StoreError`, with the address and the reason in one sentence, when storage
    refuses, is full, or stays away for `PATIENCE`.
    """

    def __init__(self, url: str, patience: timedelta = PATIENCE):
        self.url = url.rstrip("/")
        self._patience = patience
        with self._translated("opened"):
            self._store = _open(self.url, patience)

    def __reduce__(self) -> tuple[type["Store"], tuple[str]]:
        return Store, (self.url,)

    def get(self, path: str) -> bytes | None:
        """Content of one object; None if there is none."""
        with self._translated("read", path):
            try:
                return self._insist(lambda _: bytes(obstore.get(self._store, path).bytes()))
            except FileNotFoundError:
                return None

    def put(self, path: str, content: bytes) -> None:
        """Write one object, whole or not at all, over what was there."""
        with self._translated("written", path):
            self._insist(lambda _: obstore.put(self._store, path, content))

    def create(self, path: str, content: bytes) -> bool:
        """Write one object unless there is one; return whether this call made it."""

        def once(earlier_tries: int) -> bool:
            try:
                obstore.put(self._store, path, content, mode="create", use_multipart=False)
            except exceptions.AlreadyExistsError:
                return earlier_tries > 0 and self.get(path) == content  # the answer to one of them was lost
            return True

        with self._translated("written", path):
            return self._insist(once)

    def delete(self, path: str) -> None:
        """Remove one object."""
        with self._translated("deleted", path):
            obstore.delete(self._store, path)

    def paths(self, prefix: str) -> list[str]:
        """Paths of all objects below a folder, sorted."""
        with self._translated("listed", prefix):
            return sorted(entry["path"] for batch in obstore.list(self._store, prefix) for entry in batch)

    def folders(self) -> list[str]:
        """Names of the first-level folders, sorted."""
        with self._translated("listed"):
            prefixes = obstore.list_with_delimiter(self._store)["common_prefixes"]
            return sorted(prefix.rsplit("/", 1)[-1] for prefix in prefixes)

    def _insist(self, request: Callable[[int], _T]) -> _T:
        """Repeat a request that a passing fault hit: the client does so only where it knows that to be harmless."""
        deadline = time.monotonic() + 0.9 * self._patience.total_seconds()
        earlier_tries = 0
        while True:
            try:
                return request(earlier_tries)
            except (exceptions.GenericError, FileNotFoundError) as error:
                if not _PASSING.search(str(error)) or time.monotonic() > deadline:
                    raise
            earlier_tries += 1
            time.sleep(_PAUSE)

    @contextmanager
    def _translated(self, done: str, path: str = "") -> Iterator[None]:
        where = f"{self.url}/{path}" if path else self.url
        try:
            yield
        except (exceptions.BaseError, OSError, ValueError) as error:
            raise StoreError(f"{where}: cannot be {done}: {_reason(error)}") from None


def check_writable(url: str) -> None:
    """Find out before any work whether results can be written and created conditionally.

    Raises
    ------
    StoreError
    """
    store = Store(url, FIRST_CONTACT)
    probe = f".write-test-{os.getpid()}"
    store.create(probe, b"va-tuning")
    store.delete(probe)


def read_bytes(location: str) -> bytes:
    """Read a file, given as a path or as a URL that a `Store` or plain HTTP can read.

    Raises
    ------
    StoreError
        It is not there or cannot be read.
    """
    if (path := local_path(location)) is not None:
        try:
            return read_file(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise StoreError(f"{plain(location) or 'an empty name'}: cannot be read: {reason}") from None
    folder, _, name = location.rpartition("/")
    content = Store(folder, FIRST_CONTACT).get(name)
    if content is None:
        raise StoreError(f"{location}: cannot be read: there is no such object")
    return content


def _open(url: str, patience: timedelta) -> ObjectStore:
    scheme = urlsplit(url).scheme if "://" in url else "file"
    if scheme == "file":
        path = Path(unquote(urlsplit(url).path) if "://" in url else url).absolute()
        return LocalStore(prefix=path, mkdir=True)
    if scheme not in (*SCHEMES, "http", "https"):
        raise ValueError(f"must begin with {', '.join(f'{s}://' for s in SCHEMES)} or be a folder")
    return from_url(
        url,
        client_options={"allow_http": True, "timeout": timedelta(seconds=30)},
        retry_config={
            "max_retries": 1000,
            "retry_timeout": patience,
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=5),
                "base": 2,
            },
        },
    )


_SERVER_SAYS = re.compile(r"<Code>(\w+)</Code>(?:.*?<Message>([^<]*)</Message>)?", re.DOTALL)


def _reason(error: Exception) -> str:
    """The one sentence that helps, out of an error that may span pages."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    text = str(error)
    if said := _SERVER_SAYS.search(text):
        return f"the server says {said[1]}" + (f": {said[2]}" if said[2] else "")
    if isinstance(error, exceptions.UnauthenticatedError | exceptions.PermissionDeniedError):
        return "access denied; check the credentials in the environment"
    plain = re.sub(r"\s+", " ", text.split("Debug source:")[0]).strip()
    return re.sub(r" \(os error \d+\)$", "", plain)
