"""Output that cannot be written neither ends a search nor hides a finished one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.test_stopping import write

pytestmark = pytest.mark.timeout(1500)


@pytest.mark.parametrize(
    ("redirection", "environment", "said"),
    [
        (
            "> /dev/full",
            {},
            "note: standard output cannot be written: No space left on device; the work goes on\n",
        ),
        ("| head -1", {"PYTHONIOENCODING": "ascii"}, ""),
        (">&- 2>&-", {"LC_ALL": "C"}, ""),
    ],
)
def test_a_search_goes_on(
    redirection: str, environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    path, results = write(tmp_path), tmp_path / "res[" / "b]"
    command = f"set -o pipefail; {sys.executable} -m tuner_job tune {path} --results '{results}' {redirection}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert (done.returncode, done.stderr) == (0, said)
    for name in ("random_forest/best.json", "summary.json", "report.html"):
        assert (results / "small" / name).exists()
