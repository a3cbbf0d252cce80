"""What kind of file it is, by its first bytes: names of files are not to be trusted."""

import re

from tuner_job.data.reading.raw import TABLES
from tuner_job.errors import DataError

TEXT, PARQUET, WORKBOOK, R = "text", "Parquet", "workbook", "R"

_MAGICS = {
    b"PAR1": PARQUET,
    b"PK\x03\x04": WORKBOOK,
    b"RDX2\n": R,
    b"RDX3\n": R,
    b"RDA2\n": R,
    b"RDA3\n": R,
    b"RDB2\n": R,
    b"RDB3\n": R,
    b"X\n\x00\x00\x00": R,
    b"B\n\x02\x00\x00\x00": R,
    b"B\n\x03\x00\x00\x00": R,
    b"<stata_dta>": "a Stata file",
    b"$FL2": "an SPSS file",
    b"$FL3": "an SPSS file",
    b"\0" * 12 + b"\xc2\xea\x81\x60": "a SAS file",
    b"HEADER RECORD*******LIB": "a SAS transport file",
}
_OTHERS = {
    b"\x1f\x8b": "data that was compressed twice",
    b"BZh": "data that was compressed twice",
    b"\xfd7zXZ": "data that was compressed twice",
    b"\x28\xb5\x2f\xfd": "zstd-compressed data",
    b"PK\x05\x06": "an empty zip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\xff\xfe\x00\x00": "UTF-32 text",
    b"\x00\x00\xfe\xff": "UTF-32 text",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls) or one with a password: save it as .xlsx "
    "without a password",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"ARROW1": "an Arrow file",
    b"PARE": "an encrypted Parquet file",
    b"SQLite format 3": "a SQLite database",
    b"\x7fELF": "a program",
}
_OLD_STATA = frozenset((104, 105, 108, 110, 111, 113, 114, 115))
_PORTABLE = b"SPSS PORT FILE"
_R_ASCII = re.compile(rb"A\r?\n[23]\r?\n\d{6}\r?\n\d{6}\r?\n")  # its version, R's, the first of R's


def find_kind(content: bytes, source: str) -> str:
    """Name the kind of a file that is not compressed: text, Parquet, workbook, R, or what
    `read_statistical` takes.

    Raises
    ------
    DataError
        It is of a kind that is not read.
    """
    for magic, kind in _MAGICS.items():
        if content.startswith(magic):
            return kind
    for magic, found in _OTHERS.items():
        if content.startswith(magic):
            raise DataError(f"{source}: must be {TABLES}; found {found}")
    if _R_ASCII.match(content):
        return R
    if _is_old_stata(content[:4]):
        return "a Stata file"
    if _PORTABLE in content[:200].replace(b"\r", b"").replace(b"\n", b""):
        return "an SPSS portable file"
    return TEXT


def _is_old_stata(first: bytes) -> bool:
    # Its version, the order of bytes, and 1 and 0: no text has the last of these.
    return (
        len(first) == 4 and first[0] in _OLD_STATA and first[1] in (1, 2) and first[2:] == b"\1\0"
    )
