"""Parquet files."""

import datetime
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet
from numpy.typing import NDArray

from tuner_job.data.reading.raw import (
    Cells,
    check_names,
    check_size,
    first_line,
    text_of,
    to_column,
    whole,
)
from tuner_job.errors import DataError
from tuner_job.wording import plain

_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
_WHOLE = "a whole Parquet file of plain columns"
_MIDNIGHT = re.compile(r" 00:00:00(\.0+)?(?=Z?$)")
_ZEROS = re.compile(r"(:\d\d)(?:\.0+|(\.\d*[1-9])0+)(?=Z?$)")


def read_parquet(content: bytes, source: str) -> Cells:
    """Read every cell as text.

    Raises
    ------
    DataError
        It is truncated, too large, or has nested columns.
    """
    with whole(_WHOLE, source):
        schema = _open(content).schema_arrow
        check_names(schema.names, source)
        # Texts as an index into the distinct ones, as the file has them.
        texts = [field.name for field in schema if any(one(field.type) for one in _TEXTS)]
        file = _open(content, texts)
        n_rows = file.metadata.num_rows
        check_size(n_rows, len(schema.names), source)
        columns = []
        for field in schema:
            if pa.types.is_nested(field.type):
                raise DataError(
                    f"{source}: must be {_WHOLE}; column {plain(field.name, 60)} holds a "
                    f"{plain(field.type, 60)} in every row"
                )
            cells = file.read(columns=[field.name]).column(field.name)
            columns.append(to_column(*_coded(cells, field.name, source)))
    return Cells([*schema.names], columns, np.arange(n_rows) + 1)


def parquet_names(content: bytes, source: str) -> list[str]:
    """Read the names alone.

    Raises
    ------
    DataError
        As `read_parquet` does.
    """
    with whole(_WHOLE, source):
        return [*_open(content).schema_arrow.names]


def _open(content: bytes, texts: list[str] | None = None) -> pa_parquet.ParquetFile:
    return pa_parquet.ParquetFile(pa.BufferReader(content), read_dictionary=texts)


def _coded(
    cells: pa.ChunkedArray, name: str, source: str
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    if pa.types.is_null(cells.type):
        return np.full(len(cells), -1, np.int32), ()
    if pa.types.is_dictionary(cells.type):
        cells = cells.unify_dictionaries()
    else:
        cells = cells.dictionary_encode()
    if not cells.num_chunks:
        return np.zeros(0, np.int32), ()
    array = pa.concat_arrays(cells.chunks)
    codes = _with_missing(array.indices.cast(pa.int32()))
    try:
        values = _texts(array.dictionary)
    except pa.ArrowException as error:
        raise DataError(
            f"{source}: must be {_WHOLE}; column {plain(name, 60)}: {first_line(error)}"
        ) from error
    return codes, tuple(values)


def _with_missing(indices: pa.Array) -> NDArray[np.int32]:
    # By its buffer and DLPack: fill_null and to_numpy import pandas, which takes longer than the
    # file. What stands in the buffer where an index is null is arbitrary.
    whole = np.frombuffer(indices.buffers()[1], np.int32)
    codes = whole[indices.offset : indices.offset + len(indices)].copy()
    codes[np.from_dlpack(pc.is_null(indices).cast(pa.uint8())) == 1] = -1
    return codes


def _texts(values: pa.Array) -> list[str]:
    if pa.types.is_duration(values.type):
        days = [gone / datetime.timedelta(days=1) for gone in values.to_pylist()]
        return [text_of(day) for day in days]
    texts = [text or "" for text in pc.cast(values, pa.string()).to_pylist()]
    if pa.types.is_temporal(values.type):
        return [_ZEROS.sub(r"\1\2", _MIDNIGHT.sub("", text)) for text in texts]
    if pa.types.is_floating(values.type):
        return ["" if text == "nan" else text for text in texts]
    return texts
