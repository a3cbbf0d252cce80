"""Small files that were once read wrongly; each says in its expected.txt what must come out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tuner_job.data import DataConfig, VaDataset, load_dataset
from tuner_job.errors import DataError

CASES = Path(__file__).parents[2] / "cases"
SIGNS = ["s1", "s2", "s3", "s4", "s5", "s6"]
BESIDE = {"cause", "copies", "copy"}


def load(name: str, **changes: Any) -> VaDataset:
    folder = next(CASES.glob(f"{name}-*"))
    section = yaml.safe_load((folder / "experiment.yaml").read_text())["data"]

    def read(address: str) -> bytes:
        return (folder / address).read_bytes()

    return load_dataset(DataConfig(**section | changes), read)


def names(data: VaDataset) -> list[str]:
    return [feature.name for feature in data.features]


def said(data: VaDataset) -> str:
    """What is said, but for equal rows, which these small files have many of."""
    return "\n".join(note for note in data.notes if "as chance makes" not in note)


def is_zero_or_one(data: VaDataset, columns: list[str]) -> bool:
    X = data.X[:, [names(data).index(name) for name in columns]]
    return set(np.unique(X[~np.isnan(X)])) == {0.0, 1.0}


def test_every_case_is_asked_for_here() -> None:
    asked = Path(__file__).read_text()
    numbers = [folder.name[:2] for folder in CASES.iterdir()]
    assert len(numbers) == 19
    assert [number for number in numbers if f'"{number}"' not in asked] == []


def test_numbers_that_may_mean_missing_are_named_with_their_key() -> None:
    found = said(load("40"))
    assert "months_pregnant (88 in 16 rows, 99 in 28 rows), days_ill (-1 in 25 rows)" in found
    assert "data.missing" in found
    data = load("40", missing=[88, 99, -1])
    assert said(data) == ""
    assert np.nanmin(data.X) == 0
    assert np.nanmax(data.X[:, names(data).index("months_pregnant")]) < 88


def test_dk_and_ref_are_missing() -> None:
    data = load("42")
    assert names(data) == [*SIGNS, "age", "days_fever"]
    assert is_zero_or_one(data, SIGNS)
    assert "days_fever (dk in 16 rows)" in said(data)


def test_words_in_a_column_of_numbers_are_counted() -> None:
    data = load("43")
    assert names(data) == [*SIGNS, "age"]
    assert said(data) == (
        "1 column of numbers holds words, which are read as missing: age (dk in 9 rows)."
    )


def test_a_curly_apostrophe_of_windows_is_read() -> None:
    data = load("47")
    assert names(data) == [*SIGNS, "age"]
    assert is_zero_or_one(data, SIGNS)
    assert "Windows-1252" in said(data)


def test_causes_are_merged_over_case_and_the_coding_of_accents() -> None:
    data = load("48")
    assert data.causes == ("Diarrhée", "Malaria", "PNEUMONIA", "Stroke")
    assert "Malaria (malaria), PNEUMONIA (Pneumonia)" in said(data)


def test_numeric_identifiers_are_left_out_although_some_occur_twice() -> None:
    data = load("50")
    assert names(data) == [*SIGNS, "age"]
    assert said(data) == "Left out 2 columns: identifiers (household_id, newid)."


def test_text_that_identifies_is_left_out_of_a_small_file() -> None:
    data = load("51")
    assert names(data) == [*SIGNS, "age"]
    for what in ("identifiers (champsid)", "dates or times (visit_date)", "who asked (interviewer"):
        assert what in said(data)


def test_other_codings_of_the_cause_are_left_out() -> None:
    data = load("53")
    assert names(data) == [*SIGNS, "age"]
    assert said(data) == (
        "Left out 3 columns: other codings of the cause (icd10, va34, gs_text46)."
    )


def test_one_cell_of_another_coding_is_named_and_changes_no_other() -> None:
    data = load("55")
    assert names(data) == [f"i00{i}o" for i in range(1, 7)]
    assert is_zero_or_one(data, names(data))
    assert "N in column i003o, row 9" in said(data)


def test_na_of_r_is_missing_in_openva() -> None:
    data = load("57")
    assert names(data) == [f"i00{i}o" for i in range(1, 7)]
    assert np.isnan(data.X).any()
    assert is_zero_or_one(data, names(data))


def test_empty_columns_without_a_name_are_left_out() -> None:
    assert names(load("58")) == [*SIGNS, "age"]


def test_openva_read_as_a_table_is_told_its_format() -> None:
    with pytest.raises(DataError, match=r"set data\.format: openva"):
        load("63")


def test_names_in_capitals_are_those_of_the_format() -> None:
    data = load("64")
    assert "a2_01" in names(data)
    assert "age_years" in names(data)


def test_codes_of_yes_no_and_missing_are_told_and_can_be_named() -> None:
    assert "s1 (1, 2, 8, 9)" in said(load("68"))
    assert "data.columns: {s1: {yes: [1], no: [2], missing: [8, 9]}}" in said(load("68"))
    data = load("68", columns={"s*": {"yes": [1], "no": [2], "missing": [8, 9]}})
    assert is_zero_or_one(data, SIGNS)
    assert "8" not in said(data)


def test_ticked_injuries_are_yes_or_no() -> None:
    data = load("74")
    assert {"a5_01_1", "a5_01_2"} <= set(names(data))
    assert is_zero_or_one(data, ["a5_01_1", "a5_01_2"])


def test_a_neonate_has_no_years() -> None:
    data = load("76")
    assert data.X[:, names(data).index("age_years")].max() <= 28 / 365
    assert "15 ages out of the range" in said(data)


@pytest.mark.parametrize("number", ["62", "66", "69"])
def test_what_is_asked_of_a_command_is_read(number: str) -> None:
    assert len(load(number).causes) == 3
