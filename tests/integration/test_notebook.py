"""docs/notebook.ipynb runs, and what it shows is kept in it."""

import runpy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.timeout(1200)


def kinds(notebook: nbformat.NotebookNode) -> Iterator[Counter[str]]:
    """What kinds of output each cell of code has."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown = [one for output in cell.outputs for one in output.get("data", {"text": 1})]
            yield Counter(shown)


@pytest.mark.long
def test_it_runs_and_keeps_what_it_shows() -> None:
    kept = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    nbformat.validate(kept)
    executed = runpy.run_path(str(DOCS / "run_notebook.py"))["executed"]()
    assert list(kinds(kept)) == list(kinds(executed))
    assert sum(one["image/png"] for one in kinds(kept)) >= 2
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert "error" not in {one.output_type for one in outputs}
