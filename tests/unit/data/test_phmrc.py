import numpy as np
import pytest

from tests.unit.data.files import PHMRC_ROWS, column, csv_bytes, feature_names, load
from tuner_job.errors import DataError

NAN = np.nan
CONTENT = csv_bytes(PHMRC_ROWS)


def test_only_what_was_asked_about_the_illness_becomes_a_feature() -> None:
    data = load(CONTENT, format="phmrc")
    assert feature_names(data) == [
        *("g1_05=Female", "g1_05=Male", "c1_08b", "c4_01", "c4_02", "c4_04=Mild", "c4_04=Severe"),
        *("c5_07_1", "word_rash", "age_years"),
    ]
    assert data.causes == ("AIDS", "Measles", "Pneumonia")
    assert data.sites == ("AP", "Dar", "UP")


def test_without_health_care_experience_words_and_weights_on_record_are_left_out() -> None:
    with_hce, without = load(CONTENT, format="phmrc"), load(CONTENT, format="phmrc", hce=False)
    assert set(feature_names(with_hce)) - set(feature_names(without)) == {"c5_07_1", "word_rash"}
    assert without.notes[-1].endswith("the interview, and health-care experience.")


def test_adult_diagnoses_are_health_care_experience() -> None:
    rows = [
        {**row, "a1_01_13": str(index % 2), "a2_02": str(index % 2)}
        for index, row in enumerate(PHMRC_ROWS)
    ]
    assert "a1_01_13" in feature_names(load(csv_bytes(rows), format="phmrc"))
    names = feature_names(load(csv_bytes(rows), format="phmrc", hce=False))
    assert "a2_02" in names
    assert "a1_01_13" not in names


def test_age_is_put_together_in_years() -> None:
    # Years; months; days; 99 months (unknown), so the respondent's 4 years; nothing.
    age = column(load(CONTENT, format="phmrc"), "age_years")
    np.testing.assert_allclose(age, [2, 0.5, 29 / 365.25, 4, NAN], rtol=1e-6)


def test_every_way_of_not_knowing_is_missing_and_durations_stay() -> None:
    data = load(CONTENT, format="phmrc")
    np.testing.assert_array_equal(column(data, "c4_01"), [1, 0, NAN, NAN, 1])
    np.testing.assert_array_equal(column(data, "c4_02"), [98, 0, NAN, 3, 99])
    np.testing.assert_array_equal(column(data, "c1_08b"), [2500, NAN, NAN, 3100, 3000])
    np.testing.assert_array_equal(column(data, "c5_07_1"), [NAN, NAN, 5000, 6000, NAN])
    np.testing.assert_array_equal(column(data, "c4_04=Mild"), [1, NAN, 0, NAN, 1])
    assert data.notes[0] == (
        "Read 4 numbers such as 999 or 9999, which stand for an unknown value, as missing in "
        "c1_08b, c4_02, c5_07_1, g1_07b."
    )


def test_causes_can_be_their_numbers_in_the_module() -> None:
    data = load(CONTENT, format="phmrc", label="va34")
    assert data.causes == ("1", "10", "17")
    assert data.y.tolist() == [2, 0, 1, 1, 0]
    assert not [name for name in feature_names(data) if name.startswith(("gs_", "va"))]


def test_two_modules_in_one_file_are_refused() -> None:
    rows = [
        {**row, "module": module}
        for row, module in zip(PHMRC_ROWS, ["Child"] * 3 + ["Adult"] * 2, strict=True)
    ]
    with pytest.raises(
        DataError, match=r"one module, found Adult \(2 rows\), Child \(3 rows\); split the file"
    ):
        load(csv_bytes(rows), format="phmrc")


def test_unlisted_free_text_is_left_out_with_a_note() -> None:
    rows = [{**PHMRC_ROWS[index % 5], "c9_99": f"story {index}"} for index in range(60)]
    data = load(csv_bytes(rows), format="phmrc")
    assert "Dropped 1 column (c9_99) of free text." in data.notes


def test_a_file_without_sites_is_one_site() -> None:
    rows = [{key: value for key, value in row.items() if key != "site"} for row in PHMRC_ROWS]
    assert load(csv_bytes(rows), format="phmrc").sites == ("all",)
