"""Tables of text as people and spreadsheets write them: what is assumed is said."""

import pytest

from tests.unit.data.tables import Cells, cells, notes, read
from tuner_job.data.reading.read import read_names, read_table
from tuner_job.errors import DataError

AB: Cells = {"a": ["1", None], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_separator_is_found_and_said(separator: str, name: str, end: str) -> None:
    text = f'a,b{end}1,"x"{end},y{end}'
    other = text.replace(",", separator)
    assert read(text) == read(other) == AB
    assert notes(text) == ()
    assert notes(other) == (f"Read as a table with {name} between its cells.",)


@pytest.mark.parametrize(
    "text",
    [
        "a;b\n1,5;x\n2,5;y\n",
        'a;b\n"1,5;";x\n2,5;y\n',
        '"a";b\n1,5;"x;y|z"\n2,5;y\n',
        "a;b\n1,5;x\n",
        "a\tb\n1,5;3\tx\n2;1\ty\n",
        "a, in years;b\n1,5;x\n2,5;y\n",
    ],
)
def test_separators_inside_cells_do_not_deceive(text: str) -> None:
    assert len(read(text)) == 2


def test_a_comma_stays_the_separator_of_answers_with_others_inside() -> None:
    assert read("a,b;c\n1;2,x\n3,y\n") == {"a": ["1;2", "3"], "b;c": ["x", "y"]}
    assert notes("a,b;c\n1;2,x\n3,y\n") == ()


def test_the_line_that_excel_writes_for_itself() -> None:
    table = read_table(b"sep=;\r\na;b\r\n1;x\r\n;y\r\n", "f")
    assert read("sep=;\r\na;b\r\n1;x\r\n;y\r\n") == read('"sep=|"\na|b\n1|x\n|y\n') == AB
    assert read("sep=,\na,b\n1,x\n,y\n") == AB
    assert table.row_name(0) == "row 3 (the header is row 2)"
    with pytest.raises(DataError, match="must hold a header and rows"):
        read("sep=;\n")


def test_decimal_commas_are_read_cell_by_cell_and_said_once() -> None:
    text = "a;b;c\n3,5;1.234,5;x\n-0,25;1.234;1,2,3\n3,5;+1.234.567,8E-2;12,\n,5;1.23,4;\n"
    assert read(text) == {
        "a": ["3.5", "-0.25", "3.5", "0.5"],
        "b": ["1234.5", "1.234", "+1234567.8E-2", "1.23,4"],
        "c": ["x", "1,2,3", "12,", None],
    }
    assert notes(text)[1:] == ("Read 6 cells with a decimal comma: 3,5 in column a is 3.5.",)


def test_where_commas_separate_a_comma_in_a_cell_is_text() -> None:
    assert read('a,b\n"3,5",x\n') == {"a": ["3,5"], "b": ["x"]}


@pytest.mark.parametrize(
    ("title", "n"),
    [
        ("Export of 2024-05-01\n", 1),
        ("Export of 2024-05-01;;;\nby the ministry\n\n", 2),
        ("Deaths\n\n\n", 1),
        (";;;\nDeaths;;;\n", 2),
    ],
)
def test_titles_above_the_header_are_skipped_and_said(title: str, n: int) -> None:
    text = title + "a;b;c;d\n1;x;;0\n;y;2;0\n"
    table = read_table(text.encode(), "f")
    header = title.count("\n") + 1
    assert read(text) == {**AB, "c": [None, "2"], "d": ["0", "0"]}
    rows = "1 row" if n == 1 else f"{n} rows"
    assert table.notes[1] == f"Skipped {rows} of text above the header, which is row {header}."
    assert table.row_name(1) == f"row {header + 2} (the header is row {header})"
    assert read_names(text.encode(), "f") == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,b,c\n1,2,3,4\n5,6,7,8\n", "header's 3 columns .*row 2 has 4, row 3 has 4; does the"),
        ("a\n1,yes,no\n2,no,no\n", "header's 1 column .*row 2 has 3"),
        ("a\nx,yes,no\ny,no,no\n", "header's 1 column .*row 2 has 3"),
        ("a\nMalaria,x,Yes\nPneumonia,x,No\n", "header's 1 column .*row 2 has 3"),
        ("a;b\n1;2\n3;4;5\n", "row 3 has 3"),
    ],
)
def test_a_row_of_answers_is_not_taken_for_the_header(text: str, found: str) -> None:
    with pytest.raises(DataError, match=found):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        "a,b,,,\n1,x,,,\n,y,,,\n",
        "a,b\n1,x,\n,y,\n",
        "a,b,,\n1,x\n,y\n",
        "a,,b\n1,,x\n,,y\n",
        "a,b\n1,x\n\n  \n,y\n\n\n,\n,\n",
        "a,b\n1,x,\n,y\n",
        "a,b\n1,x\n,y,,\n",
        "a,b,,\n1,x\n,y,\n",
    ],
)
def test_what_holds_nothing_is_left_out(text: str) -> None:
    assert read(text) == AB


