"""Columns that tell who died, who asked and when: they identify deaths and explain none."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column
from tuner_job.data.dates import DATE, MEASURE, SURE_DATE, are_dates, is_when
from tuner_job.data.looks import BY_LOOKS, WITH_UNIT
from tuner_job.data.words import as_number, without_accents

MOST_CHOICES = 50
"""A text column with more different answers is free text or an identifier, not a question with
choices."""
_MOSTLY = 0.9
_LOOKED_AT = 2_000
_LONGEST = 1_000  # characters
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
_ILLNESSES = frozenset({"sids", "pid"})
_IDENTIFIER = frozenset(
    {
        *("id", "ids", "uuid", "guid", "barcode", "serial", "simserial", "imei", "imsi", "version"),
        *("matricule", "codigo", "cedula", "dni", "folio", "expediente", "boleta"),
    }
)
_WHOLE_NAMES_OF_IDENTIFIERS = frozenset({"key", "instancename", "sn", "nr", "no", "num", "numero"})
_NUMBERED = frozenset(
    {
        *("case", "form", "record", "hh", "household", "house", "respondent", "subject", "va"),
        *("participant", "line", "sample", "questionnaire", "study", "survey", "file", "interview"),
        *(
            "registro",
            "dossier",
            "enregistrement",
            "ficha",
            "caso",
            "cas",
            "processo",
            "prontuario",
        ),
    }
)
_A_NUMBER = frozenset({"n", "no", "nr", "num", "number", "numero", "nro", "code"})
_ASKED = frozenset(
    {
        *("interviewer", "enumerator", "fieldworker", "surveyor", "supervisor", "username"),
        *("encuestador", "encuestadora", "entrevistador", "entrevistadora", "inquiridor"),
        *("inquiridora", "enqueteur", "enquetrice", "fw", "submitted"),
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
    {
        *("phone", "telephone", "tel", "mobile", "cellphone", "telefono", "telefone", "celular"),
        *("telemovel", "whatsapp"),
    }
)
_ABOUT = frozenset(
    {
        *("type", "known", "symptom", "kind", "status", "category", "risk", "owned", "owner"),
        *("reported", "recorded", "available", "tipo", "conocida", "conhecida", "connue"),
    }
)
"""A question about a name or a date has answers, not names or dates."""
_PLACE = frozenset({"gps", "latitude", "longitude", "altitude", "geopoint", "lat", "lon", "lng"})
_ON_MAPS = frozenset({"utm", "easting", "northing", "coord", "coords", "coordinate", "coordinates"})
_LONGITUDE = re.compile(r"(x|gps)?[\W_]*long[\W_]*(dd|deg|dec|gps|x)?[\W_]*", re.IGNORECASE)


_WHERE = frozenset(
    {
        *("site", "village", "district", "subdistrict", "region", "province", "county", "ward"),
        *("commune", "municipality", "cluster", "hamlet", "town", "city", "country", "ea", "psu"),
        *("arrondissement", "quartier", "pays", "ville", "departement", "distrito", "bairro"),
        *("municipio", "cidade", "provincia", "barrio", "ciudad", "pais", "departamento", "regiao"),
        *("aldeia", "aldea", "comuna", "upazila", "taluk", "block", "mandal", "lga", "hdss"),
    }
)
_OF_WHERE = frozenset(
    {
        "name",
        "code",
        "id",
        "no",
        "number",
        "study",
        "health",
        "of",
        "residence",
        "death",
        "de",
        "du",
    }
)


@dataclass(frozen=True, eq=False)
class _Cells:
    """What is looked at: a column without its missing cells."""

    column: Column
    counts: Mapping[str, int]

    def share(self, holds: Callable[[str], object]) -> float:
        """Share of the filled cells of which this holds; of some of them, where there are many
        different ones."""
        counts = list(self.counts.items())
        looked_at = counts[:: 1 + len(counts) // _LOOKED_AT]
        fitting = sum(n for text, n in looked_at if holds(text))
        return fitting / max(1, sum(n for _, n in looked_at))

    @property
    def n(self) -> int:
        return sum(self.counts.values())


def _matches(looks: re.Pattern[str], text: str) -> bool:
    """Whether a cell looks so; what is longer is text, and would take long to be tried."""
    return len(text) <= _LONGEST and looks.fullmatch(text) is not None


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
    for what, looks in BY_LOOKS.items():
        if cells.share(partial(_matches, looks)) >= _MOSTLY:
            return what
    tokens = _tokens(name)
    if cells.share(lambda text: as_number(text) is not None) >= 0.5:
        return _of_numbers(name, tokens, cells)
    return _of_text(name, tokens, cells)


def is_place(name: str) -> bool:
    """Whether a name is that of a village, a district, a site."""
    tokens = _tokens(name)
    return bool(tokens & _WHERE) and tokens <= _WHERE | _OF_WHERE


def _tokens(name: str) -> frozenset[str]:
    return frozenset(token.lower() for token in _TOKEN.findall(without_accents(name)))


def _by_name(name: str, tokens: frozenset[str], n_different: int) -> str | None:
    lower = name.lower()
    if _WHO_ITEM.search(name) or tokens & _ABOUT:
        return None
    if tokens & _ASKED:
        return "who asked"
    is_id = tokens & _IDENTIFIER or any(_SOMETHINGS_ID.fullmatch(token) for token in tokens)
    may_be_illness = tokens & _ILLNESSES and n_different == 2
    if not may_be_illness and (is_id or lower in _WHOLE_NAMES_OF_IDENTIFIERS):
        return "identifiers"
    numbers_things = tokens & _NUMBERED and tokens & _A_NUMBER
    if n_different > 20 and numbers_things and tokens <= _NUMBERED | _A_NUMBER:
        return "identifiers"
    return None


def _has_digits(text: str) -> bool:
    return any(map(str.isdigit, text))


def _of_text(name: str, tokens: frozenset[str], cells: _Cells) -> str | None:
    n_different = len(cells.counts)
    if found := _by_name(name, tokens, n_different):
        return found
    if not tokens & _ABOUT and not _WHO_ITEM.search(name):
        digits = cells.share(_has_digits) >= 0.5
        if (digits and tokens & SURE_DATE) or is_when(tokens):
            return DATE
        if digits and tokens & _PHONE:
            return "telephone numbers"
        if digits and tokens & {"gps", "geopoint", "latitude", "longitude"}:
            return "positions"
        if tokens & _NAME or (tokens and tokens <= _PERSON and n_different > 10):
            return "names or addresses"
    if n_different >= 10 and cells.share(WITH_UNIT.fullmatch) >= _MOSTLY:
        return "numbers with units or signs"
    if n_different > MOST_CHOICES or (n_different >= 10 and 2 * n_different > cells.n):
        return "free text or identifiers"
    return None


def _of_numbers(name: str, tokens: frozenset[str], cells: _Cells) -> str | None:
    numbers = cells.column.numbers(as_number)
    filled = numbers[np.isfinite(numbers)]
    if not len(filled):
        return None
    if found := _by_name(name, tokens, len(cells.counts)):
        return found
    high = float(filled.max())
    whole = bool((filled % 1 == 0).all())
    if tokens & _PHONE and high >= 1e5:
        return "telephone numbers"
    if _are_positions(name, tokens, cells, whole, high):
        return "positions"
    if whole and (are_dates(tokens, filled) or is_when(tokens)):
        return DATE
    named_so = whole and _ROW_NAMES.fullmatch(name.lower()) and _nearly_unique(filled)
    if named_so and (len(filled) >= _FEWEST_ROWS or _in_turn(filled)):
        return "row numbers"
    if not whole or tokens & MEASURE or len(filled) < _FEWEST_ROWS:
        return None
    return _of_whole_numbers(filled)


def _are_positions(
    name: str, tokens: frozenset[str], cells: _Cells, whole: bool, high: float
) -> bool:
    if tokens & _ON_MAPS:
        return True
    if tokens & _PLACE and (not whole or "gps" in tokens) and abs(high) <= 10_000:
        return True
    # "Long" may be how long it took; a position has many decimals.
    return (
        _LONGITUDE.fullmatch(name) is not None
        and abs(high) <= 180
        and cells.share(lambda text: len(text.partition(".")[2]) >= 3) >= 0.5
    )


def _nearly_unique(filled: NDArray[np.float64]) -> bool:
    return len(filled) > 1 and len(np.unique(filled)) >= _MOSTLY * len(filled)


def _in_turn(filled: NDArray[np.float64]) -> bool:
    return len(filled) > 1 and bool((np.diff(filled) == 1).mean() >= _MOSTLY)


def _of_whole_numbers(filled: NDArray[np.float64]) -> str | None:
    if _in_turn(filled):
        return "row numbers"
    different, counts = np.unique(filled, return_counts=True)
    low, high, n = different[0], different[-1], len(filled)
    if _given_once(counts, high - low + 1):
        return "identifiers"
    rounded = (filled % 10 == 0).mean() > 0.5
    if _nearly_unique(filled) and low >= 10_000 and high < 10 * low and not rounded:
        return "identifiers"
    rises = (np.diff(filled) >= 0).mean() >= 0.95
    if high >= 1_000 and rises and 4 * len(different) >= n:
        return "identifiers"
    if low >= 1e8 or (low >= 1e6 and 2 * len(different) >= n):
        return "identifiers or telephone numbers"
    return None


def _given_once(counts: NDArray[np.intp], n_possible: float) -> bool:
    """Whether values occur too seldom twice for a measure.

    Of `n` values drawn from `n_possible` that are equally likely, about n² / 2 / n_possible pairs
    are equal, and more if some are likelier. Numbers that are given to one row each have none.
    """
    n = counts.sum()
    expected = n * (n - 1) / 2 / n_possible
    equal = (counts * (counts - 1)).sum() / 2
    return bool(expected >= 9 and equal <= expected / 5)
