"""How much of an address may be shown or stored.

User info, query and fragment of a URL may hold a password or a signature. Only what reads the
address sees them: everything that is shown or stored holds `public` of it.
"""

import re
from urllib.parse import urlsplit

_LETTER = r"[a-z0-9]"
BUCKETS = {
    "s3": re.compile(rf"{_LETTER}[a-z0-9.-]{{1,61}}{_LETTER}"),
    "gs": re.compile(rf"{_LETTER}[a-z0-9._-]{{1,220}}{_LETTER}"),
    "az": re.compile(rf"{_LETTER}[a-z0-9-]{{1,61}}{_LETTER}"),
}
"""What each store allows as the name of a bucket (az: a container)."""
WEB = ("http", "https")
SCHEMES = ("file", *BUCKETS, *WEB)
_URL = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]+:/|(?i:{'|'.join(SCHEMES)})(:|//)")
"""Also a mistyped one, which would be a strange folder. ``C:/`` is a drive."""
LOGIN = re.compile(r"/{0,2}[^/@\s]*:[^@\s]*@")
"""How a URL goes on, or begins where its scheme was forgotten."""
_HOST = re.compile(r"[\w-]+(\.[\w-]+)+")


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL and not as a path of this machine."""
    return _URL.match(text) is not None


def is_remote(text: str) -> bool:
    """Whether a text is the URL of what stands on no machine's own disk: a pod reads it too."""
    return is_url(text) and not text.lower().startswith("file:")


def public(text: str) -> str:
    """What of an address may be shown and stored: no user info, query or fragment.

    Of a URL that cannot be told from a mistyped login only the scheme is left.
    """
    bare = re.sub(r"[\t\r\n]", "", text).strip()
    if not is_url(bare):
        return text if not LOGIN.match(bare) else f"…@{bare.rpartition('@')[2].partition('?')[0]}"
    scheme = re.split("[:/]", bare, maxsplit=1)[0]
    try:
        parts = urlsplit(bare)
        place = parts.netloc.rpartition("@")[2]
        _ = parts.port if parts.scheme in WEB else None  # a password with a / looks like a port
    except ValueError:
        return f"{scheme}://…"
    if "@" in parts.path + parts.query + parts.fragment and not _is_plain(parts.scheme, place):
        return f"{scheme}://…"
    slashes = "//" if bare[len(scheme) :].startswith("://") else ""
    return f"{scheme}:{slashes}{place}{parts.path}" if parts.scheme else parts.path


def _is_plain(scheme: str, place: str) -> bool:
    """Whether a URL's place is surely one, and no user name before a password that holds a
    ``/``."""
    return (scheme == "file" and not place) or bool(BUCKETS.get(scheme, _HOST).fullmatch(place))


def holds_secrets(text: str) -> bool:
    """Whether a URL holds what is neither shown nor stored."""
    return is_url(text) and public(text) != text


_IN_WORD = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]{1,20}:/|/{0,2}[^/@:'"(<\[=]{0,200}:[^@]{0,500}@""")
"""Where in a word an address, or a login without its scheme, begins."""
_LONGEST_WORD = 8192
_SIGNATURE = re.compile(
    r"(?i)\b(x-(?:amz|goog)-(?:signature|credential|security-token)|signature|credential|sig|access_?token|token|password"
    r"|awsaccesskeyid|secret)=[^\s&'\",:;)]+"
)


def without_secrets(text: str) -> str:
    """Strip every URL that stands in a text, whoever wrote it, and values that are named as
    signatures."""
    return _SIGNATURE.sub(r"\1=…", re.sub(r"\S+", _strip_word, text))


def _strip_word(match: re.Match[str]) -> str:
    word = match[0]
    if ":" not in word or not ("/" in word or "@" in word):
        return word
    word = word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}…"
    found = _IN_WORD.search(word)
    if not found:
        return word
    address = word[found.start() :].rstrip("'\")]}>,;:.")
    return word[: found.start()] + public(address) + word[found.start() + len(address) :]
