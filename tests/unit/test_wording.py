import pytest

from tuner_job.wording import MOST_CHARACTERS, counted, listed, plain, shown

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "a\x00b",
    "line\nline",
    "\u202eabc",
    "x" * 10**6,
    10**5000,
    ["y" * 10**6] * 50,
    {1: {2: {3: {4: 5}}}},
]


@pytest.mark.parametrize("write", [shown, plain])
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_value_is_bounded_and_holds_no_control_characters(write, value):
    if write is plain and isinstance(value, int):
        value = "9" * 5000
    text = write(value)
    assert 0 < len(text) <= MOST_CHARACTERS
    assert text.isprintable()


def test_short_values_stand_as_they_are():
    assert shown("many") == "'many'"
    assert shown(0.5) == "0.5"
    assert shown([1, 2]) == "[1, 2]"
    assert plain("Road traffic") == "Road traffic"


def test_lists_say_how_much_they_leave_out():
    assert listed(["a", "b"]) == "a, b"
    assert listed(range(1013)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,003 more"


def test_nouns_agree_with_their_number():
    assert counted(1, "site") == "1 site"
    assert counted(2, "site") == "2 sites"
    assert counted(0, "copy", "copies") == "0 copies"
