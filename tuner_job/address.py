"""Addresses of data and results: what they may be, taken apart."""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category
from urllib.parse import SplitResult, quote, unquote, urlsplit

from tuner_job.public import BUCKETS, LOGIN, SCHEMES, WEB, is_remote, is_url, public
from tuner_job.wording import shown

_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_SERVICE_ACCOUNT",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_STORES = "a folder, or begin with s3://, gs://, az:// or file://"
_SOURCES = "a file, or begin with s3://, gs://, az://, https://, http:// or file://"
_MOST_CHARACTERS = 4096
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


@dataclass(frozen=True)
class Address:
    """An address taken apart.

    Attributes
    ----------
    scheme
        file (a path of this machine too), s3, gs, az, http or https.
    place
        The bucket or container, or the web server with its port; empty for a file.
    path
        Path of the file, or key in the bucket without a leading slash; of a web address as it is
        written.
    query
        Of a web address, as it is written.
    login
        User and password of a web address; None: it has none.
    """

    scheme: str
    place: str
    path: str
    query: str = ""
    login: tuple[str, str] | None = None

    @property
    def url(self) -> str:
        """The URL again, encoded, without the login."""
        if self.scheme not in WEB:
            return f"{self.scheme}://{self.place}/{quote(self.path.lstrip('/'), safe=_KEPT)}"
        asked = f"{self.path or '/'}?{self.query}" if self.query else self.path or "/"
        return f"{self.scheme}://{self.place}{quote(asked, safe=f'%?{_KEPT}')}"


_KEPT = "/:@!$&'()*+,;=~[]"


def parse(text: str, may_be: str = _STORES) -> Address:
    """Take an address apart.

    Parameters
    ----------
    may_be
        What it may be, for the message.

    Raises
    ------
    ValueError
        It is none; the message says what must hold and repeats nothing of it.
    """
    if problem := _misspelt(text, may_be):
        raise ValueError(problem)
    if not is_url(text):
        return Address("file", "", _home(text))
    scheme = text.partition(":")[0]
    try:
        parts = urlsplit(text)
        port = parts.port if scheme in WEB else None
        path = unquote(parts.path, errors="strict")
    except ValueError:  # its message may repeat user and password
        raise ValueError(
            "is not a URL: a /, ?, #, @ or % of a name or password is written %2F, %3F, …"
        ) from None
    if _has_control(path):
        raise ValueError("must be without control characters")
    if scheme in WEB:
        return _web(parts, port)
    if parts.query or parts.fragment or text[-1] in "?#":
        raise ValueError("must hold no ? or #: in a name they are written %3F and %23")
    return _file(parts) if scheme == "file" else _object(scheme, parts, path)


def _misspelt(text: str, may_be: str) -> str | None:
    if not text:
        return "must not be empty"
    if len(text) > _MOST_CHARACTERS:
        return f"must be at most {_MOST_CHARACTERS:,} characters, got {len(text):,}"
    if _has_control(text):
        return "must be on one line, without control characters"
    if text != text.strip():
        return "must not begin or end with a blank"
    if os.name != "nt" and _WINDOWS.match(text):
        return "is a path of Windows, which this system does not know"
    if LOGIN.match(text) and not is_url(text):
        return "must begin with https:// if it is an address on the web"
    if text.startswith("://"):
        return f"must be {may_be}"
    scheme, colon, rest = text.partition(":")
    if not is_url(text) or (scheme in SCHEMES and rest.startswith("//")):
        return None
    if scheme.lower() in SCHEMES and colon:
        return f"must begin with {scheme.lower()}://, in lower case and with two slashes"
    return f"must be {may_be}"


def _has_control(text: str) -> bool:
    return any(category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)


def _home(text: str) -> str:
    try:
        return str(Path(text).expanduser()) if text.startswith("~") else text
    except RuntimeError:
        raise ValueError(
            "begins with ~ and the name of nobody on this machine; write ./~… for a name"
        ) from None


def _web(parts: SplitResult, port: int | None) -> Address:
    if not parts.hostname:
        raise ValueError(f"must name a server: {parts.scheme}://server/path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    login = (
        (unquote(parts.username), unquote(parts.password or ""))
        if parts.username is not None
        else None
    )
    return Address(parts.scheme, f"{host}:{port}" if port else host, parts.path, parts.query, login)


def _file(parts: SplitResult) -> Address:
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise ValueError("must name a file of this machine: file:///path, with three slashes")
    from urllib.request import url2pathname  # brings what speaks HTTP

    return Address("file", "", url2pathname(parts.path))


def _object(scheme: str, parts: SplitResult, path: str) -> Address:
    if "@" in parts.netloc or ":" in parts.netloc:
        raise ValueError(
            "must hold no keys, user or port: credentials belong in the environment "
            f"({_CREDENTIALS[scheme]})"
        )
    kind = "container" if scheme == "az" else "bucket"
    if not parts.netloc:
        raise ValueError(f"must name a {kind}: {scheme}://{kind}/path")
    if not BUCKETS[scheme].fullmatch(parts.netloc):
        raise ValueError(
            f"must name a {kind} as {scheme}:// allows it: at least 3 of a–z, 0–9, - and perhaps ."
        )
    key = path.removeprefix("/").removesuffix("/")
    if key and not {"", ".", ".."}.isdisjoint(key.split("/")):
        raise ValueError("must have no part that is empty, . or ..")
    return Address(scheme, parts.netloc, key)


def results_address(text: str) -> str:
    """Check the address of results; return it with ``~`` written out.

    Raises
    ------
    ValueError
        With what must hold, and what of the address may be shown.
    """
    return _checked(text, parse_results)


def out_of_reach(sources: Iterable[str]) -> str | None:
    """Say which of the experiments that one starts from a cluster cannot read; None if it can read
    all."""
    for one in sources:
        if not (one.startswith("/") or is_remote(one)):
            return (
                "start_from: must be addresses that the cluster can read (s3://…, gs://…, az://…), "
                f"or absolute paths of a volume in its pods; got {shown(public(one))}"
            )
    return None


def data_address(text: str) -> str:
    """Check the address of a data file, as `results_address` does that of results."""
    return _checked(text, parse_data)


def parse_results(text: str) -> Address:
    """Take an address apart at which results can stand; see `parse`."""
    address = parse(text)
    if address.scheme in WEB:
        raise ValueError(
            f"must be {_STORES}: no results are written or listed over {address.scheme}://"
        )
    if os.name != "nt" and address.scheme == "file" and "\\" in address.path:
        raise ValueError("must be written with / between folders")
    return address


def parse_data(text: str) -> Address:
    """Take the address of a data file apart; see `parse`."""
    address = parse(text, _SOURCES)
    if address.scheme in BUCKETS and not address.path:
        raise ValueError(f"must name an object: {address.scheme}://{address.place}/path")
    return address


def _checked(text: str, take_apart: Callable[[str], Address]) -> str:
    try:
        address = take_apart(text)
    except ValueError as error:
        raise ValueError(f"{error}; got {shown(public(text))}") from None
    return address.path if text.startswith("~") else text
