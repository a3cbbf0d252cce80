"""Files of Stata, SPSS and SAS."""

import datetime
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.data.tables import DEATHS, FEVER, notes, read, statistical
from tuner_job.data.reading import statistical as statistical_module
from tuner_job.data.reading.read import read_names
from tuner_job.errors import DataError

READ = {
    "cause": ["Malaria", "Fièvre", "Malaria"],
    "age": ["61.5", "4", None],
    "fever": ["Yes", "No", "9"],
    "died": ["2024-05-01", None, "1899-12-31"],
}


@pytest.mark.parametrize("suffix", ["dta", "sav", "zsav"])
def test_labels_are_text_and_dates_iso(suffix: str) -> None:
    content = statistical(suffix, DEATHS, variable_value_labels=FEVER)
    assert read(content) == READ
    assert notes(content) == ()
    assert read_names(content, "f") == tuple(READ)


@pytest.mark.parametrize("suffix", ["por", "xpt"])
def test_plain_tables_of_other_kinds(suffix: str) -> None:
    content = statistical(suffix, pd.DataFrame({"CAUSE": ["x", "y"], "AGE": [1.5, np.nan]}))
    assert read(content) == {"CAUSE": ["x", "y"], "AGE": ["1.5", None]}
    assert read_names(content, "f") == ("CAUSE", "AGE")


def test_what_the_user_of_spss_declared_missing_is_missing() -> None:
    content = statistical(
        "sav", DEATHS, variable_value_labels=FEVER, missing_ranges={"fever": [9, 2]}
    )
    assert read(content)["fever"] == ["Yes", None, None]


@pytest.mark.parametrize(
    "label", ["98+", "98 and over", "98 or more years", "98 et plus", "98 y más"]
)
def test_the_highest_number_stays_a_number_whatever_its_label(label: str) -> None:
    labels = {"age": {98: label, 99: "Missing", 61: "61. Yes"}}
    frame = pd.DataFrame({"cause": [*"xyzx"], "age": [61.0, 97.0, 98.0, 99.0]})
    content = statistical("sav", frame, variable_value_labels=labels)
    assert read(content)["age"] == ["61. Yes", "97", "98", "Missing"]


def test_what_the_user_of_stata_declared_missing_is_missing() -> None:
    frame = pd.DataFrame({"cause": ["x", "y", "z"], "a": [1, "a", 3]})
    content = statistical("dta", frame, missing_user_values={"a": ["a"]})
    assert read(content) == {"cause": ["x", "y", "z"], "a": ["1", None, "3"]}


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_every_version_of_stata_is_read(version: int) -> None:
    frame = pd.DataFrame({"cause": ["x", "Fievre"], "a": [1.0, 2.0]})
    assert read(statistical("dta", frame, version=version)) == {
        "cause": ["x", "Fievre"],
        "a": ["1", "2"],
    }


def test_times_and_other_values() -> None:
    frame = pd.DataFrame(
        {
            "t": [datetime.datetime(2024, 5, 1, 3, 4), datetime.datetime(2024, 5, 1)],
            "big": [1e20, -0.5],
        }
    )
    assert read(statistical("sav", frame)) == {
        "t": ["2024-05-01 03:04:00", "2024-05-01"],
        "big": ["1e+20", "-0.5"],
    }


def test_many_rows_are_read_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Path(statistical_module.__file__).with_name("readstat.py").read_text("utf-8")
    small = small.replace("_CELLS_AT_ONCE = 2_000_000", "_CELLS_AT_ONCE = 6")
    small = small.replace("_FEWEST_ROWS = 100", "_FEWEST_ROWS = 3")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "readstat.py")
        script.write_text(small, "utf-8")
        monkeypatch.setattr(statistical_module, "_SCRIPT", script)
        for n in (1, 3, 6, 7):
            frame = pd.DataFrame({"cause": [f"c{i % 2}" for i in range(n)], "a": np.arange(n)})
            assert read(statistical("dta", frame)) == {
                "cause": [f"c{i % 2}" for i in range(n)],
                "a": [str(i) for i in range(n)],
            }


def test_texts_that_are_not_as_the_file_says_are_read_as_windows_and_said() -> None:
    content = statistical("sav", pd.DataFrame({"cause": ["Fiévre", "x"], "a": [1.0, 2.0]}))
    damaged = content.replace("é".encode(), b"\xe9 ")
    assert read(damaged)["cause"][0] == "Fié vre"
    assert notes(damaged) == ("Read as Windows-1252, as it is not encoded as it says.",)


def test_more_cells_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistical_module, "MOST_CELLS", 5)
    monkeypatch.setattr("tuner_job.data.reading.raw.MOST_CELLS", 5)
    for suffix in ("dta", "xpt"):
        with pytest.raises(DataError, match="must have at most 5 cells; found 3 rows of 4"):
            read(statistical(suffix, DEATHS))


def test_a_crash_of_the_library_is_one_error_and_leaves_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    content = statistical("dta", DEATHS)

    def crash(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        assert list(tmp_path.iterdir())
        return subprocess.CompletedProcess(command, -11, b"", b"Segmentation fault")

    monkeypatch.setattr(subprocess, "run", crash)
    with pytest.raises(DataError, match=r"ended by signal 11: is the file damaged\?"):
        read(content)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<stata_dta><header>" + bytes(200), "must be a Stata file as a whole; "),
        (b"$FL2@(#) SPSS DATA FILE" + bytes(200), "must be an SPSS file as a whole; "),
        (
            bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011") + bytes(300),
            "must be a SAS file as a whole; ",
        ),
        (b"\x72\x02\x01\x00" + bytes(99), "must be a Stata file as a whole; "),
        (b"HEADER RECORD*******LIBRARY HEADER", "must be a SAS transport file as a whole; "),
    ],
)
def test_damaged_files_are_one_clear_error(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"f: {message}") as refused:
        read(content)
    assert "\n" not in str(refused.value)
