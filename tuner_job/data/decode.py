"""From the bytes of a text file to its text, without guessing where a guess may change a name."""

import codecs
import re

from tuner_job.errors import DataError

_MOSTLY = 10
"""A file with one valid sequence of UTF-8 to so many bad bytes is UTF-8 that was damaged, or two
encodings in one: in Windows-1252 the letters that look like such a sequence hardly ever stand
together."""
_NO_TEXT = re.compile(r"[\x01-\x08\x0e-\x1f\x7f]")


def decode(content: bytes, source: str) -> tuple[str, str]:
    """Read UTF-8 or UTF-16 (by its byte order mark), or else Windows-1252.

    Returns
    -------
    text, note
        The note tells of Windows-1252; empty for the others.

    Raises
    ------
    DataError
        It is none of them, or holds a NUL character; the message names the row and the byte.
    """
    note = ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = _utf16(content, source)
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            text, note = _windows(content, source, error.start)
    _refuse_nul(text, source)
    return text, note


def _utf16(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-16")
    except UnicodeDecodeError as error:
        row = _row(content[: error.start].decode("utf-16", errors="ignore"))
        raise DataError(
            f"{source}: begins as UTF-16 text but cannot be read so from byte {error.start + 1:,} "
            f"on, in row {row} (the header is row 1); is the file truncated?"
        ) from None


def _windows(content: bytes, source: str, bad: int) -> tuple[str, str]:
    _refuse_nul(content.decode("latin-1"), source)
    where = _where(content, bad)
    lenient = content.decode("utf-8", errors="surrogateescape")
    n_bad = len(re.findall("[\udc80-\udcff]", lenient))
    n_good = len(re.findall("[^\x00-\x7f\udc80-\udcff]", lenient))
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
    return text, f"Read as Windows-1252, as it is not UTF-8: {where} stands for {text[bad]}."


def _refuse_nul(text: str, source: str) -> None:
    before, nul, _ = text.partition("\0")
    if nul:
        raise DataError(
            f"{source}: must be text; row {_row(before)} (the header is row 1) holds a NUL "
            "character"
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
