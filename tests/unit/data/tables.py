"""Tables as the tests compare them, and small files of every kind, made by the libraries that
write them."""

import datetime
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pyreadstat

from tests.unit.data import r_bytes
from tuner_job.data.columns import Table
from tuner_job.data.reading.read import read_table

Cells = dict[str, list[str | None]]


def cells(table: Table) -> Cells:
    """Name → its cells; None is missing."""
    return {
        name: [None if code < 0 else column.values[code] for code in column.codes]
        for name, column in table.columns.items()
    }


def read(content: bytes | str) -> Cells:
    """The cells of a file."""
    return cells(read_table(content.encode() if isinstance(content, str) else content, "f"))


def notes(content: bytes | str) -> tuple[str, ...]:
    """What is said of a file."""
    return read_table(content.encode() if isinstance(content, str) else content, "f").notes


def parquet(columns: dict[str, Any] | pa.Table) -> bytes:
    """Columns as a Parquet file."""
    buffer = io.BytesIO()
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pa_parquet.write_table(table, buffer)
    return buffer.getvalue()


def workbook(*sheets: list[list[Any]], hidden: tuple[int, ...] = ()) -> bytes:
    """Rows of sheets as an Excel workbook; they are named Sheet1 and so on."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for i, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet{i + 1}")
        for row in rows:
            sheet.append(row)
        if i in hidden:
            sheet.sheet_state = "hidden"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def written(write: Callable[[str], object], name: str) -> bytes:
    """What a library writes to a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write(str(path))
        return path.read_bytes()


def statistical(suffix: str, frame: pd.DataFrame, **options: Any) -> bytes:
    """A frame as a file of Stata (dta), SPSS (sav, zsav, por) or SAS (xpt)."""
    if suffix == "zsav":
        options["compress"] = True
    write = getattr(
        pyreadstat, {"zsav": "write_sav", "xpt": "write_xport"}.get(suffix, f"write_{suffix}")
    )
    return written(lambda path: write(frame, path, **options), f"f.{suffix}")


DEATHS = pd.DataFrame(
    {
        "cause": ["Malaria", "Fièvre", "Malaria"],
        "age": [61.5, 4.0, None],
        "fever": [1.0, 2.0, 9.0],
        "died": [datetime.date(2024, 5, 1), None, datetime.date(1899, 12, 31)],
    }
)
FEVER = {"fever": {1: "Yes", 2: "No"}}


def r_frame() -> bytes:
    """The deaths as R has them: a text, a number, a factor, and a date."""
    r = r_bytes
    return r.frame(
        cause=r.strings(*DEATHS.cause),
        age=r.vector(r.REAL, [61.5, 4.0, None]),
        fever=r.vector(
            r.INT, [1, 2, None], levels=r.strings("Yes", "No"), **{"class": r.strings("factor")}
        ),
        died=r.vector(r.REAL, [19844.0, None, -25568.0], **{"class": r.strings("Date")}),
    )


def every_kind() -> dict[str, bytes]:
    """A file of each kind with a few deaths."""
    plain = DEATHS.drop(columns="died")
    text = DEATHS.to_csv(index=False, sep=";", decimal=",")
    rows = [list(DEATHS), ["Malaria", 61.5, 1, datetime.date(2024, 5, 1)], ["Fièvre", 4, 2, None]]
    return {
        "csv": text.encode(),
        "utf-16": text.encode("utf-16"),
        "parquet": parquet(pa.Table.from_pandas(DEATHS)),
        "xlsx": workbook(rows, [["a"], [1]]),
        "dta": statistical("dta", DEATHS, variable_value_labels=FEVER),
        "sav": statistical("sav", DEATHS, variable_value_labels=FEVER),
        "zsav": statistical("zsav", DEATHS, variable_value_labels=FEVER),
        "por": statistical("por", plain.replace("Fièvre", "Fievre").rename(columns=str.upper)),
        "xpt": statistical("xpt", plain),
        "rds": r_bytes.rds(r_frame()),
        "rda": r_bytes.rda(n=r_bytes.vector(r_bytes.INT, [1]), deaths=r_frame()),
    }
