"""Objects in the storage of a cloud or a server, and what their refusals mean."""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from itertools import repeat
from typing import Any, ClassVar, Self, TypeVar

import obstore
from obstore import exceptions
from obstore.store import ObjectStore, from_url

from tuner_job.address import Address
from tuner_job.public import without_secrets
from tuner_job.results.download import server_says
from tuner_job.results.environment import check_environment
from tuner_job.results.look import Look, Object
from tuner_job.wording import plain

_log = logging.getLogger(__name__)

_MOST_SHOWN = 200  # characters of a reason
_PAUSE = 0.5
_CHUNK = 2**20
_PAGE = 1000
"""Objects that a service names in one answer to a listing."""
_IN_TURN = 5 * _PAGE
"""Objects that are listed page by page before the rest is listed in parts."""
_AT_ONCE = 16
_T = TypeVar("_T")


class Bucket:
    """The objects below an address in a cloud's or a server's object storage.

    It raises obstore's errors, which `reason_of` puts in words.
    """

    REFUSALS: ClassVar[tuple[type[Exception], ...]] = (exceptions.BaseError, OSError, ValueError)
    OF_ONE_OBJECT: ClassVar[tuple[type[Exception], ...]] = (
        OSError,
        exceptions.PermissionDeniedError,
    )

    def __init__(self, address: Address, patience: timedelta):
        self._store = _cloud(address, patience)
        self._patience = patience

    @classmethod
    def open(cls, address: Address, patience: timedelta) -> Self:
        """Make a client; nothing is asked of the server yet."""
        return cls(address, patience)

    @staticmethod
    def reason_of(error: Exception) -> str:
        """The one sentence that helps, out of an error that may span pages."""
        return reason_of(error)

    def get(self, path: str) -> bytes | None:
        """Content of one object; None if there is none."""
        try:
            return self._insist(lambda _: bytes(obstore.get(self._store, path).bytes()))
        except _ABSENT:
            return None

    def put(self, path: str, content: bytes) -> None:
        """Write one object over what was there."""
        self._insist(lambda _: obstore.put(self._store, path, content))

    def create(self, path: str, content: bytes) -> bool:
        """Write one object unless there is one; return whether this call made it."""

        def once(earlier_tries: int) -> bool:
            try:
                obstore.put(self._store, path, content, mode="create", use_multipart=False)
            except exceptions.AlreadyExistsError:
                return (
                    earlier_tries > 0 and self.get(path) == content
                )  # the answer to one of them was lost
            return True

        return self._insist(once)

    def delete(self, path: str) -> None:
        """Remove one object; that there is none is no error."""
        with suppress(*_ABSENT):
            self._insist(lambda _: obstore.delete(self._store, path))

    def paths(self, prefix: str, cuts: Sequence[str] = ()) -> list[str]:
        """Paths of all objects below a folder; see `versions`."""
        return list(self.versions(prefix, cuts))

    def versions(self, prefix: str, cuts: Sequence[str] = ()) -> dict[str, str]:
        """Path → version of all objects below a folder.

        A listing comes in pages, each of which is asked for with the end of the one before: of very
        many objects, what lies between two cuts is asked for beside the other parts.

        Parameters
        ----------
        cuts
            Paths below the folder, ascending; whether there are such objects does not matter.
        """
        if not cuts:
            return self._listed(prefix)
        found = self._listed(prefix, most=_IN_TURN)
        if len(found) < _IN_TURN:
            return found
        if not self._starts_anywhere(prefix, list(found)):
            return self._listed(prefix)
        last = max(found)
        ahead = [cut for cut in cuts if cut > last]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for start in range(0, len(ahead), _AT_ONCE):
                ends = ahead[start : start + _AT_ONCE]
                parts = list(threads.map(self._listed, repeat(prefix), [last, *ends], ends))
                for part in parts:
                    found |= part
                last = ends[-1]
                if not parts[-1]:
                    break
        return found | self._listed(prefix, last)

    def _listed(
        self,
        prefix: str,
        after: str | None = None,
        until: str | None = None,
        most: int | None = None,
    ) -> dict[str, str]:
        """Path → version of objects below a folder: those after a path, until another one, and
        `most` of them or a page more."""

        def once(_: int) -> dict[str, str]:
            found: dict[str, str] = {}
            for page in obstore.list(self._store, prefix, offset=after, chunk_size=_PAGE):
                for entry in page:
                    if until is not None and entry["path"] > until:
                        return found
                    found[entry["path"]] = _version(entry)
                if most is not None and len(found) >= most:  # before the next page is asked for
                    break
            return found

        return self._insist(once)

    def _starts_anywhere(self, prefix: str, paths: list[str]) -> bool:
        """Whether the service lists in order and from a path on, by what is known of a folder:
        some have no order, and some do not start where they are asked to."""
        rest = paths[-_PAGE // 2 :]
        return paths == sorted(paths) and rest[1:] == list(self._listed(prefix, rest[0], rest[-1]))

    def folders(self) -> list[str]:
        """Names of the first-level folders."""
        prefixes = self._insist(
            lambda _: obstore.list_with_delimiter(self._store)["common_prefixes"]
        )
        return [prefix.rsplit("/", 1)[-1] for prefix in prefixes]

    def look(self, folder: str) -> Look:
        """What stands right in a folder."""
        found = self._insist(
            lambda _: obstore.list_with_delimiter(self._store, f"{folder}/" if folder else None)
        )
        objects = {
            one["path"].rsplit("/", 1)[-1]: Object(
                one["size"],
                _version(one),
                one["last_modified"].timestamp(),
            )
            for one in found["objects"]
        }
        return Look(
            [one.rstrip("/").rsplit("/", 1)[-1] for one in found["common_prefixes"]], objects
        )

    def chunks(self, path: str) -> Iterator[bytes] | None:
        """Content of one object piece by piece; None if there is none."""
        try:
            found = self._insist(lambda _: obstore.get(self._store, path))
        except _ABSENT:
            return None
        return (bytes(piece) for piece in found.stream(min_chunk_size=_CHUNK))

    def _insist(self, request: Callable[[int], _T]) -> _T:
        """Repeat a request that a passing fault hit: the client does so only where it knows that
        to be harmless."""
        deadline = time.monotonic() + 0.9 * self._patience.total_seconds()
        earlier_tries = 0
        while True:
            try:
                return request(earlier_tries)
            except (exceptions.GenericError, *_ABSENT) as error:
                if not _is_passing(error) or time.monotonic() > deadline:
                    raise
                _log.debug("the store is asked again: %s", reason_of(error))
            earlier_tries += 1
            time.sleep(_PAUSE)


_ABSENT = (FileNotFoundError, exceptions.NotFoundError)


def _is_passing(error: Exception) -> bool:
    """Whether to ask again: a server that decides says its reason; a connection that broke has
    none.

    obstore has one type for all that is no decision, and one for every 404. A server that starts or
    stops may answer 404 without a word; one that lacks the object or the bucket says which. A
    request that could not be built was never sent. So there its words have to be looked at.
    """
    text = str(error)
    if server_says(text) or "builder error" in text or "BadScheme" in text:
        return False
    return isinstance(error, exceptions.GenericError) or bool(_WORDLESS_404.search(text))


_WORDLESS_404 = re.compile(r"404 Not Found:\s*(?:\n|$)")


def _version(told: Mapping[str, Any]) -> str:
    return told["e_tag"] or f"{told['last_modified']}-{told['size']}"


def _cloud(address: Address, patience: timedelta) -> ObjectStore:
    return from_url(
        address.url,
        client_options={
            "allow_http": check_environment(address.scheme),
            "timeout": timedelta(seconds=30),
        },
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


_CAUSE = re.compile(r"failed to lookup address information|ConnectionRefused")
"""What obstore says only to programmers."""


_CERTIFICATE = re.compile(r"InvalidCertificate\(\s*(\w+)")
_AUTHORITIES = "SSL_CERT_FILE"
"""Environment variable that names the file with the certificates of trusted authorities."""


def _of_certificate(what: str) -> str:
    """Say what is wrong with a server's certificate, and what to do about it."""
    if what not in ("UnknownIssuer", "BadSignature"):
        return f"the server's certificate is not trusted ({what})"
    if said := os.environ.get(_AUTHORITIES):
        return (
            f"the server's certificate is not trusted: {plain(said, 100)}, which {_AUTHORITIES} "
            "names, lacks its authority"
        )
    return (
        "the server's certificate is not trusted, as its authority is not known: name a file with "
        f"that authority's certificate in {_AUTHORITIES} (AWS_CA_BUNDLE is not looked at)"
    )


def reason_of(error: Exception) -> str:
    """The one sentence that helps, out of an error that may span pages."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    text = str(error)
    if words := server_says(text):
        return f"the server says {words}"
    if isinstance(error, exceptions.UnauthenticatedError | exceptions.PermissionDeniedError):
        return "access denied; check the credentials in the environment"
    said, _, debug = text.partition("Debug source:")
    said = re.sub(r" \(os error \d+\)$", "", " ".join(said.split()))
    if "BadScheme" in debug:
        return (
            "the store is at an http:// address, which sends data unprotected; "
            "GOOGLE_ALLOW_HTTP=true (AWS_…, AZURE_…) in the environment asks for it"
        )
    if wrong := _CERTIFICATE.search(debug):
        return _of_certificate(wrong[1])
    authorities = os.environ.get(_AUTHORITIES)
    if "builder error" in text and authorities and not os.access(authorities, os.R_OK):
        return f"{plain(authorities, 100)}, which {_AUTHORITIES} names, cannot be read"
    cause = _CAUSE.search(debug)
    return plain(
        without_secrets(f"{said} ({cause[0]})" if cause and cause[0] not in said else said),
        _MOST_SHOWN,
    )
