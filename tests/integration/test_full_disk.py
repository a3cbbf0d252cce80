"""Storage without room: a small file system of its own, made full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.experiments import run, tune, write
from tests.unit.stored import DEATHS, copy

pytestmark = pytest.mark.timeout(1500)
SIZE = 8 * 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight mebibytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_found_out_before_the_search(small_disk: Path, tmp_path: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(SIZE))
    code, _, err = run("tune", write(tmp_path), "--results", str(small_disk / "results"))
    assert code == 2
    assert "No space left on device" in err
    assert "Traceback" not in err


def test_a_disk_that_fills_up_loses_nothing_finished(small_disk: Path, tmp_path: Path) -> None:
    path, results = write(tmp_path), small_disk / "results"
    (small_disk / "filler").write_bytes(bytes(SIZE - 200 * 1024))
    code, _, err = run("tune", path, "--results", str(results))
    assert code == 2
    assert "cannot be written: " in err
    assert "No space left on device" in err
    assert "Traceback" not in err
    before = {trial: trial.read_bytes() for trial in results.glob("*/*/trials/*.json")}
    assert before
    (small_disk / "filler").unlink()
    tune(path, results)
    assert {trial: trial.read_bytes() for trial in before} == before


@pytest.mark.parametrize("room", [0, 6 * 1024])
def test_predictions_that_find_no_room_leave_the_old_ones(
    small_disk: Path, tmp_path: Path, room: int
) -> None:
    copy(tmp_path / "results")
    output = small_disk / "predictions.csv"
    output.write_text("of yesterday")
    with (small_disk / "filler").open("wb") as filler:
        filler.write(bytes(SIZE - 16 * 1024))
        with suppress(OSError):
            while True:
                os.write(filler.fileno(), bytes(1024))
    if room:
        os.truncate(small_disk / "filler", (small_disk / "filler").stat().st_size - room)
    before = sorted(small_disk.iterdir())
    code, _, err = run(
        "predict",
        tmp_path / "results",
        DEATHS,
        "--model",
        "logistic_regression",
        "--output",
        output,
    )
    assert code == 2
    assert "cannot be written: No space left on device" in err
    assert ("nothing was changed" in err) == bool(room), (
        "without any room it is found out before the work"
    )
    assert output.read_text() == "of yesterday"
    assert sorted(small_disk.iterdir()) == before
