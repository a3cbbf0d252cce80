"""Columns that tell who died, who asked and when: they identify deaths and explain none."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column
from tuner_job.data.words import as_number

MOST_CHOICES = 50
"""A text column with more different answers is free text or an identifier, not a question with
choices."""
_MOSTLY = 0.9
_FEWEST_ROWS = 20  # fewer do not show whether numbers only ever occur once

_TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_WHO_ITEM = re.compile(r"id1\d{4}", re.IGNORECASE)
_ROW_NAMES = re.compile(
    r"|unnamed: ?\d+|\.\.\.\d+|x|__index_level_\d+__|index|row[_. ]?(names?|id)"
)
_SOMETHINGS_ID = re.compile(
    r"(case|instance|device|subscriber|sim|house|hh|household|person|indiv|individual|subject|study"
    r"|record|resp|respondent|death|decedent|deceased|champs|new|patient|participant|member|mother"
    r"|child|form|submission|interview|interviewer|va|dss|perm|row|obs|unique|national|sample|p|u"
    r"|s|q)ids?"
)
_IDENTIFIER = frozenset(
    {"id", "ids", "uuid", "guid", "barcode", "serial", "matricule", "codigo", "cedula", "dni"}
)
_WHOLE_NAMES_OF_IDENTIFIERS = frozenset({"key", "instancename", "sn", "nr", "no", "num"})
_ASKED = frozenset(
    {
        *("interviewer", "enumerator", "fieldworker", "surveyor", "supervisor", "username"),
        *("encuestador", "encuestadora", "entrevistador", "entrevistadora", "inquiridor"),
        *("inquiridora", "enqueteur", "enquetrice", "fw"),
    }
)
_NAME = frozenset(
    {
        *("name", "names", "surname", "firstname", "lastname", "forename", "fullname", "nickname"),
        *("nom", "prenom", "nome", "sobrenome", "apelido", "nombre", "nombres", "apellido"),
        *("apellidos", "address", "adresse", "endereco", "direccion", "email", "mail"),
    }
)
_PERSON = frozenset(
    {
        *("deceased", "decedent", "informant", "respondent", "mother", "father", "guardian"),
        *("caregiver", "physician", "doctor", "coder", "nurse", "staff", "collector", "chief"),
    }
)
_PHONE = frozenset(
    {"phone", "telephone", "tel", "mobile", "cellphone", "telefono", "telefone", "celular"}
)
_PLACE = frozenset({"gps", "latitude", "longitude", "altitude", "geopoint", "lat", "lon", "lng"})
_DATE = frozenset(
    {"date", "dates", "datetime", "timestamp", "dob", "dod", "fecha", "data", "time", "hora"}
)
_YEAR = frozenset({"year", "yr", "annee", "ano", "anio"})
_MEASURE = frozenset(
    {
        *("age", "weight", "wt", "kg", "gram", "grams", "day", "days", "month", "months", "week"),
        *("weeks", "year", "years", "hour", "hours", "minutes", "duration", "bp", "pulse", "temp"),
        *("temperature", "count", "size", "cm", "height", "muac", "dose", "distance", "km", "n"),
        *("idade", "edad", "peso", "poids", "taille", "duree", "duracao", "duracion", "dias"),
        *("jours", "meses", "mois", "anos", "ans", "horas", "heures", "score", "number"),
    }
)

_D, _M, _Y = r"(0?[1-9]|[12]\d|3[01])", r"(0?[1-9]|1[0-2])", r"((1[89]|20)\d\d|\d\d)"
_MONTH = r"[a-zéûç]{3,10}\.?"
_TIME = r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?( ?[ap]m)?"
_WHEN = re.compile(
    rf"((\d{{4}}[-/.]{_M}[-/.]{_D}|{_D}[-/.]{_M}[-/.]{_Y}|{_M}[-/.]{_D}[-/.]{_Y}"
    rf"|{_D}[-/. ]?{_MONTH},?[-/. ]?{_Y}|{_MONTH} {_D},? {_Y}|{_D} de {_MONTH} de {_Y})"
    rf"([ t:]+{_TIME}(z| ?[+-]\d\d:?\d\d)?)?|{_TIME})",
    re.IGNORECASE,
)
_UUID = re.compile(r"(uuid:)?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_WHERE = re.compile(r"-?\d{1,3}\.\d{3,}[ ,;]+-?\d{1,3}\.\d{3,}([ ,;]+-?[\d.]+){0,2}")
_CALL = re.compile(r"(\+|00|0|\()[\d ().-]{6,18}\d")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_BY_LOOKS = {
    "dates or times": _WHEN,
    "identifiers": _UUID,
    "positions": _WHERE,
    "telephone numbers": _CALL,
    "names or addresses": _MAIL,
}


@dataclass(frozen=True, eq=False)
class _Cells:
    """What is looked at: a column without its missing cells."""

    column: Column
    counts: Mapping[str, int]

    def share(self, holds: Callable[[str], object]) -> float:
        """Share of the filled cells of which this holds."""
        fitting = sum(n for text, n in self.counts.items() if holds(text))
        return fitting / max(1, self.n)

    @property
    def n(self) -> int:
        return sum(self.counts.values())


def who_or_when(name: str, column: Column) -> str | None:
    """Say what a column holds that identifies a death, an interview or a person.

    Parameters
    ----------
    name
        Its name.
    column
        Its cells, those that mean missing taken out; it is no column of yes and no.

    Returns
    -------
    What it holds, in the plural, for example ``dates or times``; ``None`` where it may be a
    feature.
    """
    cells = _Cells(column, column.counts())
    for what, looks in _BY_LOOKS.items():
        if cells.share(looks.fullmatch) >= _MOSTLY:
            return what
    tokens = _tokens(name)
    if cells.share(lambda text: as_number(text) is not None) >= _MOSTLY:
        return _of_numbers(name, tokens, cells)
    return _of_text(name, tokens, cells)


def _tokens(name: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", name)
    ascii_only = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return frozenset(token.lower() for token in _TOKEN.findall(ascii_only))


def _by_name(name: str, tokens: frozenset[str]) -> str | None:
    lower = name.lower()
    if _WHO_ITEM.search(name):
        return None
    if tokens & _ASKED:
        return "who asked"
    is_id = tokens & _IDENTIFIER or any(_SOMETHINGS_ID.fullmatch(token) for token in tokens)
    if is_id or lower in _WHOLE_NAMES_OF_IDENTIFIERS:
        return "identifiers"
    return None


def _of_text(name: str, tokens: frozenset[str], cells: _Cells) -> str | None:
    n_different = len(cells.counts)
    if found := _by_name(name, tokens):
        return found
    if tokens & _PHONE:
        return "telephone numbers"
    if tokens & {"gps", "geopoint", "latitude", "longitude"}:
        return "positions"
    if tokens & _NAME or (tokens and tokens <= _PERSON and n_different > 10):
        return "names or addresses"
    if n_different > MOST_CHOICES or (n_different >= 10 and 2 * n_different > cells.n):
        return "free text or identifiers"
    return None


def _of_numbers(name: str, tokens: frozenset[str], cells: _Cells) -> str | None:
    numbers = cells.column.numbers(as_number)
    filled = numbers[np.isfinite(numbers)]
    if found := _by_name(name, tokens):
        return found
    low, high = float(filled.min()), float(filled.max())
    whole = bool((filled % 1 == 0).all())
    if tokens & _PHONE and high >= 1e5:
        return "telephone numbers"
    if tokens & _PLACE and (not whole or "gps" in tokens) and abs(high) <= 10_000:
        return "positions"
    if (tokens & _YEAR and low >= 1900 and high <= 2100) or _are_dates(tokens, filled, whole):
        return "dates or times"
    if _ROW_NAMES.fullmatch(name.lower()) and whole and _in_turn(filled):
        return "row numbers"
    if not whole or tokens & _MEASURE or len(filled) < _FEWEST_ROWS:
        return None
    return _of_whole_numbers(filled)


def _are_dates(tokens: frozenset[str], filled: NDArray[np.float64], whole: bool) -> bool:
    low, high = filled.min(), filled.max()
    if whole and low >= 19_000_101 and high <= 21_001_231:
        month, day = filled // 100 % 100, filled % 100
        return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())
    # Days since 1900 or 1960, or (milli)seconds since 1960 or 1970, as programs store dates.
    return bool(tokens & _DATE) and low >= 10_000


def _in_turn(filled: NDArray[np.float64]) -> bool:
    return len(filled) > 1 and bool((np.diff(filled) == 1).mean() >= _MOSTLY)


def _of_whole_numbers(filled: NDArray[np.float64]) -> str | None:
    different = np.unique(filled)
    low, high, n = different[0], different[-1], len(filled)
    if _in_turn(filled):
        return "row numbers"
    rises = (np.diff(filled) >= 0).mean() >= 0.95
    nearly_unique = len(different) >= _MOSTLY * n
    without_gaps = high - low + 1 <= 1.2 * len(different)
    if nearly_unique and (without_gaps or low >= 10_000):
        return "identifiers"
    if high >= 1_000 and rises and 4 * len(different) >= n:
        return "identifiers"
    if low >= 1e6 and 2 * len(different) >= n:
        return "identifiers or telephone numbers"
    return None
