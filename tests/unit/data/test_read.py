import pytest

from tests.unit.data.tables import cells, parquet
from tuner_job.data.reading.read import read_table
from tuner_job.errors import DataError


@pytest.mark.parametrize(
    "content",
    [
        "a, b\n1,né \n,2\n".encode(),
        "a, b\n1,né \n,2\n".encode("utf-8-sig"),
        "a, b\r\n1,né\r\n,2".encode("latin-1"),
        "\n\na,b\n1,né\n\n,2\n\n".encode(),
        parquet({"a": [1, None], "b": ["né", "2"]}),
    ],
    ids=["utf-8", "byte order mark", "latin-1", "blank lines", "parquet"],
)
def test_every_encoding_gives_the_same_cells(content: bytes) -> None:
    assert cells(read_table(content, "f")) == {"a": ["1", None], "b": ["né", "2"]}


def test_quoted_cells_hold_commas_quotes_and_newlines() -> None:
    table = read_table(b'a,b\n"x, ""y""\nz",1\n5\' 4",2\n', "f.csv")
    assert cells(table) == {"a": ['x, "y"\nz', "5' 4\""], "b": ["1", "2"]}
    assert table.rows.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f.csv: must hold a header and rows; the file is empty"),
        (b"\xef\xbb\xbf \n", "the file is empty"),
        (
            b"a,b\n1,2\n3\n4,5\n6,7,8\n",
            r"header's 2 columns \(the header is row 1\); row 3 has 1, row 5 has 3",
        ),
        (b"a,b,c\n1,2,3\n4,5", "row 3 has 2; is the file truncated"),
        (b'a,b\n1,"x\ny"\n3,"4', "the one opened in row 3 .* is still open at the end"),
        (b'a,b\n1,"he said ""hi', "the one opened in row 2 .* is still open at the end"),
        (
            b"a,b,a,b,a\n1,2,3,4,5\n",
            r"column names must differ; found a \(3 times\), b \(2 times\)",
        ),
        (b"PK\x03\x04...", r"must be an Excel workbook \(.xlsx\); File is not a zip file"),
        (b"PAR1 and no more", "f.csv: must be a whole Parquet file"),
        (parquet({"a": [1, 2]})[:-20], "must be a whole Parquet file"),
        (parquet({"a": [[1], [2]]}), "must be a whole Parquet file of plain columns"),
    ],
)
def test_an_unusable_file_is_one_clear_error(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table(content, "f.csv")


def test_a_row_longer_than_a_megabyte_is_read() -> None:
    long = "x" * 3_000_000
    assert cells(read_table(f"a,b\n1,{long}\n2,3\n".encode(), "f.csv"))["b"] == [long, "3"]


def test_a_header_without_end_is_refused_before_its_columns_are_made() -> None:
    header = ",".join(f"f{i}" for i in range(60_000))
    with pytest.raises(DataError, match="must have at most 50,000 columns; found 60,000"):
        read_table(f"{header}\n1\n".encode(), "wide.csv")


def test_rows_that_repeat_the_header_are_left_out_and_said() -> None:
    table = read_table(b"id,a,b\n1,x,a\nid,a,b\n2,a,y\nid,a,\n", "f.csv")
    assert cells(table) == {"id": ["1", "2"], "a": ["x", "a"], "b": ["a", "y"]}
    assert table.rows.tolist() == [2, 4]
    assert table.notes == (
        "Left out 2 rows that repeat the header: the first is row 3 (the header is row 1).",
    )
