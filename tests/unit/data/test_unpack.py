"""Compressed files."""

import bz2
import gzip
import lzma
from collections.abc import Callable

import pytest

from tests.unit.data.tables import every_kind, parquet, read
from tuner_job.data.reading.read import read_names
from tuner_job.errors import DataError

Compress = Callable[[bytes], bytes]
TEXT = b"a\tb\n1\tx\n"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("content", [TEXT, parquet({"a": [1], "b": ["x"]})])
def test_a_compressed_file_is_read_as_what_it_holds(compress: Compress, content: bytes) -> None:
    assert read(compress(content)) == {"a": ["1"], "b": ["x"]}
    assert read_names(compress(content), "f") == ("a", "b")
    assert read(compress(TEXT) + compress(b"2\ty\n")) == {"a": ["1", "2"], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("compress", "name"), [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")]
)
def test_damaged_and_endless_files_are_one_clear_error(
    compress: Compress, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = compress(TEXT * 1000)
    with pytest.raises(DataError, match=f"f: must be whole {name}-compressed data; "):
        read(content[:-5])
    monkeypatch.setattr("tuner_job.data.reading.unpack.MOST_UNPACKED", 7000)
    with pytest.raises(
        DataError, match=rf"when unpacked; found more in {len(content):,} bytes of {name}"
    ):
        read(content)
    with pytest.raises(DataError, match="found data that was compressed twice"):
        read(gzip.compress(compress(b"")))


def test_other_kinds_are_unpacked_too() -> None:
    for kind, content in every_kind().items():
        if kind in ("xlsx", "utf-16"):
            assert read(lzma.compress(content)) == read(content)
