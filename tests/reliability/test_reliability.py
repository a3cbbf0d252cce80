"""Everything of this package, by group: `make reliability` does the same and prints its tables."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.faults import FAULTS
from tests.reliability.inputs import GROUPS

pytestmark = pytest.mark.timeout(3600)
FEWEST = {"inputs": 500, "faults": 100}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    record = tmp_path_factory.mktemp("reliability") / "results.json"
    subprocess.run(
        [sys.executable, "-m", "tests.reliability", "--record", record],
        cwd=Path(__file__).parents[2],
    )
    found: list[dict[str, Any]] = json.loads(record.read_text())
    return found


@pytest.mark.parametrize("group", [*GROUPS, *FAULTS])
def test_nothing_is_lost_and_everything_bad_is_refused_well(
    results: list[dict[str, Any]], group: str
) -> None:
    failures = {r["label"]: r["failures"] for r in results if r["group"] == group and r["failures"]}
    assert not failures


@pytest.mark.parametrize(("groups", "kind"), [(GROUPS, "inputs"), (FAULTS, "faults")])
def test_so_many_were_tried(
    results: list[dict[str, Any]], groups: dict[str, Any], kind: str
) -> None:
    assert sum(r["group"] in groups for r in results) >= FEWEST[kind]
