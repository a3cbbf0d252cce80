from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.data.files import PHMRC_ROWS, SOURCE, csv_bytes, load, load_table
from tuner_job.data import DataConfig, NewDeaths, VaDataset, load_dataset, read_new
from tuner_job.data.codebook import of_features
from tuner_job.errors import DataError

TABLE = (
    b"id,cause,site,age,fever,place\n"
    + b"1,B,x,61.5,Yes,Home\n2,A,y,,No,Hospital\n3,B,x,-3,,\n" * 5
)
OPENVA = b"ID,cause,a,b\nd1,X,y,n\nd2,Z,n,-\nd3,X,y,y\n"
FORMATS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "table": (TABLE, {"label": "cause", "site": "site", "drop": ["id"]}),
    "openva": (OPENVA, {"format": "openva"}),
    "phmrc": (csv_bytes(PHMRC_ROWS), {"format": "phmrc"}),
}


def read(
    content: bytes | str, data: VaDataset, notes: list[str] | None = None, **config: Any
) -> NewDeaths:
    section = DataConfig(**{"source": SOURCE, **config})
    content = content.encode() if isinstance(content, str) else content
    say = (notes if notes is not None else []).append
    return read_new(section, data.codebook, data.causes, {SOURCE: content}.__getitem__, say)


def encoded(content: bytes, data: VaDataset, **config: Any) -> NDArray[np.float32]:
    return read(content, data, **config).X


def without(content: bytes, *names: str) -> bytes:
    lines = [line.split(",") for line in content.decode().splitlines()]
    kept = [index for index, name in enumerate(lines[0]) if name not in names]
    return "\n".join(",".join(line[index] for index in kept) for line in lines).encode()


@pytest.mark.parametrize("name", FORMATS)
def test_training_rows_are_encoded_as_in_training(name: str) -> None:
    content, config = FORMATS[name]
    data = load(content, **config)
    np.testing.assert_array_equal(encoded(content, data, **config), data.X)


@pytest.mark.parametrize("name", FORMATS)
def test_new_rows_need_no_cause_site_or_identifier(name: str) -> None:
    content, config = FORMATS[name]
    data = load(content, **config)
    bare = without(
        content, "id", "ID", "cause", "site", "gs_text34", "va34", "gs_text46", "newid", "module"
    )
    np.testing.assert_array_equal(encoded(bare, data, **config), data.X)


@pytest.mark.parametrize("name", FORMATS)
def test_each_row_is_encoded_on_its_own(name: str) -> None:
    content, config = FORMATS[name]
    data = load(content, **config)
    header, *rows = content.splitlines()
    # The first openVA row has an "n": alone it is still known to be of the second coding.
    np.testing.assert_array_equal(
        encoded(b"\n".join([header, rows[0]]), data, **config), data.X[:1]
    )


@pytest.mark.parametrize("name", FORMATS)
def test_missing_columns_are_named(name: str) -> None:
    content, config = FORMATS[name]
    data = load(content, **config)
    lost = {"table": ["age", "place"], "openva": ["a", "b"], "phmrc": ["c4_02", "word_rash"]}[name]
    with pytest.raises(
        DataError, match=f"{SOURCE}: must have the columns .*; missing: {', '.join(lost)}$"
    ):
        encoded(without(content, *lost), data, **config)


def test_missing_age_is_named_with_the_columns_that_it_comes_from() -> None:
    content, config = FORMATS["phmrc"]
    data = load(content, **config)
    with pytest.raises(DataError, match=r"missing: age_years \(from g1_07a, g1_07b, "):
        encoded(without(content, "g1_07a", "g1_07b", "g1_07c", "g5_04a"), data, **config)


TRAINED = "age,place,cause\n" + "".join(
    f"{20 + i % 40},{('home', 'Road')[i % 2]},{'ab'[i // 3 % 2]}\n" for i in range(80)
)
CONFIG = {"label": "cause"}
HOMES = "".join(f"{20 + i},HOME\n" for i in range(30))


def told(text: str, **config: Any) -> list[str]:
    """What is said of new rows."""
    notes: list[str] = []
    read(text, load_table(TRAINED, **config), notes, **CONFIG, **config)
    return notes


def test_nothing_is_said_of_what_is_read() -> None:
    assert told("age,place\n30,home\n,road\nNA,\n") == []
    assert told("cause,age,place\na,30,home\n") == []


