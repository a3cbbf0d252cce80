import re

import pytest

from tests.unit.data.files import PHMRC_ROWS
from tests.unit.data.prepared import cells, hints, numbers, prepare, rows
from tuner_job.data.instruments.formats import Hint
from tuner_job.data.instruments.phmrc import Phmrc
from tuner_job.errors import DataError

HEADER = ",".join(PHMRC_ROWS[0])
CONTENT = "\n".join([HEADER, *(",".join(row.values()) for row in PHMRC_ROWS)]) + "\n"


def left_out(found: dict[str, Hint]) -> dict[str, str]:
    return {name: hint.left_out for name, hint in found.items() if hint.left_out}


def test_only_what_was_asked_about_the_illness_is_kept_and_the_rest_has_a_reason() -> None:
    found = hints(Phmrc(), CONTENT)
    kept = [name for name, hint in found.items() if not hint.left_out]
    assert kept == [
        *("g1_05", "c1_08b", "c4_01", "c4_02", "c4_04", "c5_07_1", "word_rash", "age_years")
    ]
    reasons = left_out(found)
    assert reasons["newid"] == "an identifier"
    assert reasons["gs_text46"] == reasons["va34"] == "a cause of death"
    assert reasons["g1_07a"] == reasons["g5_04a"] == "a part of the age"
    assert reasons["g1_01y"] == reasons["g2_03am"] == reasons["c1_24y"] == "a date"
    assert reasons["g2_02"] == reasons["g4_04"] == "not about the illness"
    assert reasons["c5_10"] == reasons["c5_12"] == "the death certificate"
    assert reasons["c4_45"] == "free text"


def test_without_health_care_experience_words_weights_and_diagnoses_are_left_out() -> None:
    text = CONTENT.replace("c4_01", "a1_01_13", 1)
    with_hce = left_out(hints(Phmrc(), text))
    without = left_out(hints(Phmrc(), text, hce=False))
    reason = "health-care experience (data.hce)"
    assert {name: without[name] for name in without.keys() - with_hce.keys()} == {
        "c5_07_1": reason,
        "word_rash": reason,
        "a1_01_13": reason,
    }


def test_codes_stand_for_the_answers_of_the_files_with_labels() -> None:
    text = "c4_01,c4_04,g1_05,c1_07,c4_02\n1,1,1,2,3\n0,3,2,9,4\n9,8,9,3,5\n8,9,8,4,6\n"
    found = hints(Phmrc(), text)
    fever = found["c4_01"]
    assert (fever.kind, fever.yes, fever.no) == ("yes_no", {"1"}, {"0", "2"})
    assert fever.missing == {"8", "9", "88", "99"}
    assert found["c4_04"].labels == {"1": "Mild", "2": "Moderate", "3": "Severe"}
    assert found["g1_05"].labels == {"1": "Male", "2": "Female"}
    assert found["c1_07"].labels["2"] == "smaller than usual"
    assert found["c4_04"].missing == {"8", "9", "88", "99"}
    assert (found["c4_02"].kind, found["c4_02"].unit) == ("number", "days")


@pytest.mark.parametrize(
    "name",
    [
        *("a1_01_14", "a2_02", "a2_85", "a2_87_10a", "a4_02_5a", "a5_01_9a", "a6_02_12a"),
        *("c1_19_4a", "c2_01_10", "c3_03_6", "c3_49", "c4_47_11", "c5_02_11a", "c5_19"),
    ],
)
def test_yes_no_items_of_all_modules_are_known(name: str) -> None:
    assert hints(Phmrc(), f"{name}\nYes\nNo\n")[name].kind == "yes_no"


def test_a_question_that_holds_something_else_is_left_to_inference() -> None:
    # a2_01 is a number of days in the published files.
    assert "a2_01" not in hints(Phmrc(), "a2_01,a2_02\nYes,Yes\nNo,No\n")
    assert "c9_99" not in hints(Phmrc(), "c9_99,c4_01\n1,Yes\n2,No\n")


def test_age_is_put_together_in_years() -> None:
    # Years; months; days; 99 months (unknown), so the respondent's 4 years; nothing.
    table = prepare(Phmrc(), CONTENT)
    assert numbers(table, "age_years") == pytest.approx([2, 0.5, 29 / 365.25, 4, None])
    assert hints(Phmrc(), CONTENT)["age_years"].unit == "years"


def test_text_among_ages_is_named() -> None:
    table = prepare(Phmrc(), "g1_07a,g1_07b,a2_01\n60,,1\nsixty,,2\nDon't Know,,3\n,6,4\n")
    assert numbers(table, "age_years") == [60, None, None, 0.5]
    assert table.notes == (
        "Column g1_07a: 1 cell is no number and adds nothing to age_years; the first is sixty in "
        "row 3 (the header is row 1).",
    )


def test_what_is_dropped_adds_nothing_to_the_age() -> None:
    table = prepare(Phmrc(), "g1_07a,g5_04a,a2_01\n60,61,1\n", drop=["g1_07a"])
    assert numbers(table, "age_years") == [61]


