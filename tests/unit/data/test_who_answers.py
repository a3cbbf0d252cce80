import pytest

from tests.unit.data.prepared import cells, hints, numbers, prepare, rows
from tuner_job.data.instruments.formats import Hint
from tuner_job.data.instruments.who import Who

DURATIONS = [
    (("Id10120_unit", "Id10121"), ("months", "3"), "Id10120", 90),
    (("Id10120_0", "Id10120_unit"), ("8", ""), "Id10120", 8),
    (("Id10148_units", "Id10148_b", "Id10148_c"), ("days", "5", ""), "Id10148", 5),
    (("Id10161_unit", "Id10163"), ("years", "2"), "Id10161", 730),
    (("Id10178_unit", "Id10178", "Id10179"), ("minutes", "30", ""), "Id10178", 30 / 1440),
    (("Id10178_unit", "Id10179", "Id10179_1"), ("hours", "6", ""), "Id10178", 0.25),
    (("id10196_unit", "Id10196", "Id10198"), ("months", "", "2"), "Id10197", 60),
    # The form of 2016 computes this one in months.
    (("Id10205_unit", "Id10205_a", "Id10205"), ("days", "10", "0.3333"), "Id10205", 10),
    (("Id10216_units", "Id10216_a", "Id10216_b"), ("days", "", "2"), "Id10216", 2),
    (("Id10352_units", "Id10352_a", "Id10352_b"), ("years", "", "1"), "Id10352", 365),
    (("Id10359_a", "Id10358_units"), ("2", "weeks"), "Id10358", 14),
    (("Id10413_a", "Id10413_d"), ("months", "4"), "Id10413_d", 120),
    (("Id10413_a", "Id10413_d"), ("DK", "4"), "Id10413_d", None),
    # The answer was changed from 40 days to 2 months.
    (("Id10154_units", "Id10154_a", "Id10154_b"), ("months", "40", "2"), "Id10154", 60),
    (("Id10154_units", "Id10154_a"), ("DK", ""), "Id10154", None),
]


@pytest.mark.parametrize(("names", "answers", "item", "days"), DURATIONS)
def test_durations_become_days(
    names: tuple[str, ...], answers: tuple[str, ...], item: str, days: float | None
) -> None:
    text = f"{','.join(names)},Id10147\n{','.join(answers)},yes\n"
    table = prepare(Who(), text)
    assert numbers(table, item) == [pytest.approx(days)]
    assert hints(Who(), text)[item].unit == "days"


def test_a_computed_duration_without_its_parts_stays() -> None:
    text = "Id10148,Id10147\n21,yes\n"
    assert numbers(prepare(Who(), text), "Id10148") == [21]
    assert hints(Who(), text)["Id10148"] == Hint(kind="number")


def test_notes_on_many_columns_are_bounded() -> None:
    names = [f"Id{n}_a" for n in (10154, 10182, 10190, 10209, 10211, 10213, 10232, 10248, 10250)]
    names += ["Id10262_a", "Id10266_a", "Id10201_a"]
    table = prepare(Who(), f"{','.join(names)}\n{','.join(['x'] * 12)}\n")
    assert len(table.notes) == 11
    assert table.notes[-1] == "2 more columns with text among numbers."


KEYWORDS = ("Id10478/fever", "Id10478/pneumonia", "Id10478/rash")


def test_several_answers_in_one_cell_become_a_column_each() -> None:
    text = "x-Id10478\nfever rash\nPneumonia\nNone\ndk\n\nfever measles\n"
    table = prepare(Who(), text)
    assert rows(table, KEYWORDS) == [
        ("yes", "no", "yes"),
        ("no", "yes", "no"),
        ("no", "no", "no"),
        (None, None, None),
        ("yes", "no", "no"),  # the empty line is no row
    ]
    assert table.notes == (
        "Item Id10478: 1 cell holds an answer that the questionnaire lacks, which counts for none "
        "of its answers; the first is measles in row 7 (the header is row 1).",
    )


@pytest.mark.parametrize("cell", ["Ne sait pas", "Don't know", "No sabe", "9", "88", "dk", "ref"])
def test_a_cell_that_says_nothing_holds_no_answer(cell: str) -> None:
    table = prepare(Who(), f"Id10478,Id10147\nfever,yes\n{cell},yes\n")
    assert rows(table, KEYWORDS) == [("yes", "no", "no"), (None, None, None)]
    assert table.notes == ()


@pytest.mark.parametrize("separator", ["/", ".", ":", "_"])
def test_several_answers_split_by_the_server_are_the_same_columns(separator: str) -> None:
    names = [f"group/Id10478{separator}{word}" for word in ("fever", "pneumonia", "rash", "dk")]
    text = f"{','.join(names)},Id10147\n1,0,TRUE,0\n0,1,FALSE,\n,,,\n0,0,0,1\n".replace(
        "\n", ",yes\n"
    ).replace("Id10147,yes", "Id10147")
    table = prepare(Who(), text)
    assert rows(table, KEYWORDS) == [
        ("yes", "no", "yes"),
        ("no", "yes", "no"),
        (None, None, None),
        (None, None, None),
    ]
    found = hints(Who(), text)
    assert found["Id10478/fever"].kind == "yes_no"
    assert found["Id10478/dk"].left_out == "a part of Id10478"


def test_kobo_gives_several_answers_both_ways() -> None:
    text = "g/Id10478,g/Id10478/fever,g/Id10478/rash\nfever,1,0\n,0,1\n"
    table = prepare(Who(), text)
    assert rows(table, KEYWORDS) == [("yes", "no", "no"), ("no", None, "yes")]


def test_breathing_sounds_are_one_item_for_children_and_adults() -> None:
    text = "Id10173_nc,Id10173_a,Id10173\nstridor wheezing,,stridor wheezing\n,yes,\n,no,\nDK,,\n"
    sounds = ("Id10173/wheezing", "Id10173/grunting", "Id10173/stridor")
    assert rows(prepare(Who(), text), sounds) == [
        ("yes", "no", "yes"),
        ("yes", "no", "no"),
        ("no", "no", "no"),
        (None, None, None),
    ]


def test_what_2022_asks_by_yes_and_no_is_a_column_beside_the_answers_of_2016() -> None:
    text = "Id10260,Id10414\nyes,no\nno,dk\n"
    table = prepare(Who(), text)
    assert rows(table, ("Id10260", "Id10414")) == [("yes", "no"), ("no", None)]
    assert cells(table, "Id10260/left_side") == [None, None]
    assert hints(Who(), text)["Id10260"].kind == "yes_no"
    of_2016 = prepare(Who(), "Id10260\nleft_side one_arm_only\n")
    assert cells(of_2016, "Id10260") == [None]
    assert cells(of_2016, "Id10260/left_side") == ["yes"]
    assert cells(of_2016, "Id10260/right_side") == ["no"]
