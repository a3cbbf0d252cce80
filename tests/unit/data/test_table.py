import numpy as np
import pytest

from tests.unit.data.files import column, feature_names, load_table
from tuner_job.errors import DataError

NAN = np.nan


def test_columns_become_numbers_answers_and_categories() -> None:
    data = load_table(
        "id,cause,site,age,fever,place\n"
        "a,B,x,61.5,Yes,Home\n"
        "b,A,y,Don't know,n,Hospital \n"
        "c,B,x,3,.,\n"
        "d,C,y,4e1,NO,Refused to Answer\n"
        + "e,A,x,7,,Home\nf,A,x,7,,hospital\nf,A,x,7,,Hospital\n"
        * 4,
        site="site",
        drop=["id"],
    )
    assert feature_names(data) == ["age", "fever", "place=Home", "place=Hospital"]
    np.testing.assert_array_equal(
        data.X[:4],
        np.array(
            [[61.5, 1, 1, 0], [NAN, 0, 0, 1], [3, NAN, NAN, NAN], [40, 0, NAN, NAN]], np.float32
        ),
    )
    assert [array.dtype.name for array in (data.X, data.y, data.site)] == [
        "float32",
        "int32",
        "int32",
    ]
    assert (data.causes, data.y[:4].tolist()) == (("A", "B", "C"), [1, 0, 1, 2])
    assert (data.sites, data.site[:4].tolist()) == (("x", "y"), [0, 1, 0, 1])
    assert data.features[3].column == "place"
    assert data.features[3].category == "Hospital"
    assert [note for note in data.notes if "equal an earlier" not in note] == [
        "Left out 1 column: as the experiment file says (id).",
        "1 column of numbers holds words, which are read as missing: age (Don't know in 1 row).",
    ]


def test_numbered_causes_are_sorted_by_value_and_one_site_is_called_all() -> None:
    data = load_table("cause,x\n10,1\n2.0,0\n1,0\n2,1\n")
    assert data.causes == ("1", "2", "10")
    assert data.y.tolist() == [2, 1, 0, 1]
    assert (data.sites, data.site.tolist()) == (("all",), [0, 0, 0, 0])


def test_codes_such_as_99_stay_numbers() -> None:
    assert column(load_table("cause,x\na,99\nb,9999\n"), "x") == [99, 9999]


def test_what_was_handled_is_noted() -> None:
    data = load_table(",cause,x,only,yes,none\n1,a,1,7,Y,\n2,b,0,7,,.\n3,,1,8,Y,\n4,NA,1,8,Y,\n")
    assert feature_names(data) == ["x"]
    assert data.notes == (
        "Left out a column without a name (row names?).",
        "Dropped 2 of 4 rows without a cause in column cause.",
        "Left out 3 columns: a single answer (only); yes or blank (yes); no answers (none).",
        "In 1 column an answer is yes or blank; where blank means no, say so: data.columns: "
        "{\"yes\": {no: ['']}} for yes.",
    )


def test_what_numbers_the_rows_is_left_out() -> None:
    rows = "".join(f"{'ab'[row % 2]},{row},{row + 0.5},{row % 7}\n" for row in range(60))
    data = load_table("cause,key,size,x\n" + rows)
    assert feature_names(data) == ["size", "x"]
    assert "Left out 1 column: identifiers (key)." in data.notes


def test_sites_keeps_the_rows_of_some_sites_and_what_occurs_there() -> None:
    rows = "a,A,1,p\nb,B,0,q\nc,C,1,r\nb,A,0,q\n"
    text = f"cause,s,x,y\n{rows * 5}"
    data = load_table(text, site="s", sites=["C", "A"])
    assert (data.sites, data.causes) == (("A", "C"), ("a", "b", "c"))
    assert data.site[:3].tolist() == [0, 1, 0]
    assert feature_names(data) == ["x", "y=p", "y=q", "y=r"]
    assert data.notes[0] == "Kept 15 of 20 rows: 2 of 3 sites."


@pytest.mark.parametrize(
    ("text", "config", "message"),
    [
        (
            "cuase,x\na,1\n",
            {},
            r"deaths.csv: .* data.label names cause, which is not there \(near: cuase\)",
        ),
        ("Cause,x\na,1\n", {}, r"data.label names cause, which is not there \(near: Cause\)"),
        ("p,q\na,1\n", {}, r"not there \(the file has p, q\)"),
        (
            "cause,x\na,1\nb,0\n",
            {"site": "sit", "drop": ["xx"]},
            "data.site names sit, .*; data.drop names xx",
        ),
        ("cause,x\na,1\na,0\n", {}, "column cause must hold at least 2 causes; all 2 rows have a"),
        ("cause,x\na,1\n", {}, "at least 2 rows with a cause; found 1"),
        ("cause,x\n", {}, "must have at least one row below its header; found none"),
        ("cause,x\n,1\n,2\n", {}, "at least 2 rows with a cause; found 0"),
        (
            "cause,s,x\na,A,1\nb,B,0\n",
            {"site": "s", "sites": ["A", "Z"]},
            r"must name sites of column s: A \(1 row\), B \(1 row\); found Z",
        ),
        (
            "cause,s,x\na,A,1\nb,,0\n,,1\nb,,0\n",
            {"site": "s"},
            r"must name a site in every row; row 3 \(the header is row 1\) names none, nor does 1 "
            r"more row",
        ),
        (
            "cause,p,q\n,1,2\na,1,inf\nb,-Infinity,2\na,1e39,1\n",
            {},
            r"found -Infinity in column p, row 4 \(the header is row 1\) and 1 more, inf in column "
            r"q, row 3",
        ),
        (
            "cause,x\na,1\nb,1\n",
            {},
            "at least one column must tell deaths apart; 1 .*: a single answer",
        ),
        (
            "cause,x\na,Y\nb,\n",
            {},
            "openVA's present, absent and missing, set data.format: openva",
        ),
        ("cause\na\nb\n", {}, "at least one column must tell deaths apart; 0 are left"),
        (
            "cause,x\n" + "".join(f"{i},{i % 2}\n" for i in range(30)),
            {},
            "must hold causes that several deaths share; each of its 30 rows has one of its own",
        ),
        ("cause,x\na,1\n", {"drop": [""]}, "data.drop names '', which is not there"),
    ],
)
def test_an_unusable_table_is_one_clear_error(
    text: str, config: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_table(text, **config)


def test_free_text_is_left_out() -> None:
    rows = "".join(f"{'ab'[row % 2]},{row % 3},ID-{row:03d},on day {row}\n" for row in range(51))
    data = load_table("cause,x,key,story\n" + rows)
    assert feature_names(data) == ["x"]
    assert data.notes[0] == (
        "Left out 2 columns: identifiers (key); free text or identifiers (story)."
    )


@pytest.mark.parametrize("name", ["village", "District code", "StudySite", "bairro", "Département"])
def test_a_place_among_the_features_is_told_with_what_to_write(name: str) -> None:
    rows = "".join(f"{'ab'[i % 2]},{'PQR'[i % 3]},{'HK'[i // 2 % 2]}\n" for i in range(48))
    text = f"cause,{name},hospital_type\n{rows}"
    (note,) = [note for note in load_table(text).notes if "where somebody died" in note]
    assert f"read as any other: {name}. If so, set data.site: " in note
    assert not [note for note in load_table(text, site=name).notes if "somebody" in note]
    assert not [note for note in load_table(text, drop=[name]).notes if "somebody" in note]
