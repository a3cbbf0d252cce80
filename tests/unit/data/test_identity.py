"""What tells who died, who asked and when is found; measures and symptoms are left alone."""

import datetime
from collections.abc import Callable

import numpy as np
import pytest

from tuner_job.data.columns import Column
from tuner_job.data.identity import who_or_when

Draw = Callable[[np.random.Generator, int], object]
SIZES = (30, 45, 100, 1000)


def column(cells: list[object]) -> Column:
    index: dict[str, int] = {}
    codes = [-1 if cell == "" else index.setdefault(str(cell), len(index)) for cell in cells]
    return Column(np.array(codes, np.int32), tuple(index))


def whole(low: int, high: int) -> Draw:
    return lambda rng, _: rng.integers(low, high)


def decimal(low: float, high: float, digits: int) -> Draw:
    return lambda rng, _: round(rng.uniform(low, high), digits)


def one_of(*texts: str) -> Draw:
    return lambda rng, _: texts[rng.integers(len(texts))]


def when(form: str) -> Draw:
    def draw(rng: np.random.Generator, _: int) -> str:
        day = int(rng.integers(1500))
        return (
            datetime.datetime(2015, 1, 1) + datetime.timedelta(days=day, seconds=37 * day)
        ).strftime(form)

    return draw


def hexadecimal(rng: np.random.Generator, n: int) -> str:
    return "".join("0123456789abcdef"[i] for i in rng.integers(16, size=n))


