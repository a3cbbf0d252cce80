"""What new deaths are known by: identifiers, sites, groups."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.data.training import one_of, sheet, train, whole
from tuner_job.data import DataConfig
from tuner_job.data.ages import AGE_BANDS
from tuner_job.data.codebook import Codebook
from tuner_job.data.labels import Grouping, Labels, read_labels
from tuner_job.data.load import FORMATS, read_source
from tuner_job.data.new_rows import read_new
from tuner_job.errors import DataError

TRAINED = train(sheet({"fever": one_of("yes", "no"), "cough": one_of("yes", "no")}))


def labels(text: str, by: Sequence[str] = (), **config: Any) -> Labels:
    """Labels of deaths whose answers are added to each row."""
    head, *rows = text.strip().split("\n")
    answers = [f"{row},{'yes,no' if i % 2 else 'no,yes'}" for i, row in enumerate(rows)]
    content = "\n".join([f"{head},fever,cough", *answers]).encode()
    section = DataConfig(**{"source": "new.csv", "label": "cause", **config})
    said = lambda note: None  # noqa: E731
    return read_new(section, TRAINED.codebook, TRAINED.causes, lambda _: content, said, by).labels


def counts(found: Grouping) -> dict[str, int]:
    codes = found.codes.tolist()
    return {name: codes.count(number) for number, name in enumerate(found.names)}


def of_one(column: str, cells: Sequence[str], by: str) -> dict[str, int]:
    (found,) = labels("\n".join([f"n,{column}", *(f"1,{cell}" for cell in cells)]), [by]).groups
    return counts(found)


def test_identifiers_and_sites_are_those_of_the_file_in_its_order() -> None:
    found = labels("who,place\nc7,North\na1,\nb 2,South\n", id="who", site="place")
    assert found.id_column == "who"
    assert list(found.ids) == ["c7", "a1", "b 2"]
    assert list(found.sites) == ["North", "", "South"]


def test_without_an_identifier_deaths_have_the_number_of_their_row() -> None:
    found = labels("x\n5\n5\n")
    assert (found.id_column, list(found.ids), list(found.sites)) == ("", ["2", "3"], ["", ""])


def test_a_column_that_training_left_out_as_identifier_is_taken_if_it_tells_all_deaths_apart() -> (
    None
):
    answers = {"case_id": whole(100_000, 999_999), "fever": one_of("yes", "no")}
    data = train(sheet(answers))
    assert next(v for v in data.codebook.variables if v.name == "case_id").role == "left_out"
    config = DataConfig(source="new.csv", label="cause")
    for cells, expected in ((("9", "8"), ["9", "8"]), (("9", "9"), ["2", "3"])):
        text = f"case_id,fever\n{cells[0]},yes\n{cells[1]},no\n".encode()
        found = read_new(config, data.codebook, data.causes, lambda _, text=text: text).labels
        assert list(found.ids) == expected


def test_any_column_groups_deaths_one_spelling_each_and_what_is_not_known_stands_last() -> None:
    cells = ["Zona B", "zona b", "Zona B", "a", "NA", ""]
    assert of_one("zone", cells, "zone") == {"Zona B": 3, "a": 1, "not known": 2}
    assert of_one("ward", ["10", "9", "10"], "WARD") == {"9": 1, "10": 2}


@pytest.mark.parametrize("column", ["sex", "Gender", "g1_05", "Id10019"])
def test_sex_is_found_under_its_usual_names(column: str) -> None:
    assert of_one(column, ["male", "Female", "female"], "sex") == {"Female": 2, "male": 1}


def test_site_is_the_experiments_own() -> None:
    (found,) = labels("site,hospital\nx,A\nx,B\n", ["site"], site="hospital").groups
    assert (found.column, found.names) == ("hospital", ("A", "B"))


AGES = [
    (
        "age_days",
        ["0", "27", "28", "365", "366"],
        {"0–27 days": 2, "1–11 months": 2, "1–4 years": 1},
    ),
    (
        "age_years",
        ["0.05", "0.5", "1", "4.9", "5", "14", "15", "49.9", "50", "64", "65", "101"],
        dict(zip(AGE_BANDS[2:], [1, 1, 2, 2, 2, 2, 2], strict=True)),
    ),
    ("age", ["0", "0", "3", "200", "-1"], {"under 1 year": 2, "1–4 years": 1, "not known": 2}),
    ("ageInMonths", ["0", "1", "11", "12"], {"under 1 month": 1, "1–11 months": 2, "1–4 years": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("column", "cells", "expected"), AGES)
def test_ages_make_the_usual_groups_as_far_as_they_tell_them_apart(
    column: str, cells: list[str], expected: dict[str, int]
) -> None:
    found = of_one(column, cells, "age_group")
    assert found == expected
    assert list(found) == list(expected)


def test_days_are_taken_before_years() -> None:
    (found,) = labels("age,age_days\n0,3\n0,40\n2,\n", ["age_group"]).groups
    assert counts(found) == {"0–27 days": 1, "1–11 months": 1, "1–4 years": 1}


@pytest.mark.parametrize("column", ["date_of_death", "year", "dod", "Id10023"])
def test_years_are_read_of_dates_in_many_spellings(column: str) -> None:
    cells = ["2019-05-03", "3/5/2019", "20190503", "43588", "May 2020", "2020", "3.5.19", ""]
    assert of_one(column, cells, "year") == {"2019": 4, "2020": 2, "not known": 2}


def test_a_year_that_one_column_lacks_is_taken_of_the_next() -> None:
    (found,) = labels("Id10023_b,Id10023_a\n2019-01-01,\n2019-01-01,2020-01-01\n", ["year"]).groups
    assert counts(found) == {"2019": 1, "2020": 1}


def test_the_year_of_another_column_can_be_named() -> None:
    assert of_one("visited", ["2018-01-01"], "year:visited") == {"2018": 1}


REFUSED = [
    ("sx", "sex", r"new\.csv: --by sx: the file has no such column \(near: sex"),
    ("year", "sex", r"--by year: the file has no such column.*; year:COLUMN names another"),
    ("year:sex", "sex", "--by year:sex: column sex holds no year of four figures"),
    ("age_group", "sex", "--by age_group: needs a column of ages"),
    ("", "sex", "--by without a name: the file has no such column"),
    ("mother_name", "mother_name", "must be a column of groups of deaths; it holds names"),
    ("phone", "phone", "must be a column of groups of deaths; it holds telephone numbers"),
]


@pytest.mark.parametrize(("by", "column", "message"), REFUSED)
def test_what_is_no_group_is_refused(by: str, column: str, message: str) -> None:
    cells = [f"+44 20 7946 0{i:03}" if column == "phone" else f"Ann {i}" for i in range(30)]
    with pytest.raises(DataError, match=message):
        of_one(column, cells, by)


def test_a_column_of_too_many_answers_is_no_group_and_all_problems_are_said_at_once() -> None:
    with pytest.raises(DataError) as error:
        labels("\n".join(["note", *(f"t{i}" for i in range(60))]), ["note", "sight"])
    assert "--by note: must be a column of at most 50 groups; column note holds 60" in str(
        error.value
    )
    assert "--by sight: the file has no such column" in str(error.value)


TOGETHER = [
    ("45,0,0", "15–49 years"),
    ("34,2,5", "15–49 years"),
    ("0,5,0", "1–11 months"),
    ("0,0,20", "0–27 days"),
    ("0,0,200", "1–11 months"),
    ("2,26,790", "1–4 years"),
    ("1,11,", "1–4 years"),
    ("0,,", "under 1 year"),
    ("0,3,", "1–11 months"),
    ("0,0,", "under 1 month"),
    (",,3", "0–27 days"),
    (",30,", "1–4 years"),
    ("999,99,3", "0–27 days"),
    (",,", "not known"),
    (",99,", "5–14 years"),
    (",,99", "1–11 months"),
    ("999,99,", "not known"),
    ("888,,99", "not known"),
    ("0,99,", "under 1 year"),
    ("3,99,", "1–4 years"),
    ("45,99,999", "15–49 years"),
    ("3,31,", "1–4 years"),
    ("46,550,", "15–49 years"),
    ("33,,12000", "15–49 years"),
    ("4.6,7,", "1–4 years"),
    ("0,,99", "1–11 months"),
    ("0,0,99", "under 1 month"),
    ("0,18,", "1–4 years"),
]


@pytest.mark.parametrize(("cells", "expected"), TOGETHER)
def test_smaller_units_may_hold_what_is_left_over(cells: str, expected: str) -> None:
    (found,) = labels(f"age_years,age_months,age_days\n{cells}\n", ["age_group"]).groups
    assert found.names == (expected,)


QUESTIONNAIRES = [
    ("who", "Id10147,ageInDays,ageInYears", ["yes,28,", "no,0,", "no,,0", "no,12000,32"]),
    ("phmrc", "a2_01,a2_02,g1_07c,g1_07a", ["1,1,28,", "0,0,0,", "0,0,,0", "1,0,,33"]),
]


@pytest.mark.parametrize(("format_", "head", "rows"), QUESTIONNAIRES)
def test_each_death_of_a_questionnaire_has_the_group_of_its_own_answer(
    format_: str, head: str, rows: Sequence[str]
) -> None:
    expected = ["1–11 months", "0–27 days", "under 1 year", "15–49 years"]
    assert groups_of(format_, head, rows) == expected
    for row, group in zip(rows, expected, strict=True):
        assert groups_of(format_, head, [row]) == [group]


def test_what_the_experiment_says_is_missing_is_no_age() -> None:
    cells = ["0,77", "3,77", "0,5"]
    found = groups_of("table", "age_years,age_months", cells, missing=["77"])
    assert found == ["under 1 year", "1–4 years", "1–11 months"]


def groups_of(format_: str, head: str, rows: Sequence[str], **config: Any) -> list[str]:
    section = DataConfig(**{"source": "new.csv", "label": "cause", "format": format_, **config})
    content = "\n".join([head, *rows]).encode()
    raw = read_source(section, lambda _: content)
    source_format = FORMATS[format_]
    files = raw, source_format.prepare(raw, section)
    found = read_labels(files, Codebook(), section, source_format, ["age_group"]).groups[0]
    return [found.names[code] for code in found.codes.tolist()]


@pytest.mark.parametrize("format_", ["who", "phmrc", "table"])
def test_a_column_age_group_of_ones_own_is_taken(format_: str) -> None:
    own = ["1,28,30-49", "0,9,70+", "1,9,30-49"]
    head = {"phmrc": "a2_01,g1_07c,age_group"}.get(format_, "Id10147,ageInDays,age_group")
    assert groups_of(format_, head, own) == ["30-49", "70+", "30-49"]


def test_the_questionnaires_own_age_group_gives_way_to_ages() -> None:
    rows = ["yes,28,neonate", "no,400,child"]
    assert groups_of("who", "Id10147,ageInDays,age_group", rows) == ["1–11 months", "1–4 years"]


def test_what_is_left_over_stays_so_beside_one_whole_age() -> None:
    rows = [f"1,{month}" for month in range(12)] + ["1,12"]
    assert groups_of("table", "age_years,age_months", rows) == ["1–4 years"] * 13
    rows = ["1,2", "1,5", "1,31"]
    assert groups_of("table", "age_months,age_days", rows) == ["1–11 months"] * 3


def test_ages_that_were_rounded_are_known_by_the_older_deaths() -> None:
    rows = ["1,7", *(f"{years},{12 * years - 5}" for years in range(2, 30))]
    assert groups_of("table", "age_years,age_months", rows)[0] == "1–11 months"
