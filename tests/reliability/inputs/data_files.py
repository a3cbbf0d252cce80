"""Data files of every hostile kind, read by validate and tune."""

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.reliability.case import ONLY_ACCEPTED, ONLY_REFUSED, REFUSED_OR_ACCEPTED, Case, Outcome
from tests.reliability.deaths import (
    HEAD,
    NARRATIVE,
    ROWS,
    Content,
    csv_file,
    good_table,
    parquet,
    quoted,
    with_cell,
    workbook,
)
from tests.reliability.samples import GOOD_CSV, experiment, put

GROUP = "data files"
_READ = (
    *("a byte order mark", "Windows line ends", "semicolons", "tabs", "bars", "UTF-16"),
    *("compressed", "in Excel", "Parquet, good"),
)
"""Of those that perhaps are accepted, the ones that must be."""
_NAMED = "data.csv|nowhere|/dev/|/proc/"


def _refused() -> dict[str, Content]:
    good = parquet(good_table())
    rng = np.random.default_rng(0)
    return {
        "empty": "",
        "blank lines": "\n\n\n",
        "spaces": "   ",
        "byte order mark only": b"\xef\xbb\xbf",
        "header only": HEAD,
        "header without line end": HEAD.rstrip(),
        "one row": HEAD + ROWS[0],
        "a row short": GOOD_CSV + "x,A,1\n",
        "a row long": GOOD_CSV + "x,A,1,1,1\n",
        "every row long": csv_file(rows=[r.rstrip() + ",1\n" for r in ROWS]),
        "cut in a row": GOOD_CSV[:-4],
        "cut in a quoted cell": GOOD_CSV + 'x,A,1,"half',
        "quotes unclosed at first": HEAD + '"x,A,1,1\n' + "".join(ROWS),
        "fixed width": GOOD_CSV.replace(",", "   "),
        "no label": GOOD_CSV.replace("cause,", "kause,"),
        "no site": GOOD_CSV.replace("site,", "place,"),
        "label twice": GOOD_CSV.replace("site,", "cause,"),
        "feature twice": GOOD_CSV.replace("fever,cough", "fever,fever"),
        "feature twice but for spaces": GOOD_CSV.replace("fever,cough", "fever, fever "),
        "1,000 columns of one name":
            "cause,site" + ",f" * 1000 + "\n" + ("x,A" + ",1" * 1000 + "\n") * 4,
        "empty headers": GOOD_CSV.replace("fever,cough", ","),
        "one cause": csv_file(rows=["x,A,1,0\n", "x,B,0,1\n"] * 5),
        "no cause": csv_file(rows=[f",A,{i % 2},1\n" for i in range(10)]),
        "only cause and site": "cause,site\n" + "x,A\ny,B\n" * 5,
        "nothing tells rows apart": csv_file(rows=["x,A,1,1\n", "y,B,1,1\n"] * 5),
        "infinity": with_cell("inf"),
        "minus infinity": with_cell("-Infinity"),
        "1e999": with_cell("1e999"),
        "header cell of 200,000 characters": GOOD_CSV.replace("fever", "f" * 200_000),
        "header of 2 MB": "cause,site," + ",".join(f"f{i:07d}" for i in range(200_000)) + "\nx,A\n",
        "PNG": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "PDF": b"%PDF-1.7\n" + bytes(range(256)) * 10,
        "JPEG": b"\xff\xd8\xff\xe0" + bytes(200),
        "ELF": b"\x7fELF" + bytes(200),
        "Excel workbook": b"PK\x03\x04" + bytes(200),
        "old Excel workbook": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512),
        "Stata file": b"<stata_dta><header>" + bytes(200),
        "SPSS file": b"$FL2@(#) SPSS DATA FILE" + bytes(200),
        "SAS file":
            bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011") + bytes(300),
        "gzip": b"\x1f\x8b\x08\x00" + bytes(200),
        "bzip2": b"BZh91AY&SY" + bytes(200),
        "xz": b"\xfd7zXZ\x00" + bytes(200),
        "zstd": b"\x28\xb5\x2f\xfd" + bytes(200),
        "R data": b"RDX3\nX\n" + bytes(200),
        "SQLite": b"SQLite format 3\x00" + bytes(200),
        "pickle": b"\x80\x04\x95" + bytes(200),
        "Feather": b"ARROW1\x00\x00" + bytes(200),
        "HTML": "<!doctype html><html><body><h1>404 Not Found</h1></body></html>",
        "an HTML login page of many lines":
            "<html>\n" + "<p>Please, log in</p>\n" * 50 + "</html>\n",
        "JSON": '{"cause": ["x", "y"], "fever": [1, 0]}',
        "JSON lines": '{"cause": "x", "fever": 1}\n' * 20,
        "XML": '<?xml version="1.0"?><a><b/></a>',
        "NULs": bytes(1000),
        "random bytes": rng.bytes(50_000),
        "UTF-32": GOOD_CSV.encode("utf-32"),
        "NUL in a cell": with_cell("a\0b"),
        "NUL in a cause": with_cell("x\0", 0),
        "NUL in a site": with_cell("A\0", 1),
        "NUL in the header": GOOD_CSV.replace("fever", "fe\0ver"),
        "NULs at the end": GOOD_CSV + "\0" * 4096,
        "an invalid byte in a cause":
            GOOD_CSV.replace("\ny,", "\nDécès,").encode() + b"x\xff,A,1,0\n",
        "an invalid byte in a header":
            GOOD_CSV.encode().replace(b"fever", b"f\xe9ver") + "é,A,1,0\n".encode(),
        "no feature but free text": "cause,site,fever\n" + "".join(
            f"{'xy'[i % 2]},A,{quoted(NARRATIVE + str(i))}\n" for i in range(200)),
        "Parquet magic only": b"PAR1",
        "Parquet cut at the start": good[:10],
        "Parquet cut in the middle": good[: len(good) // 2],
        "Parquet cut at the end": good[:-1],
        "Parquet with a long footer": good[:-8] + b"\xff\xff\xff\x7fPAR1",
        "Parquet of zeros between": b"PAR1" + bytes(len(good)) + b"PAR1",
        "Parquet without rows": parquet(good_table().slice(0, 0)),
        "Parquet without columns": parquet(pa.table({})),
        "Parquet with lists": parquet(good_table(fever=[[1, 2]] * 30)),
        "Parquet with structs": parquet(good_table(fever=[{"a": i} for i in range(30)])),
        "Parquet with bytes": parquet(good_table(fever=[bytes([255, i]) for i in range(30)])),
        "Parquet with infinity": parquet(good_table(fever=[float("inf")] * 15 + [1.0] * 15)),
        "Parquet with a NUL in a cause": parquet(good_table(cause=["x\0", "y"] * 15)),
        "Parquet with two columns of a name": parquet(pa.table(
            [["x", "y"] * 15, ["A"] * 30, list(range(30)), list(range(30))],
            names=["cause", "site", "f", "f"])),
        "Parquet named twice but for spaces": parquet(good_table(**{"fever ": list(range(30))})),
        "Parquet without a label": parquet(good_table().drop(["cause"])),
        "Parquet of nulls": parquet(good_table(cause=pa.nulls(30))),
    }  # fmt: skip


