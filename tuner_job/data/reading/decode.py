"""From the bytes of a text file to UTF-8, without guessing where a guess may change a name."""

import codecs
import re
from collections.abc import Iterator

from tuner_job.errors import DataError

_MOSTLY = 10
"""A file with one valid sequence of UTF-8 to so many bad bytes is UTF-8 that was damaged, or two
encodings in one: in Windows-1252 the letters that look like such a sequence hardly ever stand
together."""
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_BLOCK = 1 << 20
_BEGINNING = 4096


def decode(content: bytes, source: str) -> tuple[bytes, str]:
    """Read UTF-8 or UTF-16 (by its byte order mark, or where every other byte is NUL), or else
    Windows-1252, of which Latin-1 is a part.

    Returns
    -------
    text, note
        In UTF-8 without a byte order mark. The note tells of what the file does not say itself:
        UTF-16 without a mark, Windows-1252; empty for the others.

    Raises
    ------
    DataError
        It is none of them, or holds a NUL character; the message names the row and the byte.
    """
    note = ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = _utf16(content, source)
    elif found := _unmarked_utf16(content):
        text, note = found
    elif (bad := _first_bad(content)) is not None:
        text, note = _windows(content, source, bad)
    else:
        text = content.removeprefix(codecs.BOM_UTF8)
    _refuse_nul(text, source)
    return text, note


def _utf16(content: bytes, source: str) -> bytes:
    try:
        return content.decode("utf-16").encode()
    except UnicodeDecodeError as error:
        row = _row(content[: error.start].decode("utf-16", errors="ignore"))
        raise DataError(
            f"{source}: begins as UTF-16 text but cannot be read so from byte {error.start + 1:,} "
            f"on, in row {row} (the header is row 1); is the file truncated?"
        ) from None


def _unmarked_utf16(content: bytes) -> tuple[bytes, str] | None:
    # Certain where half of the characters at the beginning are Latin, so that one byte of each is
    # NUL and never the other, and all of the file is text then.
    beginning = content[:_BEGINNING]
    if len(content) % 2 or b"\0" not in beginning:
        return None
    first, second = beginning[::2].count(0), beginning[1::2].count(0)
    if min(first, second) or 4 * max(first, second) < len(beginning):
        return None
    order = "little" if second else "big"
    try:
        text = content.decode("utf-16-le" if second else "utf-16-be")
    except UnicodeDecodeError:
        return None
    if _NO_TEXT.search(text):
        return None
    return text.encode(), f"Read as UTF-16 ({order}-endian), though without a byte order mark."


def _first_bad(content: bytes) -> int | None:
    """Position of the first byte that is not UTF-8."""
    if content.isascii():
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(content)
    for start in range(0, len(content), _BLOCK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(view[start : start + _BLOCK], start + _BLOCK >= len(content))
        except UnicodeDecodeError as error:
            return start - pending + error.start
    return None


def _windows(content: bytes, source: str, bad: int) -> tuple[bytes, str]:
    if b"\0" in content:
        _refuse_nul(content, source)
    where = _where(content, bad)
    n_good, n_bad = _counts(content)
    if content.startswith(codecs.BOM_UTF8) or (n_good and _MOSTLY * n_good >= n_bad):
        raise DataError(
            f"{source}: must be UTF-8 throughout, as most of it is; {where} is not; save it as "
            "UTF-8"
        )
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        where = _where(content, error.start)
        raise DataError(
            f"{source}: must be text in UTF-8 or Windows-1252; {where} is neither"
        ) from None
    if found := _NO_TEXT.search(text):
        raise DataError(
            f"{source}: must be text in UTF-8 or Windows-1252; {_where(content, found.start())} is "
            "no text"
        )
    note = f"Read as Windows-1252, as it is not UTF-8: {where} stands for {text[bad]}."
    return text.encode(), note


def _counts(content: bytes) -> tuple[int, int]:
    """Number of characters beyond ASCII that are UTF-8, and of bytes that are not."""
    n_good = n_bad = 0
    for text in _lenient(content):
        beyond = re.sub("[\x00-\x7f]+", "", text)
        bad = len(re.sub("[^\udc80-\udcff]+", "", beyond))
        n_good, n_bad = n_good + len(beyond) - bad, n_bad + bad
    return n_good, n_bad


def _lenient(content: bytes) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    view = memoryview(content)
    for start in range(0, len(content), _BLOCK):
        yield decoder.decode(view[start : start + _BLOCK], start + _BLOCK >= len(content))


def _refuse_nul(text: bytes, source: str) -> None:
    at = text.find(b"\0")
    if at >= 0:
        raise DataError(
            f"{source}: must be text; row {_row(text[:at].decode('latin-1'))} (the header is row "
            "1) holds a NUL character"
        )


def _where(content: bytes, at: int) -> str:
    row = _row(content[:at].decode("latin-1"))
    return (
        f"byte 0x{content[at]:02X} in row {row} (the header is row 1; byte {at + 1:,} of the file)"
    )


def _row(before: str) -> int:
    """Number of the row that goes on after this text; line ends inside quoted cells begin no
    row."""
    outside = "".join(before.split('"')[::2])
    return len(re.findall(r"\r\n?|\n", outside)) + 1