def test_an_age_out_of_the_modules_range_is_what_the_respondent_said_or_days_or_missing() -> None:
    text = (
        "module,g1_07a,g1_07b,g1_07c,g5_04a,g5_04c,c1_12\n"
        "Neonate,8,,,,3,Yes\n"  # the respondent's 3 days
        "neonate,8,,,,,No\n"  # 8 days, written among the years
        "NEONATE,40,,,,,No\n"
        "Neonate,,,,6,,No\n"  # the respondent's days, among the years
        "Neonate,,,28,,,No\n"
    )
    # Modules differ in case alone: they are one word a row, and one file may hold one of them.
    table = prepare(Phmrc(), re.sub("(?i)neonate", "Neonate", text))
    days = [3, 8, None, 6, 28]
    assert numbers(table, "age_years") == pytest.approx([d and d / 365.25 for d in days])
    assert table.notes == (
        "4 ages out of the range of the row's module (neonate up to 28 days, child up to 11 years, "
        "adult from 12 years), the first in row 2 (the header is row 1): 1 taken from what the "
        "respondent said, 2 read as days, 1 missing.",
    )


@pytest.mark.parametrize(
    ("module", "years", "expected"),
    [
        *(("Child", "11", 11.0), ("Child", "12", None), ("Adult", "11", None)),
        *(
            ("Adult", "12", 12.0),
            ("Adult", "99", 99.0),
            ("Child", "40", None),
            ("", "8", 8.0),
            ("Other", "130", 130.0),
        ),
    ],
)
def test_ages_have_the_range_of_their_module(
    module: str, years: str, expected: float | None
) -> None:
    table = prepare(Phmrc(), f"module,g1_07a,c4_01\n{module},{years},Yes\n")
    assert numbers(table, "age_years") == [expected]
    assert (table.notes == ()) == (expected is not None)


def test_numbers_that_stand_for_unknown_are_missing_and_durations_stay() -> None:
    table = prepare(Phmrc(), CONTENT)
    assert cells(table, "c4_02") == ["98", "0", None, "3", "99"]
    assert cells(table, "c1_08b") == ["2500", None, None, "3100", "3000"]
    assert cells(table, "c5_07_1") == [None, None, "5000", "6000", None]
    assert cells(table, "c4_04") == ["Mild", "Don't Know", "Severe", None, "Mild"]
    assert table.notes == (
        "Read 4 numbers such as 999 or 9999, which stand for an unknown value, as missing in "
        "g1_07b, c1_08b, c4_02, c5_07_1.",
    )


def test_names_in_capitals_are_found() -> None:
    text = "SITE,MODULE,GS_TEXT34,G1_05,G1_07A,A2_02,WORD_RASH,Mine\nDar,Adult,X,Male,40,Yes,1,z\n"
    table = prepare(Phmrc(), text)
    assert [*table.columns] == [
        *("site", "module", "gs_text34", "g1_05", "g1_07a", "a2_02", "word_rash", "Mine"),
        "age_years",
    ]
    kept = prepare(Phmrc(), text, label="GS_TEXT34", site="SITE", drop=["A2_02"])
    assert {"GS_TEXT34", "SITE", "A2_02"} <= kept.columns.keys()
    with pytest.raises(DataError, match=r"more than capitals; found A2_02 and a2_02"):
        prepare(Phmrc(), "A2_02,a2_02\nYes,No\n")


def test_a_file_without_questions_says_so() -> None:
    with pytest.raises(DataError, match=r"such as a2_01 or c1_01; found site, gs_text34, fever"):
        prepare(Phmrc(), "site,gs_text34,fever\nDar,X,Yes\n")


def test_two_modules_in_one_file_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"one module, found Adult \(2 rows\), Child \(1 row\); split the file"
    ):
        prepare(Phmrc(), "module,c4_01\nChild,Yes\nAdult,No\nAdult,No\n")


INJURIES = ("a5_01_1", "a5_01_2", "a5_01_9a")


def test_empty_is_no_where_injuries_are_ticked() -> None:
    text = (
        "site,a5_01_1,a5_01_2,a5_01_9a\n"
        "Dar,Yes,,\n"
        "Dar,,,\n"
        "Dar,No,,Yes\n"  # asked one by one
        "AP,,Yes,\n"
        "AP,,,\n"  # not asked
        "AP,Don't Know,,\n"
        ",,,\n"
        ",,1,\n"
    )
    table = prepare(Phmrc(), text)
    assert rows(table, INJURIES) == [
        ("Yes", "No", "No"),
        ("No", "No", "No"),
        ("No", None, "Yes"),
        ("No", "Yes", "No"),
        (None, None, None),
        ("Don't Know", None, None),
        ("No", "No", "No"),
        ("No", "1", "No"),
    ]
    assert table.notes == (
        "Read 12 empty cells of a5_01_1 to a5_01_9a as no: site Dar ticks injuries yes or leaves "
        "them empty.",
    )


def test_without_a_site_an_empty_list_of_injuries_says_that_there_were_none() -> None:
    table = prepare(Phmrc(), "a5_01_1,a5_01_2,a5_01_9a\n,,\nYes,,\n")
    assert rows(table, INJURIES) == [("No", "No", "No"), ("Yes", "No", "No")]
