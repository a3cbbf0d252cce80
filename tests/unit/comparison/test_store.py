"""The objects of a comparison: damage is run again, tables run no formula."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner_job.comparison.result import ExperimentResult
from tuner_job.comparison.store import ComparisonStore
from tuner_job.comparison.tables import full_table, to_csv

RESULT = ExperimentResult(
    experiment_id="in_domain-A-A-xgboost-default", experiment_type="in_domain", train_site="A", test_site="A",
    model="xgboost", training_fraction=1.0, n_train=8, n_test=2,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> ComparisonStore:
    store = ComparisonStore(str(tmp_path))
    store.save([RESULT])
    store.save_predictions("fit", np.arange(4), np.eye(4))
    return store


@pytest.mark.parametrize("damage", [b"", b"{", b"null", b"{}", b"\0\0"])
def test_a_damaged_result_is_not_there_and_is_written_anew(
    store: ComparisonStore, tmp_path: Path, damage: bytes
) -> None:
    assert store.load() == [RESULT]
    path = tmp_path / "results" / f"{RESULT.experiment_id}.json"
    path.write_bytes(damage)
    assert store.load() == []
    store.save([RESULT])
    assert store.load() == [RESULT]


def test_copies_of_synchronising_programs_do_not_count(
    store: ComparisonStore, tmp_path: Path
) -> None:
    content = (tmp_path / "results" / f"{RESULT.experiment_id}.json").read_text()
    (tmp_path / "results" / f"{RESULT.experiment_id} (conflicted copy).json").write_text(content)
    (tmp_path / "results" / ".DS_Store").write_bytes(b"\0\1")
    assert store.load() == [RESULT]


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_damaged_predictions_are_not_there(
    store: ComparisonStore, tmp_path: Path, kept: int
) -> None:
    assert store.load_predictions("fit") is not None
    path = tmp_path / "predictions" / "fit.npz"
    path.write_bytes(path.read_bytes()[:kept])
    assert store.load_predictions("fit") is None


def test_clearing_takes_away_what_the_comparison_wrote_and_nothing_else(
    store: ComparisonStore, tmp_path: Path
) -> None:
    store.claim({"seed": 1}, resume=True)
    store.write_text("report.html", "ours")
    (tmp_path / "mine.csv").write_text("mine")
    store.clear()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mine.csv"]
    store.clear()
    store.check_place(None)


def test_no_text_of_a_table_runs_as_a_formula() -> None:
    result = RESULT.model_copy(
        update={"train_site": "=A", "test_site": "-0.5", "error": "@SUM", "cccsmf": -0.5}
    )
    table = pd.read_csv(pd.io.common.StringIO(to_csv(full_table([result]))), dtype=str)
    assert table.loc[0, ["train_site", "test_site", "error", "cccsmf"]].tolist() == [
        "'=A",
        "-0.5",
        "'@SUM",
        "-0.5",
    ]
    assert to_csv(pd.DataFrame({"=x": ["+y"]})) == "'=x\n'+y\n"
    assert to_csv(full_table([RESULT])) == full_table([RESULT]).to_csv(index=False)
    assert json.loads(RESULT.model_dump_json())["train_site"] == "A"