def test_what_was_not_seen_in_training_is_no_choice_and_no_number() -> None:
    notes: list[str] = []
    deaths = read(f"age,place\n{HOMES}old,boat\n99,road\n", load_table(TRAINED), notes, **CONFIG)
    np.testing.assert_array_equal(deaths.X[-2:], np.array([[np.nan, 0, 0], [99, 1, 0]], np.float32))
    assert deaths.n_doubtful.tolist() == [0] * 30 + [2, 1]
    assert notes == [
        "Answers that training did not know are read as none of the known ones, in 2 columns: "
        "age: old in row 32 (training: 20 to 59); place: boat in row 32 (training: Road, home).",
        "Numbers are outside those of training in 1 column: age: numbers from 99 to 99 in 1 row "
        "(training: 20 to 59).",
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("old,home\nyoung,road\n", "column age: old, young in 2 rows .training: 20 to 59"),
        ("30,1\n" * 6, "column place: 1 in 6 rows .training: Road, home"),
        ("9000,home\n" * 12, "age: numbers from 9000 to 9000 in 12 rows .training: 20 to 59"),
        (HOMES + "30,boat\n" * 12, "12 of 84 answers are none that training knew, and at most 10%"),
    ],
)
def test_a_file_that_is_coded_otherwise_is_refused(rows: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        told(f"age,place\n{rows}")


def test_a_single_death_with_a_new_answer_is_read() -> None:
    (note,) = told("age,place\n30,boat\n")
    assert "place: boat in row 2" in note


def test_no_narrative_and_no_control_character_is_shown() -> None:
    for answer in ("she had a fever " * 50, "\x1b[31mold"):
        (note,) = told(f"age,place\n{HOMES}30,{answer}\n")
        assert len(note) < 300
        assert note.isprintable()


def test_columns_that_are_not_used_are_told() -> None:
    extra = [f"c{i}" for i in range(20)]
    (note,) = told(f"age,place,{','.join(extra)}\n30,home,{','.join('1' * 20)}\n")
    assert note.startswith("Left out 20 columns that the model does not use: c0, c1, ")
    assert note.endswith("c9 and 10 more.")


def test_causes_of_new_rows_are_those_of_the_model() -> None:
    notes: list[str] = []
    data = load_table(TRAINED)
    deaths = read("cause,age,place\nB,30,home\nc,31,home\n,32,road\n", data, notes, **CONFIG)
    assert deaths.y is not None
    assert deaths.y.tolist() == [1, -1, -1]
    assert notes == ["Causes that the model does not know are not scored: c in 1 row."]
    assert read("age,place\n30,home\n", data, **CONFIG).y is None


@pytest.mark.parametrize("text", ["age,place\n", "age,place"])
def test_no_rows_are_an_error(text: str) -> None:
    for reader in (told, load_table):
        with pytest.raises(
            DataError, match="must have at least one row below its header; found none"
        ):
            reader(text)


def test_infinite_values_are_refused() -> None:
    content, config = FORMATS["table"]
    data = load(content, **config)
    with pytest.raises(DataError, match="found inf in column age, row 2"):
        encoded(b"age,fever,place\ninf,yes,Home\n", data, **config)


def test_new_rows_for_generated_deaths_are_a_plain_table() -> None:
    config = DataConfig.model_validate(
        {"format": "synthetic", "synthetic": {"n_samples": 50, "n_symptoms": 2}}
    )
    data = load_dataset(config, lambda _: b"")
    rows = b"symptom_1,symptom_2,age_years,female,days_ill\nyes,no,50,1,\n"
    section = config.model_copy(update={"source": SOURCE})
    deaths = read_new(section, of_features(data.features), data.causes, {SOURCE: rows}.__getitem__)
    np.testing.assert_array_equal(deaths.X, np.array([[1, 0, 50, 1, np.nan]], np.float32))


def test_ages_of_the_questionnaire_make_groups_though_it_has_an_item_of_that_name() -> None:
    rows = "Malaria,yes,,30\nStroke,no,adult,70\nStroke,yes,,30\nMalaria,no,adult,70\n" * 10
    text = f"cause,Id10147,age_group,ageInYears\n{rows}"
    data = load(text.encode(), format="who", label="cause")
    section = DataConfig(source=SOURCE, format="who", label="cause")
    read = read_new(section, data.codebook, data.causes, lambda _: text.encode(), by=["age_group"])
    (found,) = read.labels.groups
    assert set(found.names) == {"15–49 years", "65 years and over"}


def test_what_training_could_not_read_may_be_unread_again() -> None:
    odd = "cause,age\n" + "A,<1\nB,2\nA,3\nB,<1\nA,5\nB,6\n" * 20
    data = load_table(odd, label="cause")
    assert encoded(odd, data, label="cause").shape == (120, 1)
    assert encoded("age\n<1\n", data, label="cause").shape == (1, 1)
    with pytest.raises(DataError, match="and at most 43% may be"):
        encoded("age\n" + "<1\n2\n" * 20, data, label="cause")


def test_what_training_could_not_read_in_one_column_allows_nothing_in_others() -> None:
    odd = "cause,age,fever\n" + "A,<1,yes\nB,2,no\nA,3,yes\nB,<1,no\nA,5,no\nB,6,yes\n" * 20
    data = load_table(odd, label="cause")
    new = "age,fever\n" + "2,yes\n3,no\n5,maybe\n6,no\n" * 20
    with pytest.raises(DataError, match=r"20 of 160 answers are none .* at most 10% may be"):
        encoded(new, data, label="cause")
