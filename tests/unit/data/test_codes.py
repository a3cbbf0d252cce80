"""What is to be written where codes may mean missing."""

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