def test_a_row_without_a_value_stays_between_others_and_goes_at_the_end() -> None:
    table = read_table(b"a,b\n1,x\n\n,\n,y\n\n,\n", "f")
    assert table.notes == ("Left out 1 row without any value at the end.",)
    assert table.rows.tolist() == [2, 4, 5]


def test_where_only_some_rows_end_in_separators_the_others_keep_their_place() -> None:
    table = read_table(b'a,b\n1,"x, ""y""\nz"\n\n2,y,,\n3,z\n', "f")
    assert cells(table) == {"a": ["1", "2", "3"], "b": ['x, "y"\nz', "y", "z"]}
    assert table.rows.tolist() == [2, 4, 5]
    with pytest.raises(DataError, match="row 4 has 4; is"):
        read("a,b\n1,x\n2,y,\n3,z,,w\n")


def test_names_of_rows_keep_their_empty_name() -> None:
    assert read(",a\nr1,1\nr2,2\n") == {"": ["r1", "r2"], "a": ["1", "2"]}
    assert read_names(b",a\nr1,1\n", "f") == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,,b,\n1,2,3,4\n", "must have a name; found none at column 2, column 4"),
        (
            "a,b\n" + "1,2,\n" * 100 + "1,2,3\n",
            r"header's 2 columns \(the header is row 1\); row 102 has a value beyond",
        ),
        (",,\n,,\n", "columns must have names in the first row; found none"),
        (",\n1,2\n", "columns must have names in the first row; found none"),
        ("x\n\n\na;b;c;d\n1;2;3;4\n1;2\n", r"\(the header is row 4\); row 6 has 2"),
        ('x\na;b;c;d\n1;2;3;"4\n', "opened in row 3 .the header is row 2"),
        ("<html>", "must be a table: CSV, Excel .* or R; found HTML or XML"),
    ],
)
def test_an_unusable_table_is_one_clear_error(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as refused:
        read(text)
    assert str(refused.value).startswith("f: ")


def test_a_table_of_one_column_is_read() -> None:
    assert read("a\n1\n\n2\n") == {"a": ["1", "2"]}


def test_a_header_alone_has_no_rows() -> None:
    assert read("a;b\n") == {"a": [], "b": []}


def test_a_table_is_cut_nowhere_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner_job.data.reading.delimited._BLOCK_BYTES", 64)
    text = "a,b\n" + "".join(f"{i},c{i % 7}\n" for i in range(100))
    assert read(text) == {
        "a": [str(i) for i in range(100)],
        "b": [f"c{i % 7}" for i in range(100)],
    }


def test_more_cells_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner_job.data.reading.delimited.MOST_CELLS", 5)
    with pytest.raises(DataError, match="must have at most 5 cells; found more"):
        read("a,b\n" * 7)
