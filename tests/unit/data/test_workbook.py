"""Excel workbooks."""

import datetime
import io
import zipfile

import pytest

from tests.unit.data.files import load_table
from tests.unit.data.tables import cells, notes, read, workbook
from tuner_job.data.reading.read import read_names, read_table
from tuner_job.errors import DataError

HEADER = ["cause", "a", "b"]


def test_cells_are_read_as_they_look() -> None:
    day, time = datetime.date(2024, 5, 1), datetime.datetime(2024, 5, 1, 3, 4)
    rows = [HEADER, ["x", 1, 2.5], ["y ", True, day], [" z", 3.0, time], ["#N/A", None, ""]]
    assert read(workbook(rows)) == {
        "cause": ["x", "y", "z", "#N/A"],
        "a": ["1", "TRUE", "3", None],
        "b": ["2.5", "2024-05-01", "2024-05-01 03:04:00", None],
    }
    assert notes(workbook(rows)) == ()


def test_of_several_sheets_the_first_that_is_shown_is_read_and_said() -> None:
    content = workbook([["of", "lists"]], [], [HEADER, ["x", 1, 2]], [["codes"]], hidden=(0,))
    assert read(content) == {"cause": ["x"], "a": ["1"], "b": ["2"]}
    assert notes(content) == ("Read the sheet Sheet3, not Sheet4.",)
    assert read_names(content, "f") == ("cause", "a", "b")


def test_what_is_looked_for_in_a_wrong_sheet_is_told_of_the_others() -> None:
    content = workbook([["Read me"], ["notes"]], [HEADER, ["x", 1, 2]])
    with pytest.raises(DataError, match=r"names cause, .* \(Read the sheet Sheet1, not Sheet2\.\)"):
        load_table(content)


def test_titles_and_empty_rows_are_skipped_and_rows_keep_their_numbers() -> None:
    rows = [["Export"], [], [*HEADER, None], ["x", 1], [], ["y", None, 2], [], []]
    table = read_table(workbook(rows), "f")
    assert cells(table) == {"cause": ["x", "y"], "a": ["1", None], "b": [None, "2"]}
    assert table.notes == ("Skipped 1 row of text above the header, which is row 3.",)
    assert table.row_name(1) == "row 6 (the header is row 3)"


def test_columns_without_a_name_must_be_empty() -> None:
    assert read(workbook([["", "a", ""], [1, "x", None]])) == {"": ["1"], "a": ["x"]}
    with pytest.raises(DataError, match="row 2 has 1 beyond the last name"):
        read(workbook([HEADER, ["x", 1, 2, 3]]))
    with pytest.raises(DataError, match="found none at column 1, column 2"):
        read(workbook([["", "", "a"], [1, 2, 3]]))


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_zip("deaths.csv"), "or a file that is not zipped; found an archive of deaths.csv"),
        (_zip("content.xml"), "found an OpenDocument spreadsheet: save it as .xlsx"),
        (_zip("xl/workbook.bin"), "found a binary Excel workbook"),
        (_zip("xl/workbook.xml"), r"must be an Excel workbook \(.xlsx\); "),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512), "found an old Excel workbook .*save it"),
        (workbook([]), "must hold a header and rows; no sheet has any value"),
        (workbook([["a", "a"], [1, 2]]), r"column names must differ; found a \(2 times\)"),
    ],
)
def test_other_archives_are_named(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"f: .*{message}"):
        read(content)


def _changed(content: bytes, changes: dict[str, tuple[bytes, bytes]], **more: bytes) -> bytes:
    """A workbook with parts of its files replaced, and more files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            what, by = changes.get(name, (b"", b""))
            assert what in old.read(name)
            new.writestr(name, old.read(name).replace(what, by, 1) if what else old.read(name))
        for name, data in more.items():
            new.writestr(f"xl/{name}.xml", data)
    return buffer.getvalue()


def _with_shared_texts() -> bytes:
    """A workbook as Excel writes it: its texts stand in a file of their own."""
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
    inline, shared = b't="inlineStr"><is><t>cause</t></is>', b't="s"><v>1</v>'
    return _changed(
        workbook([HEADER, ["x", 1, 2]]),
        {
            "[Content_Types].xml": (b"</Types>", override),
            "xl/worksheets/sheet1.xml": (inline, shared),
        },
        sharedStrings=b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b"<si><t>other</t></si><si><r><t>of </t></r><r><t>death</t></r></si></sst>",
    )


def test_texts_that_excel_shares_are_read() -> None:
    assert read(_with_shared_texts()) == {"of death": ["x"], "a": ["1"], "b": ["2"]}


@pytest.mark.parametrize("limit", ["_MOST_STRINGS", "_MOST_UNPACKED"])
def test_an_archive_that_unpacks_to_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(f"tuner_job.data.reading.workbook.{limit}", 10)
    with pytest.raises(DataError, match=r"when unpacked, .* save it as CSV"):
        read(_with_shared_texts())


def test_a_formula_is_read_as_the_value_that_is_stored() -> None:
    content = _changed(
        workbook([HEADER, ["x", 1, 2]]),
        {"xl/worksheets/sheet1.xml": (b"<v>1</v>", b"<f>3*7</f><v>21</v>")},
    )
    assert read(content)["a"] == ["21"]


def test_more_cells_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner_job.data.reading.raw.MOST_CELLS", 5)
    with pytest.raises(DataError, match="must have at most 5 cells"):
        read(workbook([HEADER, *[["x", 1, 2]] * 3]))


def test_a_row_of_an_absurd_number_ends() -> None:
    change = (b'<row r="2"', b'<row r="99999999999"')
    content = _changed(workbook([HEADER, ["x", 1, 2]]), {"xl/worksheets/sheet1.xml": change})
    with pytest.raises(DataError, match="must have at most 1,048,576 rows"):
        read(content)
