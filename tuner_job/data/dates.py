"""Columns of numbers that are dates or times, or parts of one, and words in names that say so."""

import re

import numpy as np
from numpy.typing import NDArray

DATE = "dates or times"
_DATE = frozenset(
    {
        *("date", "dates", "datetime", "timestamp", "dob", "dod", "doi", "fecha", "data", "time"),
        "hora",
    }
)
SURE_DATE = _DATE - {"data", "time", "hora"}
_ONE_DATE = re.compile(r"(?!candidate|update).+date")  # written as one word: intdate
_PART_OF_DATE = frozenset({"month", "mois", "mes", "day", "jour", "dia"})
_HOUR = frozenset({"time", "hour", "hora", "heure"})
_OF = frozenset({"of", "de", "du", "da", "do", "del"})
_HAPPENED = frozenset(
    {
        *("death", "birth", "interview", "visit", "dod", "dob", "deces", "naissance", "obito"),
        *("nascimento", "muerte", "defuncion", "nacimiento", "entrevista", "visita", "visite"),
    }
)
_YEARS = (1900.0, 2100.0)
_DAYS_SINCE_1900 = (29_000.0, 55_000.0)  # 1979 to 2050, as spreadsheets count
_YEAR = frozenset({"year", "years", "yr", "annee", "ano", "anos", "anio", "ans"})
MEASURE = frozenset(
    {
        *("age", "weight", "wt", "kg", "gram", "grams", "day", "days", "month", "months", "week"),
        *("weeks", "year", "years", "hour", "hours", "minutes", "duration", "bp", "pulse", "temp"),
        *("temperature", "count", "size", "cm", "height", "muac", "dose", "distance", "km"),
        *("idade", "edad", "peso", "poids", "taille", "duree", "duracao", "duracion", "dias"),
        *("jours", "meses", "mois", "anos", "ans", "horas", "heures", "score", "ageindays"),
        *("ageinmonths", "ageinyears", "bw", "birthweight", "platelets", "viral", "cd", "wbc"),
        *("rbc", "glucose", "income", "cost", "amount", "expenditure", "salary", "dist", "los"),
    }
)


def is_when(tokens: frozenset[str]) -> bool:
    """Whether a name is that of the month, the day or the hour of a death, a birth or a visit."""
    if not tokens & _HAPPENED or not tokens <= _PART_OF_DATE | _HOUR | _OF | _HAPPENED:
        return False
    return bool(tokens & _PART_OF_DATE or (tokens & _HOUR and tokens & _OF))


def are_dates(tokens: frozenset[str], filled: NDArray[np.float64]) -> bool:
    """Whether whole numbers are dates as programs store them, or years."""
    low, high = filled.min(), filled.max()
    if low >= 19_000_101 and high <= 21_001_231:
        month, day = filled // 100 % 100, filled % 100
        return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())
    if low >= _YEARS[0] and high <= _YEARS[1]:
        return high - low >= 2 and not tokens & (MEASURE - _YEAR)
    if low >= _DAYS_SINCE_1900[0] and high <= _DAYS_SINCE_1900[1] and not tokens & MEASURE:
        return True
    # Days since 1900 or 1960, or (milli)seconds since 1582, 1960 or 1970, as programs store dates.
    is_date = tokens & _DATE or any(map(_ONE_DATE.fullmatch, tokens))
    return bool(low >= 10_000 and is_date) or bool(low >= 1e9 and 1e9 <= high <= 1e13)
