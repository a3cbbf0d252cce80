import pytest

from tuner_job.data.words import (
    are_plain_numbers,
    as_number,
    comma_number,
    has_decimal_commas,
    is_missing,
    is_programs,
    key,
    yaml_name,
)

MISSING = """
Don't Know|DON’T KNOW|dont_know|Don`t know|don t know|dk|DK|d/k|Doesn't know|DOES NOT KNOW|unknown
Refused to Answer|refused to answer.|ref|REF|Refused|(don't know)|[unknown]|<NA>|DK/REF|dk or ref
Don't know/Refused|9. Don't know|99 - Refused|8=dk|-9 refused|  dk |Don\u2019t\u00a0know
Don't know (DK)|missing
NA|N/A|n.a.|NaN|null|#N/A|#N/A N/A|#REF!|#DIV/0!|#VALEUR!|#NOM?|#¿NOMBRE?|.|.a|.Z|._|--|?|–
Ne sait pas|NE SAIT PAS|Ne sais pas.|nsp|refusé|REFUSE|A refusé de répondre|inconnu(e)|Sans réponse
SANS REPONSE|préfère ne pas répondre|prefere ne pas repondre|Non renseigné|sans objet
Não sabe|NAO SABE|não sei|Nao Sei|recusou-se a responder|Recusou|não respondeu|ignorado
Sem informação
No sabe|No sé|NO SE|no_sabe|rehusó|Rehúsa responder|Se negó a responder|no sabe/no responde
No sabe / No contesta|desconocido/a|se desconoce|sin respuesta|no aplica
"""
ANSWERS = """
none|None|nil|no|yes|o|s|y|0|1|9|99|-1|88|999|other|no fever|unknown fever|9 months|2 or more|1-2
HIV+
na+|normal|Male|inf|refused food|5 a|A|e|ou|/|negative|Undetermined|ill-defined|no pain|and|()
3 et 4|1/2|ninguno|aucun|nenhum|1.5|.5|name|value|nom|1. Yes|9.9|#1|nothing|not breathing
"""


def each(text: str) -> list[str]:
    return [one for line in text.strip("\n").split("\n") for one in line.split("|")]


@pytest.mark.parametrize("text", each(MISSING))
def test_a_cell_that_says_nothing(text: str) -> None:
    assert is_missing(text)


@pytest.mark.parametrize("text", each(ANSWERS))
def test_an_answer_is_never_missing(text: str) -> None:
    assert not is_missing(text)


@pytest.mark.parametrize("text", ["NA", "#N/A", ".", ".c", "NaN", "<NA>", "#NULL!"])
def test_what_programs_write_for_nothing(text: str) -> None:
    assert is_programs(text)
    assert not is_programs("don't know")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Male", " MALE "),
        ("on the road", "On_the  road."),
        ("Ho\u0302pital", "HÔPITAL"),
        ("Don’t", "don't"),
        ("1.0", "1"),
        ("-1.00", "-1"),
        ("Yes\u200b", "\ufeffyes!"),
        ("ｙｅｓ", "Yes"),
    ],
)
def test_spellings_of_one_answer(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("HIV+", "HIV-"), ("1", "-1"), ("1.5", "15"), ("a", "b"), ("<1", ">1")]
)
def test_different_answers(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_marks_stay_what_they_are() -> None:
    assert [key(text) for text in (".", "!", ". .", "-")] == [".", "!", ". .", "-"]


def test_numbers() -> None:
    assert [as_number(text) for text in ("1e3", "-2", "1_000", "2,5", "x")] == [
        *(1000, -2),
        *(None, None, None),
    ]
    assert [comma_number(text) for text in ("2,5", "3", "2.5", "1,2,3")] == [2.5, 3, None, None]


@pytest.mark.parametrize(
    ("texts", "has"),
    [
        (["36,5", "38", "40,1"], True),
        (["0,125", "0,5"], True),
        (["3,2", "1,45"], True),
        (["1,250", "3,400"], False),  # thousands
        (["1", "2", "1,2", "1,3"], False),  # codes that were chosen together
        (["10,5", "1,2,3"], False),
        (["36,5", "36.5,1"], False),
        (["a,b", "c"], False),
        (["36.5", "37"], False),
        ([], False),
    ],
)
def test_decimal_commas(texts: list[str], has: bool) -> None:
    assert has_decimal_commas(texts) is has


def test_names_can_be_pasted_into_yaml() -> None:
    names = ["s1", "c4_01", "no", "N", "null", "a b", "x: [y]", 'q"', "5", "é"]
    assert [yaml_name(name) for name in names] == [
        *("s1", "c4_01", '"no"', '"N"', '"null"', '"a b"', '"x: [y]"', '"q\\""', '"5"', '"é"')
    ]


def test_plain_numbers_are_those_that_can_be_read_at_once() -> None:
    assert are_plain_numbers(["1", "-2.5", "+4.", "007"])
    for text in ("", "x", "1e5", "1_0", "1\n2", "²", "inf", ".5"):
        assert not are_plain_numbers([text])
        assert not are_plain_numbers(["1", text])
    assert not are_plain_numbers([])


def test_a_long_text_is_no_answer_and_is_not_looked_at() -> None:
    text = "Fever  and COUGH. " * 1_000
    assert key(text) == text
    assert not is_missing("(" * 2_000 + "dk")
