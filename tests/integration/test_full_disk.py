"""Storage without room: a small file system of its own, made full."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.experiments import run, tune, write

pytestmark = pytest.mark.timeout(300)
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
        subprocess.run(["umount", folder], check=True)


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
