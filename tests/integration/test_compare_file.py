"""The comparison of an experiment file."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.integration.experiments import SCRIPT, run
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.run_log import read_log
from tuner_job.results.store import Store

STORED = Path(__file__).parents[1] / "stored" / "0.2.0"
TIMES = ["execution_time_seconds", "training_time_seconds", "inference_time_seconds", "worker_id"]


def compare(folder: Path, content: dict[str, Any], *arguments: str) -> str:
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(content))
    code, out, err = run("compare", path, *arguments)
    assert code == 0, err
    return out


def full(place: Path) -> pd.DataFrame:
    return pd.read_csv(place / "full_results.csv").drop(columns=TIMES)


def gains(place: Path) -> pd.DataFrame:
    """Without the intervals, whose resamples are drawn in the order of the sites."""
    return pd.read_csv(place / "tuned_vs_default.csv").drop(columns=["low", "high"])


@pytest.fixture
def deaths(tmp_path: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    cause = rng.integers(1, 4, 90)
    fever = np.where(rng.random(90) < 0.2 + 0.3 * (cause == 2), "y", ".")
    return pd.DataFrame({
        "ID": [f"d{i}" for i in range(90)],
        "cod": cause,
        "region": np.array(["A", "B"])[np.arange(90) % 2],
        "fever": np.where(rng.random(90) < 0.6, "n", fever),
        "cough": np.where(rng.random(90) < 0.5, "y", "n"),
        "told": [f"cause {i}" for i in cause],
    })  # fmt: skip


def test_what_tune_reads_is_compared_under_the_protocol_that_it_is_tuned_for(
    deaths: pd.DataFrame, tmp_path: Path
) -> None:
    deaths.to_parquet(tmp_path / "openva.parquet")
    experiment = {
        "name": "openva",
        "data": {
            "source": "openva.parquet", "format": "openva", "site": "region", "drop": ["ID", "told"]
        },
        "models": ["logistic_regression"],
        "tuning": {"search_method": "random", "n_trials": 2, "cv_folds": 2},
        "results": str(tmp_path / "results"),
        "comparison": {"experiments": ["out_domain"], "n_bootstrap": 5, "tune": True},
    }  # fmt: skip
    out = compare(tmp_path, experiment)
    place = tmp_path / "results" / "openva"
    assert f"{place}/report.html" in out
    assert out.count("tuning on ") == 2
    table = full(place)
    assert set(table.protocol) == {"dirichlet"}
    assert set(table.train_site) == {"A", "B"}
    assert table.error.isna().all()
    perfect = table[table.model == "logistic_regression"].cod_accuracy.max()
    assert perfect < 0.9, "the column that tells the cause is dropped"
    for path in (place / "tuning").glob("*/experiment.yaml"):
        assert yaml.safe_load(path.read_text())["validation"]["scheme"] == "dirichlet"

    progress = ExperimentStore(Store(str(place.parent)), place.name).progress()
    assert progress is not None
    assert (progress.state, progress.done, progress.planned) == ("done", 4, 4)
    assert progress.fit_seconds > 0
    assert any("tuning on A" in line for line in read_log(Store(str(place)), ""))

    kept = {path: path.stat().st_mtime_ns for path in (place / "results").iterdir()}
    again = compare(tmp_path, experiment)
    assert "tuning on " not in again
    same = ExperimentStore(Store(str(place.parent)), place.name).progress()
    assert same is not None
    assert (same.done, same.planned) == (4, 4)
    assert {path: path.stat().st_mtime_ns for path in (place / "results").iterdir()} == kept
    pd.testing.assert_frame_equal(full(place), table)


def test_a_file_and_the_flags_that_say_the_same_give_the_same_results(
    deaths: pd.DataFrame, tmp_path: Path
) -> None:
    named = deaths.rename(columns={"cod": "va34", "region": "site", "told": "cod5"})
    named.drop(columns="ID").to_csv(tmp_path / "deaths.csv", index=False)
    experiment = {
        "name": "file",
        "data": {"source": "deaths.csv", "label": "va34", "site": "site", "drop": ["cod5"]},
        "models": ["random_forest"],
        "seed": 7,
        "comparison": {
            "experiments": ["in_domain", "training_size"], "training_sizes": [0.5, 1.0],
            "protocols": ["natural"], "n_bootstrap": 5,
        },
    }  # fmt: skip
    compare(tmp_path, experiment, "--output", str(tmp_path / "file"), "--workers", "2")
    flags = (
        *("--data-path", str(tmp_path / "deaths.csv"), "--output-dir", str(tmp_path / "flags")),
        *("--models", "random_forest", "--experiments", "in_domain", "training_size"),
        *("--training-sizes", "0.5", "1", "--n-bootstrap", "5", "--random-seed", "7"),
    )
    code, _, err = run(SCRIPT, *flags, "--no-plots", "--n-workers", "1")
    assert code == 0, err
    pd.testing.assert_frame_equal(full(tmp_path / "file"), full(tmp_path / "flags"))
    claims = [(tmp_path / kind / "comparison.json").read_bytes() for kind in ("file", "flags")]
    assert claims[0] == claims[1]


def test_a_finished_comparison_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    text = (STORED / "deaths.csv").read_text().replace("site,cause,", "site,va34,", 1)
    (tmp_path / "deaths.csv").write_text(text)
    place = Path(shutil.copytree(STORED / "comparison", tmp_path / "comparison"))
    before = (place / "full_results.csv").read_bytes(), gains(place)
    flags = (
        "--data-path", str(tmp_path / "deaths.csv"), "--output-dir", str(place),
        "--models", "logistic_regression", "--experiments", "in_domain", "cross_validation",
        "--outer-folds", "2", "--sites", "south", "north", "--protocols", "natural", "shift",
        "--shift", "Malaria=0.1:0.4", "Stroke=0.02", "--n-bootstrap", "5",
        "--tune-hyperparameters", "--tuning-method", "random", "--tuning-trials", "2",
        "--tuning-cv-folds", "2", "--tuning-timeout", "10m",
    )  # fmt: skip
    code, out, err = run(SCRIPT, *flags, "--resume")
    assert code == 0, err
    assert "fits" not in out
    assert not (place / "tuning").exists()
    assert (place / "full_results.csv").read_bytes() == before[0]
    after = gains(place)
    assert set(after.step) == {"in_all"}, "no search of then says which estimator suits the default"
    known = after[after.metric.isin(before[1].metric)].reset_index(drop=True)
    as_then = known.rename(columns={"before": "default", "after": "tuned"})[before[1].columns]
    pd.testing.assert_frame_equal(as_then, before[1])
    code, _, err = run(SCRIPT, *flags, "--resume", "--random-seed", "1")
    assert (code, "holds another comparison (seed differ)" in err) == (2, True), err
