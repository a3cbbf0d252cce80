"""Features are those that tell training rows apart: deaths that are held out choose none."""

import numpy as np

from tests.unit.data.files import feature_names, load_table

ROWS = "".join(
    f"{'abc'[i % 3]},{i % 7},{'yes' if i >= 40 else 'no'},{('home', 'road', 'boat')[i // 5 % 3]}\n"
    for i in range(60)
)
DATA = load_table("cause,age,late,place\n" + ROWS)


def test_what_is_the_same_in_all_training_rows_is_no_feature() -> None:
    assert feature_names(DATA) == ["age", "late", "place=boat", "place=home", "place=road"]
    narrow = DATA.informative(np.arange(12))
    assert feature_names(narrow) == ["age", "place=home", "place=road"]
    np.testing.assert_array_equal(narrow.X, DATA.X[:, [0, 3, 4]])
    assert narrow.codebook.left_out() == {"the same in all training rows": ["late"]}
    kept = DATA.informative_columns(np.arange(12))
    assert kept.tolist() == [True, False, False, True, True]


def test_the_digest_stays_that_of_the_file() -> None:
    assert DATA.informative(np.arange(12)).digest == DATA.digest
    assert DATA.informative(np.arange(60)) is DATA


def test_a_number_s_range_is_that_of_the_training_rows() -> None:
    narrow = DATA.informative(np.flatnonzero(DATA.X[:, 0] < 4))
    (age,) = [one for one in narrow.codebook.used if one.name == "age"]
    assert (age.low, age.high) == (0, 3)
