import numpy as np
import pytest

from tests.unit.data.files import feature_names, load
from tuner_job.errors import DataError

NAN = np.nan
FIRST = "ID,Cause,a,b\nd1,X,Y,\nd2,Z,,.\nd3,X,Y,Y\nd4,Z,.,Y\n"
SECOND = "ID,Cause,a,b\nd1,X,y,n\nd2,Z,n,-\nd3,X,y,y\nd4,Z,.,y\n"


@pytest.mark.parametrize("text", [FIRST, SECOND], ids=["Y, empty, .", "y, n, -"])
def test_both_codings_mean_the_same(text: str) -> None:
    data = load(text, format="openva")
    assert feature_names(data) == ["a", "b"]
    np.testing.assert_array_equal(
        data.X, np.array([[1, 0], [0, NAN], [1, 1], [NAN, 1]], np.float32)
    )
    assert data.causes == ("X", "Z")


def test_an_empty_cell_is_no_answer_where_absence_has_a_code() -> None:
    data = load("Cause,a,b\nX,y,n\nZ,,y\nZ,n,n\n", format="openva")
    np.testing.assert_array_equal(data.X, np.array([[1, 0], [NAN, 1], [0, 0]], np.float32))


def test_a_column_that_is_never_absent_in_the_first_coding_says_something() -> None:
    data = load("cod,a\nX,Y\nZ,\n", format="openva")
    assert data.X[:, 0].tolist() == [1, 0]


def test_other_codes_are_refused_all_columns_together() -> None:
    with pytest.raises(DataError, match=r"symptoms must be Y, empty or '\.'") as caught:
        load("ID,cause,a,age\n1,X,Yes,60\n2,Z,,70\n", format="openva")
    assert "found yes in column a, row 2 (the header is row 1), 60 in column age, row 2" in str(
        caught.value
    )


def test_the_cause_must_be_found_or_named() -> None:
    with pytest.raises(DataError, match=r"looked for in cause or cod; set data\.label"):
        load("ID,why,a\n1,X,Y\n2,Z,\n", format="openva")
    assert load("ID,why,a\n1,X,Y\n2,Z,\n", format="openva", label="why").causes == ("X", "Z")


def test_a_second_cause_column_is_no_symptom() -> None:
    assert feature_names(load("cause,cod,a\nX,x,Y\nZ,z,\n", format="openva")) == ["a"]
