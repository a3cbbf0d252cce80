"""New deaths are read by the codebook of the training file alone, and held to it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.data.training import one_of, quoted, read_by, sheet, train, whole
from tuner_job.errors import DataError

NAN = np.nan
TRAINING = sheet(
    {
        "sex": one_of("Male", "Female", "Don't Know"),
        "fever": one_of("Yes", "No", "dk"),
        "code": one_of(1, 2, 9),
        "age": whole(0, 95),
        "temp": one_of("36,5", "40,1", "38"),
        "place": one_of("Home", "Hôpital", "On the road"),
    },
    n=600,
)
COLUMNS: dict[str, Any] = {"code": {"yes": [1], "no": [2], "missing": [9]}}
HEADER = "sex,fever,code,age,temp,place\n"


def read(text: str) -> tuple[list[list[float]], list[int], list[str]]:
    data = train(TRAINING, columns=COLUMNS)
    deaths, notes = read_by(data, text, columns=COLUMNS)
    return deaths.X.tolist(), deaths.n_doubtful.tolist(), notes


def test_features_are_as_the_other_tests_expect_them() -> None:
    names = [feature.name for feature in train(TRAINING, columns=COLUMNS).features]
    assert names == [
        *("sex=Female", "sex=Male", "fever", "code", "age", "temp"),
        *("place=Home", "place=Hôpital", "place=On the road"),
    ]


@pytest.mark.parametrize(
    ("row", "x"),
    [
        ("Male,Yes,1,40,'36,5',Home", [0, 1, 1, 1, 40, 36.5, 1, 0, 0]),
        ("MALE , yes,1.0,40.0,38,HOME.", [0, 1, 1, 1, 40, 38, 1, 0, 0]),
        ("female,N,2,0,'39,25',Ho\u0302pital", [1, 0, 0, 0, 0, 39.25, 0, 1, 0]),
        ("dk,ref,9,NA,.,on  the_road", [NAN, NAN, NAN, NAN, NAN, NAN, 0, 0, 1]),
        ("Ne sait pas,Não sabe,,#N/A,,no sabe", [NAN] * 9),
        ("male,oui,no,1,'36,5',n/a", [0, 1, 1, 0, 1, 36.5, NAN, NAN, NAN]),
    ],
)
def test_other_spellings_of_known_answers_fit(row: str, x: list[float]) -> None:
    found, doubtful, notes = read(HEADER + row.replace("'", '"') + "\n")
    np.testing.assert_allclose(found, [x])
    assert (doubtful, notes) == ([0], [])


def fitting(n: int) -> str:
    return "".join(f'Male,Yes,{1 + i % 2},{i % 90},"37,{i % 10}",Home\n' for i in range(n))


def test_few_answers_that_training_did_not_know_are_told_by_column() -> None:
    odd = 'other,perhaps,1,130,"37,0",boat\n'
    x, doubtful, notes = read(HEADER + fitting(30) + odd)
    np.testing.assert_allclose(x[-1], [0, 0, NAN, 1, 130, 37, 0, 0, 0])
    assert doubtful == [0] * 30 + [4]
    assert notes == [
        "Answers that training did not know are read as none of the known ones, in 3 columns: "
        "sex: other in row 32 (training: Female, Male); fever: perhaps in row 32 (training: yes, "
        "no); place: boat in row 32 (training: Home, Hôpital, On the road).",
        "Numbers are outside those of training in 1 column: age: numbers from 130 to 130 in 1 row "
        "(training: 0 to 95).",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('M,Yes,1,40,"37,0",Home', "column sex: M in 20 rows .training: Female, Male"),
        ('2,Yes,1,40,"37,0",Home', "column sex: 2 in 20 rows"),
        ('Male,Yes,1,14600,"37,0",Home', "column age: numbers from 14600 to 14600 in 20 rows"),
        (
            'Male,Yes,1,"40,5",37,Home',
            "column age: 40,5 in 20 rows .training: 0",
        ),
        (
            "Male,Yes,1,40,37.5,Home",
            "column temp: 37.5 in 20 rows .training: 36.5",
        ),
        (
            'Male,2,1,40,"37,0",Home',
            r"column fever: 2 in 20 rows .training: yes, no",
        ),
        ('Male,Yes,5,40,"37,0",Home', "column code: 5 in 20 rows"),
        ('Male,Yes,1,adult,"37,0",Home', "column age: adult in 20 rows"),
    ],
)
def test_a_column_of_which_no_cell_fits_is_refused(row: str, said: str) -> None:
    with pytest.raises(DataError, match=f"must be coded as the deaths .* found {said}"):
        read(HEADER + f"{row}\n" * 20)


def test_ages_in_days_are_refused_although_some_are_few() -> None:
    ages = [3, 10, 80, *(365 * age for age in range(1, 40))]
    with pytest.raises(DataError, match="column age: numbers from 365 to 14235 in 39 rows"):
        read(HEADER + "".join(f'Male,Yes,1,{age},"37,0",Home\n' for age in ages))


def test_more_than_a_tenth_of_unknown_answers_is_refused() -> None:
    odd = "".join(f"{'Male' if i % 2 else 'M'},maybe,7,{i},37,Home\n" for i in range(20))
    with pytest.raises(DataError, match=r"50 of 120 answers .* at most 10% may be"):
        read(HEADER + odd)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match=r"must have the columns .*; missing: age, place"):
        read("sex,fever,code,temp\nMale,Yes,1,37\n")
    with pytest.raises(DataError, match=r"missing: age, place; the file writes otherwise: AGE$"):
        read("sex,fever,code,temp,AGE\nMale,Yes,1,37,3\n")


def test_columns_without_any_answer_are_told_and_further_ones_left_out() -> None:
    rows = "".join(f'Male,,1,{i},"37,0",Home,x\n' for i in range(12))
    x, doubtful, notes = read(f"{HEADER.strip()},extra\n{rows}")
    assert np.isnan([row[2] for row in x]).all()
    assert not any(doubtful)
    assert notes == [
        "No death has an answer in 1 column that the model uses: fever.",
        "Left out 1 column that the model does not use: extra.",
    ]


def test_one_odd_answer_of_one_death_is_told_and_not_refused() -> None:
    x, doubtful, notes = read(HEADER + 'Male,Yes,1,40,"37,0",boat\n')
    assert doubtful == [1]
    assert x[0][-3:] == [0, 0, 0]
    assert "place: boat in row 2" in notes[0]


def test_causes_of_new_deaths_are_scored_whatever_their_spelling() -> None:
    data = train(TRAINING, columns=COLUMNS)
    rows = fitting(5).splitlines()
    named = ["malaria", "PNEUMONIA ", "Plague", "", "stroke."]
    lines = [f"{row},{cause}" for row, cause in zip(rows, named, strict=True)]
    text = "\n".join([f"{HEADER.strip()},cause", *lines]) + "\n"
    deaths, notes = read_by(data, text, columns=COLUMNS)
    assert deaths.y is not None
    assert deaths.y.tolist() == [0, 1, -1, -1, 2]
    assert notes == ["Causes that the model does not know are not scored: Plague in 1 row."]


ANY = ["", "Yes", "no", "1", "2", "0", "8", "99", "-1", "dk", "Home", "home ", "3.5", "x", "NA"]
TEXT = st.one_of(st.sampled_from(ANY), st.text("aYnoé 1.,", max_size=4))
WIDE: dict[str, tuple[str, dict[str, Any]]] = {
    "table": (TRAINING, {"columns": COLUMNS}),
    "openva": (
        sheet({f"i{n}o": one_of("Y", "", ".") for n in range(4)}),
        {"format": "openva"},
    ),
    "phmrc": (
        sheet(
            {
                "module": one_of("Adult"),
                "g1_07a": whole(12, 90),
                "g1_05": one_of("Male", "Female"),
                "a2_01": one_of("Yes", "No", "Don't Know"),
                "a2_02": whole(0, 90),
            }
        ).replace("cause", "gs_text34", 1),
        {"format": "phmrc"},
    ),
    "who": (
        sheet(
            {
                "Id10019": one_of("male", "female"),
                "ageInDays": whole(5000, 30000),
                "Id10147": one_of("yes", "no", "dk", "ref"),
                "Id10120": whole(0, 90),
            }
        ),
        {"format": "who"},
    ),
}


@pytest.mark.parametrize("name", WIDE)
@settings(max_examples=25, deadline=None)
@given(drawn=st.data())
def test_a_death_is_read_as_it_is_whichever_others_stand_beside_it(
    name: str, drawn: st.DataObject
) -> None:
    text, config = WIDE[name]
    data = train(text, **config)
    header, *known = text.splitlines()
    odd = st.lists(TEXT, min_size=header.count(","), max_size=header.count(","))
    # Mostly known rows, so that the file is not refused; each ends with a mark, so none is empty.
    rows = [
        ",".join(map(quoted, ["Malaria", *row])) for row in drawn.draw(st.lists(odd, max_size=2))
    ]
    rows = drawn.draw(st.permutations(known[:15] + rows))

    def encode(lines: list[str]) -> tuple[np.ndarray, np.ndarray] | None:
        marked = "\n".join(f"{line},z" for line in lines)
        try:
            deaths, _ = read_by(data, f"{header},mark\n{marked}\n", **config)
        except DataError:
            return None
        return deaths.X, deaths.n_doubtful

    whole_file = encode(rows)
    if whole_file is None:
        return
    order = drawn.draw(st.permutations(range(len(rows))))
    X, doubtful = encode([rows[i] for i in order]) or (None, None)
    np.testing.assert_array_equal(X, whole_file[0][order])
    np.testing.assert_array_equal(doubtful, whole_file[1][order])
    for i, row in enumerate(rows):
        if (alone := encode([row])) is not None:
            np.testing.assert_array_equal(alone[0][0], whole_file[0][i])
            assert alone[1][0] == whole_file[1][i]
