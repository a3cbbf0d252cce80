"""The example of docs/python.md does what it says."""

import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "python.md"

pytestmark = pytest.mark.timeout(900)


def test_the_example_runs(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (program,) = (part.partition("```")[0] for part in text.split("```python\n")[1:])
    program = program.replace('"va-results', f'"{tmp_path}/va-results')
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "5 trials, the untuned default among them" in done.stdout
    assert (tmp_path / "va-results" / "example" / "report.html").exists()