def _perhaps() -> dict[str, Content]:
    good = parquet(good_table())
    return {
        "a cell of 1 MB": with_cell("c" * 1_000_000),
        "a cell of 70 MB": with_cell("c" * 70_000_000),
        "a cause of 1 MB": with_cell("c" * 1_000_000, 0),
        "a cause of 10,000 characters twice":
            csv_file(rows=[*ROWS, *[f"{'c' * 10_000},A,1,{i}\n" for i in (0, 1)]]),
        "a site of 1 MB": with_cell("s" * 1_000_000, 1),
        "terminal escapes in causes": GOOD_CSV.replace("\nx,", "\n\x1b[31mx\x1b[2J,"),
        "terminal escapes in sites": GOOD_CSV.replace(",A,", ",\x1b]0;title\x07A,"),
        "terminal escapes in headers": GOOD_CSV.replace("fever", "\x1b[31mfever"),
        "an escape in a constant column": "cause,site,fever,\x1b[2J\n"
        + "".join(r.rstrip()[:-2] + ",1\n" for r in ROWS),
        "C1 controls in causes": GOOD_CSV.replace("\nx,", "\n\x9b31mx,"),
        "bidi overrides in causes": GOOD_CSV.replace("\nx,", "\n\u202ex,"),
        "rich markup in sites": GOOD_CSV.replace(",A,", ",[/b][link=x]A,"),
        "HTML in causes": GOOD_CSV.replace("\nx,", "\n<script>alert(1)</script>,"),
        "formulas in causes": GOOD_CSV.replace("\nx,", "\n=1+1,").replace("\ny,", "\n@SUM(A1),"),
        "line feeds in causes": GOOD_CSV.replace("\nx,", '\n"a\nva-tuning: fine",'),
        "line feeds in headers": GOOD_CSV.replace("fever", '"fe\nver"'),
        "carriage returns in causes": GOOD_CSV.replace("\nx,", '\n"a\rb",'),
        "commas in causes": GOOD_CSV.replace("\nx,", '\n"a,b",'),
        "quotes in cells": GOOD_CSV.replace(",0,", ",5' 4\","),
        "numbers as causes": GOOD_CSV.replace("\nx,", "\n1,").replace("\ny,", "\n1.0,"),
        "nan as a cause": GOOD_CSV.replace("\nx,", "\nnan,"),
        "None as a cause": GOOD_CSV.replace("\nx,", "\nNone,"),
        "causes that differ in case": GOOD_CSV.replace("\nx,", "\nY,"),
        "causes that differ in form":
            GOOD_CSV.replace("\nx,", "\né,").replace("\ny,", "\ne\u0301,"),
        "every cause once": csv_file(rows=[f"c{i},A,{i % 2},1\n" for i in range(10)]),
        "semicolons": GOOD_CSV.replace(",", ";"),
        "tabs": GOOD_CSV.replace(",", "\t"),
        "bars": GOOD_CSV.replace(",", "|"),
        "UTF-16": GOOD_CSV.encode("utf-16"),
        "compressed": gzip.compress(GOOD_CSV.encode()),
        "in Excel": workbook(),
        "UTF-16 without a mark": GOOD_CSV.encode("utf-16-le"),
        "a cause once": GOOD_CSV + "rare,A,1,1\n",
        "one site": GOOD_CSV.replace(",B,", ",A,"),
        "a site of each row":
            "cause,site,fever\n" + "".join(f"{'xy'[i % 2]},s{i},{i % 3}\n" for i in range(300)),
        "300 causes": "cause,site,fever\n" + "".join(f"c{i % 300},A,{i % 7}\n" for i in range(900)),
        "Latin-1": GOOD_CSV.replace("\nx,", "\nDécès,").encode("latin-1"),
        "a byte order mark": b"\xef\xbb\xbf" + GOOD_CSV.encode(),
        "two byte order marks": b"\xef\xbb\xbf" * 2 + GOOD_CSV.encode(),
        "Windows line ends": GOOD_CSV.replace("\n", "\r\n"),
        "old Mac line ends": GOOD_CSV.replace("\n", "\r"),
        "mixed line ends": GOOD_CSV.replace("\nx,", "\r\nx,"),
        "blank lines between": GOOD_CSV.replace("\nx,", "\n\nx,"),
        "Control-Z at the end": GOOD_CSV + "\x1a",
        "1e308": with_cell("1e308"),
        "1e-400": with_cell("1e-400"),
        "a number of 10,000 digits": with_cell("9" * 10_000),
        "hexadecimal": with_cell("0x10"),
        "underscores": with_cell("1_000"),
        "full-width digits": with_cell("\uff11"),
        "Arabic digits": with_cell("\u0661"),
        "decimal commas": GOOD_CSV.replace(",0,", ',"0,5",'),
        "percent": with_cell("50%"),
        "5,000 columns": "cause,site," + ",".join(f"f{i}" for i in range(5000)) + "\n"
        + "".join(
            f"{'xy'[i % 2]},A," + ",".join(str((i * j) % 3) for j in range(5000)) + "\n"
            for i in range(20)),
        "a first column without a name":
            "," + HEAD + "".join(f"{i}," + r for i, r in enumerate(ROWS)),
        "Parquet with a strange footer": good[:-40] + bytes(32) + good[-8:],
        "Parquet, good": parquet(good_table()),
        "Parquet with nulls": parquet(good_table(fever=[None, 1] * 15)),
        "Parquet with dates":
            parquet(good_table(fever=pa.array([10_000 + i for i in range(30)], pa.date32()))),
        "Parquet with decimals": parquet(good_table().set_column(
            2, "fever", pa.array(range(30), pa.int32()).cast(pa.decimal128(12, 2)))),
        "Parquet with dictionaries":
            parquet(good_table(cause=pa.array(["x", "y"] * 15).dictionary_encode())),
        "Parquet with bools": parquet(good_table(fever=[True, False] * 15)),
        "Parquet with numbers as causes": parquet(good_table(cause=[1.0, 2.0] * 15)),
        "Parquet with an escape in a name":
            parquet(good_table(**{"\x1b[2J": [i % 4 for i in range(30)]})),
    }  # fmt: skip


