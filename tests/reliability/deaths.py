"""Tables of deaths as bytes: the good one and what it is made of."""

import io
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.reliability.samples import GOOD_CSV

Content = str | bytes
HEAD, *ROWS = GOOD_CSV.splitlines(keepends=True)
NARRATIVE = "The deceased had fever for nine days before the family sought care at the clinic. "


def csv_file(head: str = HEAD, rows: list[str] | None = None) -> str:
    """The good header and rows, or others."""
    return head + "".join(ROWS if rows is None else rows)


def quoted(cell: str) -> str:
    """A cell in quotation marks."""
    return '"' + cell.replace('"', '""') + '"'


def with_cell(cell: str, column: int = 2) -> str:
    """The good file with one cell of its first row changed."""
    cells = ROWS[0].rstrip().split(",")
    cells[column] = quoted(cell)
    return csv_file(rows=[",".join(cells) + "\n", *ROWS[1:]])


def parquet(table: pa.Table) -> bytes:
    """A table as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def good_table(**changes: Any) -> pa.Table:
    """The good deaths, with columns changed."""
    columns: dict[str, Any] = {
        "cause": ["xyz"[i % 3] for i in range(30)],
        "site": ["AB"[i % 2] for i in range(30)],
        "fever": [i % 2 for i in range(30)],
        "cough": [i // 3 % 3 for i in range(30)],
    }
    return pa.table({**columns, **changes})


def workbook() -> bytes:
    """The good deaths as an Excel workbook."""
    book = openpyxl.Workbook()
    for line in GOOD_CSV.splitlines():
        book.active.append([int(cell) if cell.isdigit() else cell for cell in line.split(",")])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
