"""Addresses of data and results: what they may be, and how much of one may be shown or stored.

User info, query and fragment of a URL may hold a password or a signature. Only what reads the address sees
them: everything that is shown or stored holds `public` of it.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import url2pathname

from tuner_job.wording import shown

_LETTER = r"[a-z0-9]"
_BUCKETS = {
    "s3": re.compile(rf"{_LETTER}[a-z0-9.-]{{1,61}}{_LETTER}"),
    "gs": re.compile(rf"{_LETTER}[a-z0-9._-]{{1,220}}{_LETTER}"),
    "az": re.compile(rf"{_LETTER}[a-z0-9-]{{1,61}}{_LETTER}"),
}
"""What each store allows as the name of a bucket (az: a container)."""
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_SERVICE_ACCOUNT",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_WEB = ("http", "https")
_SCHEMES = ("file", *_BUCKETS, *_WEB)
_STORES = "a folder, or begin with s3://, gs://, az:// or file://"
_SOURCES = "a file, or begin with s3://, gs://, az://, https://, http:// or file://"
_MOST_CHARACTERS = 4096
_URL = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]+:/|(?i:{'|'.join(_SCHEMES)})(:|//)")
"""Also a mistyped one, which would be a strange folder. ``C:/`` is a drive."""
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_LOGIN = re.compile(r"/{0,2}[^/@\s]*:[^@\s]*@")
"""How a URL goes on, or begins where its scheme was forgotten."""
_HOST = re.compile(r"[\w-]+(\.[\w-]+)+")


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
        Path of the file or URL, or key in the bucket without a leading slash; percent signs are decoded.
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
        query = f"?{quote(self.query, safe=_AS_WRITTEN)}" if self.query else ""
        return f"{self.scheme}://{self.place}/{quote(self.path.lstrip('/'), safe=_KEPT)}{query}"


_KEPT = "/:@!$&'()*+,;=~"
_AS_WRITTEN = f"%?{_KEPT}"


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL and not as a path of this machine."""
    return _URL.match(text) is not None


def public(text: str) -> str:
    """What of an address may be shown and stored: no user info, query or fragment.

    Of a URL that cannot be told from a mistyped login only the scheme is left.
    """
    bare = re.sub(r"[\t\r\n]", "", text).strip()
    if not is_url(bare):
        return text if not _LOGIN.match(bare) else f"…@{bare.rpartition('@')[2].partition('?')[0]}"
    scheme = re.split("[:/]", bare, maxsplit=1)[0]
    try:
        parts = urlsplit(bare)
        place = parts.netloc.rpartition("@")[2]
        _ = parts.port if parts.scheme in _WEB else None  # a password with a / looks like a port
    except ValueError:
        return f"{scheme}://…"
    if "@" in parts.path + parts.query + parts.fragment and not _is_plain(parts.scheme, place):
        return f"{scheme}://…"
    slashes = "//" if bare[len(scheme) :].startswith("://") else ""
    return f"{scheme}:{slashes}{place}{parts.path}" if parts.scheme else parts.path


def _is_plain(scheme: str, place: str) -> bool:
    """Whether a URL's place is surely one, and no user name before a password that holds a ``/``."""
    return (scheme == "file" and not place) or bool(_BUCKETS.get(scheme, _HOST).fullmatch(place))


def holds_secrets(text: str) -> bool:
    """Whether a URL holds what is neither shown nor stored."""
    return is_url(text) and public(text) != text


_SHOWN_URL = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]+:/\S+|/{0,2}[^\s/@:'"(<\[=]*:[^\s@]*@\S*""")
_CLOSING = re.compile(r"""['")\]}>,;:.]*$""")
_SIGNATURE = re.compile(
    r"(?i)\b(x-(?:amz|goog)-(?:signature|credential|security-token)|signature|credential|sig|access_?token|token|password"
    r"|awsaccesskeyid|secret)=[^\s&'\",:;)]+"
)


def without_secrets(text: str) -> str:
    """Strip every URL that stands in a text, whoever wrote it, and values that are named as signatures."""

    def strip(match: re.Match[str]) -> str:
        closing = _CLOSING.search(match[0])
        end = closing.start() if closing else len(match[0])
        return public(match[0][:end]) + match[0][end:]

    return _SIGNATURE.sub(r"\1=…", _SHOWN_URL.sub(strip, text))


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
        port = parts.port if scheme in _WEB else None
        path = unquote(parts.path, errors="strict")
    except ValueError:  # its message may repeat user and password
        raise ValueError("is not a URL: a /, ?, #, @ or % of a name or password is written %2F, %3F, …") from None
    if _has_control(path):
        raise ValueError("must be without control characters")
    if scheme in _WEB:
        return _web(parts, path, port)
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
    if _LOGIN.match(text) and not is_url(text):
        return "must begin with https:// if it is an address on the web"
    scheme, colon, rest = text.partition(":")
    if not is_url(text) or (scheme in _SCHEMES and rest.startswith("//")):
        return None
    if scheme.lower() in _SCHEMES and colon:
        return f"must begin with {scheme.lower()}://, in lower case and with two slashes"
    return f"must be {may_be}"


def _has_control(text: str) -> bool:
    return any(category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)


def _home(text: str) -> str:
    try:
        return str(Path(text).expanduser()) if text.startswith("~") else text
    except RuntimeError:
        raise ValueError("begins with ~ and the name of nobody on this machine; write ./~… for a name") from None


def _web(parts: SplitResult, path: str, port: int | None) -> Address:
    if not parts.hostname:
        raise ValueError(f"must name a server: {parts.scheme}://server/path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username is not None else None
    return Address(parts.scheme, f"{host}:{port}" if port else host, path, parts.query, login)


def _file(parts: SplitResult) -> Address:
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise ValueError("must name a file of this machine: file:///path, with three slashes")
    return Address("file", "", url2pathname(parts.path))


def _object(scheme: str, parts: SplitResult, path: str) -> Address:
    if "@" in parts.netloc or ":" in parts.netloc:
        raise ValueError(
            f"must hold no keys, user or port: credentials belong in the environment ({_CREDENTIALS[scheme]})"
        )
    kind = "container" if scheme == "az" else "bucket"
    if not parts.netloc:
        raise ValueError(f"must name a {kind}: {scheme}://{kind}/path")
    if not _BUCKETS[scheme].fullmatch(parts.netloc):
        raise ValueError(f"must name a {kind} as {scheme}:// allows it: at least 3 of a–z, 0–9, - and perhaps .")
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


def data_address(text: str) -> str:
    """Check the address of a data file, as `results_address` does that of results."""
    return _checked(text, parse_data)


def parse_results(text: str) -> Address:
    """Take an address apart at which results can stand; see `parse`."""
    address = parse(text)
    if address.scheme in _WEB:
        raise ValueError(f"must be {_STORES}: no results are written or listed over {address.scheme}://")
    if os.name != "nt" and address.scheme == "file" and "\\" in address.path:
        raise ValueError("must be written with / between folders")
    return address


def parse_data(text: str) -> Address:
    """Take the address of a data file apart; see `parse`."""
    address = parse(text, _SOURCES)
    if address.scheme in _BUCKETS and not address.path:
        raise ValueError(f"must name an object: {address.scheme}://{address.place}/path")
    return address


def _checked(text: str, take_apart: Callable[[str], Address]) -> str:
    try:
        address = take_apart(text)
    except ValueError as error:
        raise ValueError(f"{error}; got {shown(public(text))}") from None
    return address.path if text.startswith("~") else text
