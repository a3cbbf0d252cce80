"""Whatever is damaged is read or refused in one sentence, of every kind of file."""

import builtins
import gzip
import importlib.util
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.data.tables import DEATHS, FEVER, every_kind, read, statistical
from tuner_job.data.reading import statistical as statistical_module
from tuner_job.data.reading.read import read_names, read_table
from tuner_job.errors import DataError

KINDS = every_kind()
KINDS |= {f"{kind}, unpacked": gzip.decompress(KINDS[kind]) for kind in ("rds", "rda")}
KINDS["csv.gz"] = gzip.compress(KINDS["csv"])
SLOW = {"dta", "sav", "zsav", "por", "xpt"}
"""Each is read in a process of its own."""
LONGEST = 1000
Reader = Callable[[bytes, str], Any]


def damaged(content: bytes, kind: str) -> list[bytes]:
    """Files cut at random places, and with random bytes changed."""
    rng, n = random.Random(kind), 3 if kind in SLOW else 60
    files = [content[: rng.randrange(4, len(content))] for _ in range(n)]
    for _ in range(n):
        changed = bytearray(content)
        for _ in range(rng.choice((1, 2, 8))):
            changed[rng.randrange(len(content))] = rng.choice((0, 255, rng.randrange(256)))
        files.append(bytes(changed))
    return files


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused_in_one_sentence(kind: str) -> None:
    readers: list[Reader] = [read_table] if kind in SLOW else [read_table, read_names]
    messages = [
        message
        for content in damaged(KINDS[kind], kind)
        for reader in readers
        if (message := refusal(reader, content))
    ]
    assert messages
    for message in messages:
        assert message.startswith("deaths of é: ")
        assert "\n" not in message
        assert len(message) < LONGEST


def refusal(reader: Reader, content: bytes) -> str:
    """Why it is refused; empty if it is read."""
    try:
        reader(content, "deaths of é")
    except DataError as error:
        return str(error)
    return ""


def test_bytes_that_crash_the_library_are_one_clear_error() -> None:
    content = bytearray(statistical("sav", DEATHS, variable_value_labels=FEVER))
    content[180] = 255  # the number of blanks of the first variable's type
    with pytest.raises(DataError, match=r"must be an SPSS file as a whole; "):
        read(bytes(content))


@pytest.mark.parametrize(
    ("kind", "library"),
    [("xlsx", "openpyxl"), ("rds", "rdata"), ("sav", "pyreadstat"), ("dta", "pyreadstat")],
)
@pytest.mark.parametrize("reader", [read_table, read_names])
def test_what_is_not_installed_is_named(
    kind: str, library: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == library:
            raise ImportError(name)
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    monkeypatch.setattr(statistical_module, "find_spec", lambda name: None)
    assert importlib.util.find_spec(library)
    with pytest.raises(
        DataError,
        match=rf"f: an? .* is read with {library}, which is not installed; in a checkout: pip "
        r"install '\.\[files\]'; or save it as CSV",
    ):
        reader(KINDS[kind], "f")