PLACES: dict[str, Callable[[Path], object]] = {
    "absent": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a FIFO": lambda path: os.mkfifo(path),
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "/dev/full": lambda path: path.symlink_to("/dev/full"),
    "/dev/null": lambda path: path.symlink_to("/dev/null"),
    "/dev/tty": lambda path: path.symlink_to("/dev/tty"),
    "/dev/random": lambda path: path.symlink_to("/dev/random"),
    "/proc/self/mem": lambda path: path.symlink_to("/proc/self/mem"),
}


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, content in _refused().items():
        yield _searched("refused", name, content, ONLY_REFUSED)
    for name, content in _perhaps().items():
        fine = ONLY_ACCEPTED if name in _READ else REFUSED_OR_ACCEPTED
        yield _searched("perhaps", name, content, fine)
    for name, place in PLACES.items():
        yield _placed("place", name, place)


def _searched(kind: str, name: str, content: Content, allowed: frozenset[str]) -> Case:
    """By validate; what must be refused by tune too, which then writes nothing."""
    argv = ("validate", "experiment.yaml")
    if allowed == ONLY_REFUSED and len(name) % 2:
        argv = ("tune", "experiment.yaml", "--results", "results")

    def arrange(folder: Path) -> None:
        put(folder, experiment(), content)

    def check(folder: Path, outcome: Outcome) -> Iterator[str]:
        if NARRATIVE[:30] in outcome.said:
            yield "the narrative of a death stands in the output"
        if len(outcome.said) > 8_000:
            yield f"{len(outcome.said):,} characters of output"

    return Case(GROUP, kind, name, argv, arrange, allowed, (_NAMED,), check=check)


def _placed(kind: str, name: str, place: Callable[[Path], object]) -> Case:
    def arrange(folder: Path) -> None:
        put(folder, experiment(), None)
        place(folder / "data.csv")

    return Case(
        GROUP, kind, name, ("validate", "experiment.yaml"), arrange, ONLY_REFUSED, (_NAMED,)
    )
