"""Texts in CSV files: none runs as a formula, all others stay as they are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_job.files.spreadsheet import cell

BEGINNINGS = [
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    " =",
    "\t=",
    "'=",
    "''+",
    "＝",
    "\ufeff=",
    "\xa0-",
]
HARMLESS = [
    "",
    "Malaria",
    "a=b",
    "-0.5",
    "+1",
    "-1e-05",
    ".5",
    "'tis",
    "été",
    '{"C": 1.0}',
    "[0.1]",
    "x-y",
    "5 - 6",
]


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_what_begins_as_a_formula_gets_an_apostrophe(beginning: str) -> None:
    text = f"{beginning}HYPERLINK(1)"
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_and_numbers_stay(text: str) -> None:
    assert cell(text) == text


def test_values_that_are_no_text_stay() -> None:
    values = [-0.5, -3, None, True]
    assert [cell(value) for value in values] == values


@pytest.mark.parametrize("text", ["-1+2", "+1-555", "-0.5*A1", "-inf", "-1_000", "+", "-"])
def test_what_only_begins_as_a_number_is_none(text: str) -> None:
    assert cell(text) == f"'{text}"


@given(st.text(alphabet="='+-@\t\r\n ab1.", max_size=8))
def test_taking_the_apostrophe_away_gives_back_the_text(text: str) -> None:
    written = str(cell(text))
    taken_away = written[1:] if written[:1] == "'" and cell(written[1:]) == written else written
    assert taken_away == text
    assert (
        not re.match("[=+@\t\r]", written) or cell(text) == text
    )  # only numbers keep a sign in front


@given(st.text(alphabet="='+-@\t ab1.", max_size=8), st.text(alphabet="='+-@\t ab1.", max_size=8))
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert (cell(one) == cell(other)) == (one == other)
