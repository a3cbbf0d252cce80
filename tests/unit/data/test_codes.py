"""What is to be written where codes may mean missing."""

import pytest

from tests.unit.data.test_infer import features, said, trained
from tests.unit.data.training import one_of, sheet, train


def test_codes_of_all_columns_are_named_for_every_column() -> None:
    data = train(sheet({"a": one_of(1, 2, 9), "b": one_of(0, 1, 88), "c": one_of(0, 1, 2)}))
    assert "in every column with data.missing: [9, 88]" in said(data)


def test_the_line_to_write_names_every_such_code() -> None:
    days = [10, 12, 14, 20, 25]
    assert "data.columns: {q: {missing: [88, 99]}}" in said(trained(*days, 88, 99))
    assert "data.columns: {q: {missing: [8, 9]}}" in said(trained("M", "F", 8, 9))
    assert said(trained(*days, 88, 99, columns={"q": {"missing": [88, 99]}})) == ""


def test_yes_and_no_are_answers_although_codes_are_more_frequent() -> None:
    data = trained("yes", "no", 8, 9, 88, 99, 99)
    assert {"q=no", "q=yes"} < set(features(data))
    assert "data.columns: {q: {missing: [8, 9, 88, 99]}}" in said(data)
    assert features(trained("yes", "no", 8, 9, 99, missing=[8, 9, 99])) == ["q"]


@pytest.mark.parametrize("code", [77, 777, 7777, 99.9, 999.9])
def test_codes_that_may_be_honest_numbers_are_told_where_no_other_is_near(code: float) -> None:
    assert f"missing: [{code}]" in said(trained(1.5, 10, 12, 14, 20, 25, code))
    assert said(trained(1.5, 10, 12, 14, 20, 25, code - 3, code)) == ""
    assert "missing: [77, 88, 99]" in said(trained(1.5, 10, 12, 20, 77, 88, 99))


def test_points_that_may_part_thousands_are_told() -> None:
    grams = ["950", "800", "1.250", "2.100", "3.400", "3.055", "4.000", "2.125"]
    assert "may part thousands, and are read as decimal points: q (5 different" in said(
        trained(*grams)
    )
    assert "thousands" not in said(trained(*grams, "2.5"))
    assert "thousands" not in said(trained("1.250", "2.100", "3.400", "3.055", "4.001", "5"))
