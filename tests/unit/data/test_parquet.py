"""Parquet: every plain type becomes text sensibly."""

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from tests.unit.data.tables import parquet, read
from tuner_job.data.reading.read import read_names
from tuner_job.errors import DataError

DAY, TIME = datetime.date(2024, 5, 1), datetime.datetime(2024, 5, 1, 3, 4, 5)
MIDNIGHT = datetime.datetime(2024, 5, 1)


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (pa.array([1.0, 2.5, None, 1e6, float("nan")]), ["1", "2.5", None, "1000000", None]),
        (pa.array([0.1, 3.0], pa.float32()), ["0.1", "3"]),
        (pa.array([7, None, -1], pa.int8()), ["7", None, "-1"]),
        (pa.array([True, None, False]), ["true", None, "false"]),
        (pa.array([DAY, None]), ["2024-05-01", None]),
        (pa.array([MIDNIGHT, TIME], pa.timestamp("ns")), ["2024-05-01", "2024-05-01 03:04:05"]),
        (pa.array([MIDNIGHT], pa.timestamp("ms", "UTC")), ["2024-05-01Z"]),
        (pa.array([datetime.timedelta(1.5)]), ["1.5"]),
        (pa.array([Decimal("1.50"), None]), ["1.50", None]),
        (pa.array(["a", None, " b ", ""]), ["a", None, "b", None]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.array([2.0, None, 2.0]).dictionary_encode(), ["2", None, "2"]),
        (pa.array(["é", "x"], pa.large_string()), ["é", "x"]),
        (pa.array(["é".encode()]), ["é"]),
        (pa.nulls(2), [None, None]),
        (pa.array([], pa.string()), []),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_every_type_becomes_text(cells: pa.Array, texts: list[str | None]) -> None:
    content = parquet({"a": cells})
    assert read(content) == {"a": texts}


def test_frames_of_pandas_keep_their_index_under_its_name() -> None:
    frame = pd.DataFrame(
        {"cause": pd.Categorical(["b", "a", None]), "age": [1.0, None, 3.0]}, index=["x", "y", "z"]
    )
    content = parquet(pa.Table.from_pandas(frame))
    assert read(content) == {
        "cause": ["b", "a", None],
        "age": ["1", None, "3"],
        "__index_level_0__": ["x", "y", "z"],
    }
    assert read_names(content, "f") == ("cause", "age", "__index_level_0__")


def test_many_row_groups_are_one_table() -> None:
    table = pa.table({"a": [f"v{i % 5}" for i in range(100)], "a.b": np.arange(100)})
    buffer = pa.BufferOutputStream()
    pa_parquet.write_table(table, buffer, row_group_size=7)
    assert read(buffer.getvalue().to_pybytes()) == {
        "a": [f"v{i % 5}" for i in range(100)],
        "a.b": [str(i) for i in range(100)],
    }


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"ok": [1], "a": [[1]]}, "column a holds a list<.*> in every row"),
        ({"a": [{"b": 1}]}, "column a holds a struct"),
        ({"ok": [b"x"], "a": [b"\xff"]}, "column a: Invalid UTF8"),
        ({"a": ["x\0"]}, "must hold text; column a in row 1 .counted from 1. has a NUL"),
        ({"a": [1], " a": [2]}, r"column names must differ; found a \(2 times\)"),
        ({}, "columns must have names"),
    ],
)
def test_what_is_no_plain_column_is_named(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"f: .*{message}"):
        read(parquet(columns))


def test_more_cells_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner_job.data.reading.raw.MOST_CELLS", 5)
    with pytest.raises(DataError, match="must have at most 5 cells; found 3 rows of 2"):
        read(parquet({"a": [1, 2, 3], "b": [1, 2, 3]}))
