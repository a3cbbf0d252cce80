"""Files of new deaths, read by predict."""

import csv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from tests.reliability.case import ONLY_ACCEPTED, ONLY_REFUSED, REFUSED_OR_ACCEPTED, Case, Outcome
from tests.reliability.deaths import NARRATIVE, Content, good_table, parquet
from tests.reliability.inputs.data_files import PLACES
from tests.reliability.samples import STORED, put_stored

GROUP = "files of new deaths"


def _predicted(kind: str, name: str, place: Callable[[Path], object]) -> Case:
    def arrange(folder: Path) -> None:
        put_stored(folder)
        place(folder / "new.csv")

    return _prediction(kind, name, arrange, ONLY_REFUSED)


def _prediction(
    kind: str, name: str, arrange: Callable[[Path], object], allowed: frozenset[str]
) -> Case:
    argv = (
        "predict",
        "results/stored",
        "new.csv",
        "--model",
        "xgboost",
        "--output",
        "out.csv",
        "--csmf",
        "csmf.csv",
    )
    made = ("out.csv", "csmf.csv", "deaths.html")
    return Case(
        GROUP,
        kind,
        name,
        argv,
        arrange,
        allowed,
        ("new.csv|nowhere|/dev/|/proc/",),
        creates=made,
        check=_whole,
    )


def _whole(folder: Path, outcome: Outcome) -> Iterator[str]:
    """A CSMF of what was predicted: fractions that sum to 1, and nothing that a spreadsheet
    would run."""
    path = folder / "csmf.csv"
    if outcome.code == 0:
        with path.open(newline="", encoding="utf-8") as file:
            fractions = [float(row["fraction"]) for row in csv.DictReader(file)]
        if not abs(sum(fractions) - 1) < 1e-3:
            yield f"fractions of causes that sum to {sum(fractions)}"


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, place in PLACES.items():
        yield _predicted("place", name, place)
    head, *rows = (STORED / "deaths.csv").read_text().splitlines(keepends=True)
    rows = rows[:10]
    good = head + "".join(rows)
    refused: dict[str, Content] = {
        "empty": "",
        "zero rows": head,
        "zero rows, Parquet": parquet(
            pa.table({name: pa.array([], pa.string()) for name in head.strip().split(",")})
        ),
        "a column missing": good.replace("s0", "zz"),
        "all columns missing": "a,b\n1,2\n",
        "a column twice": good.replace("s1,", "s0,", 1),
        "a row short": good + "north,Malaria,no\n",
        "NUL in a cell": good.replace("yes", "y\0es", 1),
        "NULs": bytes(500),
        "PNG": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "Excel workbook": b"PK\x03\x04" + bytes(200),
        "Parquet cut": parquet(good_table())[:-3],
        "HTML": "<html><body>404</body></html>",
    }
    perhaps: dict[str, Content] = {
        "good": good,
        "semicolons": good.replace(",", ";"),
        "cut in the last cell": good[:-3],
        "UTF-16": good.encode("utf-16"),
        "new categories": good.replace("yes", "perhaps"),
        "a narrative in a cell": good.replace("yes", NARRATIVE * 100, 1),
        "escapes in a cell": good.replace("yes", "\x1b[2J", 1),
        "no cause column": "\n".join(
            line.partition(",")[2].partition(",")[2] for line in good.splitlines()
        )
        + "\n",
        "columns in another order": "\n".join(
            ",".join(line.split(",")[::-1]) for line in good.splitlines()
        )
        + "\n",
        "all blank": head + ",,,,,,,,,,,\n" * 5,
        "an invalid byte": good.encode().replace(b"yes", b"y\xff", 1),
    }
    for name, content in refused.items():
        yield _prediction("refused", name, partial(_arranged, content), ONLY_REFUSED)
    for name, content in perhaps.items():
        allowed = (
            ONLY_ACCEPTED
            if name in ("good", "semicolons", "no cause column", "columns in another order")
            else REFUSED_OR_ACCEPTED
        )
        yield _prediction("perhaps", name, partial(_arranged, content), allowed)


def _arranged(content: Content, folder: Path) -> None:
    put_stored(folder)
    (folder / "new.csv").write_bytes(content.encode() if isinstance(content, str) else content)
