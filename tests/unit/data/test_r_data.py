"""Data frames of R."""

import gzip
import math
from pathlib import Path

import pytest
import rdata

from tests.unit.data import r_bytes as r
from tests.unit.data.tables import r_frame, read
from tuner_job.data.reading.read import read_names
from tuner_job.errors import DataError

READ = {
    "cause": ["Malaria", "Fièvre", "Malaria"],
    "age": ["61.5", "4", None],
    "fever": ["Yes", "No", None],
    "died": ["2024-05-01", None, "1899-12-31"],
}
OF_R = Path(str(rdata.TESTDATA_PATH))


def classed(*names: str) -> dict[str, bytes]:
    return {"class": r.strings(*names)}


def test_a_data_frame_is_read_however_it_was_saved() -> None:
    for content in (
        r.rds(r_frame()),
        gzip.decompress(r.rds(r_frame())),
        r.rda(n=r.vector(r.INT, [1]), deaths=r_frame()),
    ):
        assert read(content) == READ
        assert read_names(content, "f") == tuple(READ)


@pytest.mark.parametrize(
    "file", [*OF_R.glob("test_dataframe.rd?"), *OF_R.glob("generated/test_dataframe__*")],
    ids=lambda file: file.name,
)  # fmt: skip
def test_what_r_itself_wrote_is_read(file: Path) -> None:
    assert read(file.read_bytes()) == {"class": ["a", "b", "b"], "value": ["1", "2", "3"]}


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (r.strings("NA", None, " x ", ""), ["NA", None, "x", None]),
        (r.vector(r.LGL, [1, None, 0]), ["TRUE", None, "FALSE"]),
        (r.vector(r.INT, [7, None, -1]), ["7", None, "-1"]),
        (r.vector(r.REAL, [7.0, None, math.nan, 0.1]), ["7", None, None, "0.1"]),
        (r.vector(r.INT, [19844], **classed("IDate", "Date")), ["2024-05-01"]),
        (
            r.vector(r.REAL, [1714521600.0, 1714532645.5], **classed("POSIXct", "POSIXt")),
            ["2024-05-01", "2024-05-01 03:04:05"],
        ),
        (
            r.vector(
                r.REAL,
                [1.0, 99.0, 5.0, None],
                labels=r.vector(r.REAL, [1.0, 99.0], names=r.strings("Yes", "DK")),
                **classed("haven_labelled", "vctrs_vctr", "double"),
            ),
            ["Yes", "DK", "5", None],
        ),
        (r.sequence(3.0), ["1", "2", "3"]),
    ],
)
def test_every_kind_of_vector_becomes_text(column: bytes, texts: list[str | None]) -> None:
    assert read(r.rds(r.frame(a=column))) == {"a": texts}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            r.rda(a=r_frame(), b=r_frame()),
            "must hold one data frame; found 2: a, b; save one of them with saveRDS",
        ),
        (
            r.rda(a=r.strings("x"), m=r.vector(r.INT, [1], **classed("matrix", "array"))),
            r"must hold a data frame; found a \(str\), m \(matrix, array\); save",
        ),
        (r.rds(r.strings("x")), r"must hold a data frame; found an object \(str\)"),
        (
            r.rds(r.frame(a=r.strings("x"), b=r.vector(r.VEC, [r.strings("y")]))),
            "column b is of the kind vec",
        ),
        (
            r.rds(r.frame(a=r.vector(r.INT, [1, 2], dim=r.vector(r.INT, [1, 2])))),
            "column a is of the kind int",
        ),
        (r.rds(r.frame(a=r.strings("x"), b=r.strings("y", "z"))), "column b has not as many rows"),
        (r.rds(r.frame(a=r.sequence(1e12))), r"a sequence of 1e\+12 numbers"),
        (gzip.decompress(r.rds(r_frame()))[:-7], "must be an R data file as a whole; "),
        (b"RDX3\nX\n" + bytes(200), "must be an R data file as a whole; "),
    ],
)
def test_what_is_no_plain_data_frame_is_one_clear_error(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"f: .*{message}"):
        read(content)


def test_equal_texts_are_one_object() -> None:
    # What keeps a column of text from taking 300 bytes a cell.
    from tuner_job.data.reading.r_parse import parse_r

    parsed = parse_r(gzip.decompress(r.rds(r.strings("a", "b", "a", None, None))), "f", "R")
    cells = parsed.object.value
    assert cells[0] is cells[2]
    assert cells[3] is cells[4]
    assert [cell.value for cell in cells] == [b"a", b"b", b"a", None, None]
