import pytest

from tests.unit.data.prepared import hints, prepare, table_of
from tuner_job.data.instruments.openva import OpenVa, looks_like_openva
from tuner_job.errors import DataError

FIRST = "ID,Cause,a,b\nd1,X,Y,\nd2,Z,,.\nd3,X,Y,Y\nd4,Z,.,Y\n"
SECOND = "ID,Cause,a,b\nd1,X,y,n\nd2,Z,n,-\nd3,X,y,y\nd4,Z,.,y\n"


@pytest.mark.parametrize(
    ("text", "blank"), [(FIRST, "no"), (SECOND, "missing")], ids=["Y, empty, .", "y, n, -"]
)
def test_what_an_empty_cell_means_is_a_matter_of_the_coding(text: str, blank: str) -> None:
    found = hints(OpenVa(), text)
    assert found["ID"].left_out == "an identifier"
    for name in ("a", "b"):
        hint = found[name]
        assert (hint.kind, hint.blank) == ("yes_no", blank)
        assert "y" in hint.yes
        assert "n" in hint.no
        assert hint.missing >= {".", "-", "na"}
    assert "Cause" not in found


def test_an_empty_cell_is_no_answer_where_absence_has_a_code_however_many_are_empty() -> None:
    text = "cause,a,b\n" + "X,y,\nZ,n,\nX,n,\n" + "Z,,\n" * 30
    assert hints(OpenVa(), text)["a"].blank == "missing"


def test_one_stray_n_does_not_turn_empty_cells_around_and_is_named() -> None:
    text = "ID,cause,a,b\n" + "d,X,Y,\nd,Z,,Y\n" * 10 + "d,X,N,Y\nd,X,-,\n"
    table = prepare(OpenVa(), text)
    assert table.notes == (
        "Symptoms are coded Y, empty and '.'; 2 cells with a symbol of the other coding are read "
        "by what it says (n absent, - missing): N in column a, row 22 (the header is row 1), - in "
        "column a, row 23 (the header is row 1).",
    )
    assert hints(OpenVa(), text)["a"].blank == "no"


def test_what_r_writes_as_na_is_missing_and_no_symbol_of_a_coding() -> None:
    text = "cause,a,b\nX,Y,NA\nZ,NA,NA\nX,,NaN\nZ,Y,\n"
    found = hints(OpenVa(), text)
    assert (found["a"].kind, found["a"].blank) == ("yes_no", "no")
    assert found["b"].kind == "yes_no"
    assert prepare(OpenVa(), text).notes == ()


def test_age_and_sex_beside_the_symptoms_are_left_to_inference() -> None:
    text = "cause,age,sex,a,b\nX,60,male,Y,\nZ,NA,F,,Y\nX,3.5,Female,Y,.\n"
    assert set(hints(OpenVa(), text)) == {"a", "b"}


def test_other_words_are_refused_all_columns_together() -> None:
    text = "ID,cause,a,b,i003o\n1,X,Yes,Y,X\n2,Z,,Y,\n3,Z,,X,\n4,Z,,,\n"
    with pytest.raises(DataError, match=r"symptoms must be Y, empty or '\.'") as caught:
        hints(OpenVa(), text)
    assert (
        "found Yes in column a, row 2 (the header is row 1), X in column b, row 4 (the header is "
        "row 1), X in column i003o, row 2 (the header is row 1); name" in str(caught.value)
    )


def test_what_is_dropped_or_a_site_is_not_looked_at() -> None:
    text = "cause,place,note,a\nX,North,long story,Y\nZ,South,another,\n"
    assert set(hints(OpenVa(), text, site="place", drop=["note"])) == {"a"}


def test_a_file_of_openva_is_recognised_in_another_format() -> None:
    assert looks_like_openva(table_of(FIRST))
    assert looks_like_openva(table_of(SECOND))
    assert not looks_like_openva(table_of("cause,a,b,c\nX,Yes,No,1\nZ,No,Yes,2\n"))
    assert not looks_like_openva(table_of("cause,a,b,c,d,e\nX,Y,1,2,3,4\nZ,,2,2,3,4\n"))
    assert not looks_like_openva(table_of("cause,a,b\nX,.,\nZ,,\n"))
