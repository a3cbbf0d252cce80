"""Cells that a model cannot read are told, in training and in prediction, or refused."""

import pytest

from tuner_job.data import DataConfig, encode_rows, load_dataset
from tuner_job.data.dataset import Feature, VaDataset
from tuner_job.errors import DataError

FEATURES = (
    Feature("age", "age"),
    Feature("place=home", "place", "home"),
    Feature("place=road", "place", "road"),
)
CONFIG = DataConfig(source="f.csv", label="cause")


def told(text: str, config: DataConfig = CONFIG) -> list[str]:
    """What is said of new rows."""
    notes: list[str] = []
    encode_rows(config, FEATURES, lambda _: text.encode(), notes.append)
    return notes


def trained(text: str) -> VaDataset:
    return load_dataset(CONFIG, lambda _: text.encode())


def test_nothing_is_said_of_what_is_read() -> None:
    assert told("age,place\n30,home\n,road\nNA,\n") == []
    assert told("cause,age,place\na,30,home\n") == []


def test_text_in_a_column_of_numbers_is_counted_with_its_place() -> None:
    assert told("age,place\n30,home\nforty,road\n12 years,road\n") == [
        "Column age: 2 cells are no numbers and are taken as missing; the first is 'forty' in row "
        "3 (the header is row 1)."
    ]


def test_an_answer_that_training_lacked_is_counted() -> None:
    assert told("age,place\n30,home\n4,boat\n") == [
        "Column place: 1 cell holds an answer that training lacked and is read as none of its "
        "choices; the first is 'boat' in row 3 (the header is row 1)."
    ]


def test_no_narrative_and_no_control_character_is_shown() -> None:
    (note,) = told(f"age,place\n30,home\n{'she had a fever ' * 50},road\n")
    assert note.endswith("the first is a text of 799 characters in row 3 (the header is row 1).")
    (note,) = told("age,place\n30,home\n\x1b[31mold,road\n")
    assert "the first is '\\x1b[31mold' in row 3" in note


def test_a_column_of_numbers_without_any_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"found only text in age \('old' in row 2 \(the header is row 1\)\)"
    ):
        told("age,place\nold,home\nyoung,road\n")


def test_columns_that_are_not_used_are_told() -> None:
    extra = [f"c{i}" for i in range(20)]
    (note,) = told(f"age,place,{','.join(extra)}\n1,home,{','.join('1' * 20)}\n")
    assert note.startswith("Left out 20 columns that the model does not use: c0, c1, ")
    assert note.endswith("c9 and 10 more.")
    assert told("age,place,id\n1,home,1\n", CONFIG.model_copy(update={"drop": ["id"]})) == []


@pytest.mark.parametrize("text", ["age,place\n", "age,place"])
def test_no_rows_are_an_error(text: str) -> None:
    for read in (told, trained):
        with pytest.raises(
            DataError, match="must have at least one row below its header; found none"
        ):
            read(text)


def test_training_says_where_a_number_became_choices() -> None:
    rows = "".join(f"{'ab'[i % 2]},{i % 9},1\n" for i in range(30))
    (note,) = [note for note in trained(f"cause,age,x\n{rows}a,unsure,0\n").notes if "age" in note]
    assert note == (
        "Column age is read as choices, not as a number: 1 cell of 31 is no number; the first is "
        "'unsure' in row 32 (the header is row 1)."
    )
    answers = "".join(f"{'ab'[i % 2]},{['1', '2', 'other'][i % 3]}\n" for i in range(30))
    notes = trained(f"cause,answer\n{answers}").notes
    assert not [note for note in notes if "answer" in note]


def test_training_names_the_text_that_makes_numbers_free_text() -> None:
    rows = "".join(f"{'ab'[i % 2]},{i},{i % 2}\n" for i in range(80))
    with pytest.raises(DataError, match=r"found more in age \(81, for example 'unsure'\)"):
        trained(f"cause,age,x\n{rows}a,unsure,0\n")


def test_text_among_the_parts_of_an_age_is_told() -> None:
    rows = "".join(
        f"{'ab'[i % 2]},{i},Yes\n" if i % 3 else f"{'ab'[i % 2]},{i},No\n" for i in range(20, 40)
    )
    config = DataConfig(source="f.csv", format="phmrc", label="gs_text34")
    text = f"gs_text34,g1_07a,a2_01\n{rows}a,old,No\n"
    data = load_dataset(config, lambda _: text.encode())
    assert any(
        "Column g1_07a: 1 cell is no number" in note and "'old' in row 22" in note
        for note in data.notes
    )