IDENTIFIERS: dict[str, Draw] = {
    **{name: lambda _, i: i + 1 for name in ("newid", "rn", "V1", "nbr", "z")},
    **{name: lambda _, i: i for name in ("X", "...1", "Unnamed: 0", "__index_level_0__", "_id")},
    "caseid": lambda _, i: f"C{i:04}",
    "z10": lambda _, i: f"A{i:03}",
    "deathId": whole(1, 10**6),
    "household": whole(10_000, 99_999),
    "hh_no": lambda rng, i: f"{i}-{rng.integers(400)}",
    "KEY": lambda rng, _: f"uuid:{hexadecimal(rng, 8)}-1a2b-4123-8123-{hexadecimal(rng, 12)}",
    "va_number": lambda _, i: 5000 + i * 7 % 1000,
    "studyno": lambda _, i: i + 1000,
    "barcode": whole(10**9, 9 * 10**9),
    "nationalid": whole(10**7, 9 * 10**7),
    "record_id": lambda _, i: 2 * i,
    "deviceid": one_of("358123456789012", "358123456789013"),
    "subscriberid": one_of("63902", "63903"),
    "formhub/uuid": one_of("abc", "def"),
    "N\u00b0": lambda _, i: i + 1,
    "n_processo": whole(1, 10**6),
    "narrative": lambda rng, _: f"he fell ill {rng.integers(10**9)}",
}
PEOPLE: dict[str, Draw] = {
    "interviewer": one_of("A", "B", "C"),
    "fw_code": whole(1, 9),
    "team_supervisor": whole(1, 5),
    "username": one_of("u1", "u2"),
    "deceased_name": lambda rng, _: f"Name{rng.integers(20)} Sur",
    "first_name": one_of("John", "Mary", "Ann"),
    "nom": one_of("K", "L", "M"),
    "phone": lambda rng, _: f"07{rng.integers(10**7, 10**8)}",
    "contact": lambda rng, _: f"+2547{rng.integers(10**7, 10**8)}",
    "phone_number": whole(7 * 10**8, 8 * 10**8),
    "email": lambda rng, _: f"a{rng.integers(4)}@b.org",
    "gps": lambda rng, _: f"{-rng.random():.6f} {36 + rng.random():.6f} 1600 5",
    "gps_lat": decimal(-2, -1, 6),
    "longitude": decimal(36, 37, 5),
    "gps:Accuracy": decimal(3, 10, 1),
    "Long.": decimal(36, 37, 5),
    "x_coord": decimal(36, 37, 5),
    "utm_easting": whole(300_000, 400_000),
    "telemovel": whole(82 * 10**7, 87 * 10**7),
}
FORMS = """
%Y-%m-%d|%d/%m/%Y|%m/%d/%y|%d-%b-%Y|%d%b%Y|%Y-%m-%dT%H:%M:%S|%Y-%m-%d %H:%M:%S.000|%b %d, %Y
%d %B %Y|%H:%M|%I:%M %p|%Y%m%d|%Y/%m/%d|%d.%m.%Y|%A, %d %B %Y|%Y-%m-%dT%H:%M:%S.000+03:00|%b %Y
%Y-%m|%B|%Y|%m/%Y|%b-%y|%d/%m/%Y %H:%M|%m/%d/%Y %I:%M:%S %p|%a %b %d %H:%M:%S %Y|%Hh%M
"""
DATES: dict[str, Draw] = {
    **{f"{form} ": when(form) for line in FORMS.split("\n") if line for form in line.split("|")},
    "date_of_death": whole(18_000, 22_000),
    "visit": whole(40_000, 44_000),
    "start": whole(15 * 10**8, 16 * 10**8),
    "yob": whole(1930, 2015),
    **{name: whole(18_000, 20_000) for name in ("intdate", "DOI", "deathDate")},
    **{name: whole(1, 13) for name in ("mois_deces", "month_of_death", "DeathMonth", "birth_day")},
    "mes de la muerte": one_of("enero", "julio"),
    "time_of_death": whole(0, 2400),
    "quarter": one_of("2019Q1", "2019Q2", "2020-Q1"),
    "week": one_of("2019-W12", "2020-W30"),
    "season_year": one_of("2018/19", "2019/20"),
}
_MEASURES = """
age_days 0 28|age 0 100|ageInDays 0 36500|ageindays 4000 36500|birth_weight 800 4500|bw 800 4500
q5 800 4500|muac 80 200|pulse 50 180|duration 0 2000|ill_days 0 4000|facility_type 1 9|parity 0 10
n_children 0 12|cd4 1 1500|platelets 10000 500000|wbc 2000 30000|bp_systolic 70 220|gest_weeks 24 43
q77 0 100|q78 0 365|income 100 9000|distance_m 10 50000|viral_load 20 2000000|score 0 1000
time_ill_days 1 400|num_visits 0 9|years_school 0 16|word_phone 0 3|word_name 0 2|word_date 0 2
word_interview 0 3|facility_code 1 6|birth_order 1 12|sids 1 3|pid 1 3|sodium 110 160|no_doses 0 9
"""
_ASKED = "covid fluid typhoid rapid valid paid thyroid amyloid lateral latest mobility candid rigid"
_ASKED += " season onset relation place_of_death sex mother_alive respondent name_of_symptom timing"
_ASKED += " address_type gps_risk phone_owned date_known born_time data_source steroid suicid humid"
HONEST: dict[str, Draw] = {
    **{
        name: whole(int(low), int(high))
        for line in _MEASURES.split("\n")
        if line
        for name, low, high in (one.split() for one in line.split("|"))
    },
    **{name: one_of("sudden", "slow", "both") for name in _ASKED.split()},
    "temp": decimal(35, 41, 1),
    "wealth": decimal(-3, 3, 5),
    "long": decimal(1, 150, 1),
    "how_long": decimal(1, 150, 4),
    "month_preg": whole(1, 10),
    "death_day_after_birth": whole(0, 28),
    "birth_interval_months": whole(9, 80),
    "time_to_death": whole(0, 2400),
}


def draw(name: str, cell: Draw, n: int) -> list[object]:
    rng = np.random.default_rng(len(name) + n)
    return [cell(rng, i) for i in range(n)]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", [*IDENTIFIERS, *PEOPLE, *DATES])
def test_who_and_when_are_found(name: str, n: int) -> None:
    cells = draw(name, (IDENTIFIERS | PEOPLE | DATES)[name], n)
    assert who_or_when(name, column(cells))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", [*IDENTIFIERS, *PEOPLE, *DATES])
def test_some_copies_and_a_blank_hide_nobody(name: str, n: int) -> None:
    cells = draw(name, (IDENTIFIERS | PEOPLE | DATES)[name], n)
    cells[15::15] = cells[14:-1:15]
    cells[3] = ""
    assert who_or_when(name, column(cells))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", HONEST)
def test_measures_and_symptoms_are_features(name: str, n: int) -> None:
    assert who_or_when(name, column(draw(name, HONEST[name], n))) is None


def test_dates_are_named_as_such() -> None:
    for name, cell in DATES.items():
        assert who_or_when(name, column(draw(name, cell, 60))) == "dates or times"
