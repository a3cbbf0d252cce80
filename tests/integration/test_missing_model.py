"""A model that has nothing to commit keeps no other from being committed."""

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.experiments import run, trials_table
from tests.integration.test_stopping import write

pytestmark = pytest.mark.timeout(1800)


def uncommit(model: Path) -> None:
    """Take back what a search committed, but not its trials."""
    shutil.rmtree(model / "commits", ignore_errors=True)
    for name in ("best.json", "model.bin"):
        (model / name).unlink(missing_ok=True)


def test_the_others_are_committed_and_a_larger_budget_completes_it(tmp_path: Path) -> None:
    results = tmp_path / "results"
    arguments = ("--results", str(results), "--workers", "2")
    assert run("tune", write(tmp_path), *arguments)[0] == 0
    table = trials_table(results)
    forest, boosting = (results / "small" / model for model in ("random_forest", "xgboost"))
    uncommit(forest)
    shutil.rmtree(boosting)
    for name in ("summary.json", "report.html"):
        (results / "small" / name).unlink()

    code, out, err = run("tune", write(tmp_path, budget={"cpu_seconds": 1e-9}), *arguments)
    assert code == 1
    assert (
        "va-tuning: xgboost: no trial was complete when the search ended (cpu_seconds): allow it "
        "more" in err
    )
    assert f"committed: random_forest, see {results}/small/report.html" in err
    assert "report.html" in out
    assert (forest / "best.json").exists()
    assert not (boosting / "best.json").exists()
    summary = json.loads((results / "small" / "summary.json").read_text())
    assert [study["model"] for study in summary["studies"]] == ["random_forest"]
    assert "random_forest" in (results / "small" / "report.html").read_text()

    assert run("tune", write(tmp_path), *arguments)[0] == 0
    assert (boosting / "best.json").exists()
    assert trials_table(results) == table


def test_what_no_node_can_give_is_found_out_before_anything_is_written(tmp_path: Path) -> None:
    results = tmp_path / "results"
    path = write(tmp_path, budget={"memory_per_task": "900Gi"})
    code, _, err = run("tune", path, "--results", str(results))
    assert code == 2
    assert err.startswith("va-tuning: budget.memory_per_task: must fit on this machine")
    assert not results.exists()
