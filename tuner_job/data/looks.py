"""What cells look like whatever their column is called: dates, positions, telephone numbers."""

import re

_D, _M, _Y = r"(0?[1-9]|[12]\d|3[01])", r"(0?[1-9]|1[0-2])", r"((1[89]|20)\d\d|\d\d)"
_FULL_YEAR = r"(1[89]|20)\d\d"
# English, French, Portuguese and Spanish, whole or shortened.
_MONTH = (
    r"(jan(v(ier)?|uary|eiro)?|ene(ro)?|feb(r(uary|ero)?)?|f[eé]v(r(ier)?|ereiro)?|mar(ch|s|ço|zo)?"
    r"|apr(il)?|avr(il)?|abr(il)?|ma[iy]o?|jun(e|ho|io)?|juin|jul(y|ho|io)?|juil(let)?|aug(ust)?"
    r"|ao[uû]t|ago(sto)?|sept?(ember|embre|iembre)?|set(embro|iembre)?|oct(ober|obre|ubre)?"
    r"|out(ubro)?|nov(ember|embre|embro|iembre)?|dec(ember|embre)?|d[eé]c(embre)?|dez(embro)?"
    r"|dic(iembre)?)\.?"
)
_WEEKDAY = r"(([a-záçé]{3,9}\.?(-feira)?),? )?"
_TIME = r"([01]?\d|2[0-3])[:h][0-5]\d(:[0-5]\d([.,]\d+)?)?( ?[ap]\.?m\.?)?"
_DAY = (
    rf"(\d{{4}}[-/.]{_M}[-/.]{_D}|{_D}[-/.]{_M}[-/.]{_Y}|{_M}[-/.]{_D}[-/.]{_Y}"
    rf"|{_WEEKDAY}{_D}[-/. ]?{_MONTH},?[-/. ]?{_Y}|{_WEEKDAY}{_MONTH} {_D},? {_Y}"
    rf"|{_D} de {_MONTH} de {_Y}|\d{{4}}年{_M}月{_D}日)"
)
_WHEN = re.compile(
    rf"{_DAY}([ t,:]+{_TIME}(z| ?[+-]\d\d:?\d\d| [a-z]{{2,4}})?)?|{_TIME}"
    rf"|{_WEEKDAY}{_MONTH} {_D} {_TIME} {_Y}"
    rf"|{_MONTH}([-/, ]+{_Y})?|{_M}[-/.]{_FULL_YEAR}|{_FULL_YEAR}[-/]{_M}"
    rf"|{_FULL_YEAR}[- ]?[qtsw][1-5]?\d|[qts][1-4][- ]{_FULL_YEAR}|{_FULL_YEAR}[-/]((19|20)?\d\d)",
    re.IGNORECASE,
)
_UUID = re.compile(r"(uuid:)?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_WHERE = re.compile(r"-?\d{1,3}\.\d{3,}[ ,;]+-?\d{1,3}\.\d{3,}([ ,;]+-?[\d.]+){0,2}")
# Not a number between 0 and 1.
_CALL = re.compile(r"(?!\+?0+\.\d+$)(\+|00|0|\()[\d ().-]{6,18}\d")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

BY_LOOKS = {
    "dates or times": _WHEN,
    "identifiers": _UUID,
    "positions": _WHERE,
    "telephone numbers": _CALL,
    "names or addresses": _MAIL,
}
"""What a column holds, in the plural, if nearly all of its cells match."""

WITH_UNIT = re.compile(r"[<>≤≥~≈=]* ?[-+]?\d+([.,]\d+)*( ?(%|[a-zé]{1,8}\.?))?", re.IGNORECASE)
"""A number with a unit or a sign: ``12 days``, ``>80``, ``5 %``."""
