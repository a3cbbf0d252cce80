"""The comparison, run as its users run it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.integration.experiments import SCRIPT, SMALL, kill_when, run, start, trial_files, tune
from tests.integration.s3_server import S3Server
from tests.integration.tables import synthetic_table
from tuner_job.comparison.plan import plan
from tuner_job.comparison.result import COLUMNS
from tuner_job.config.comparison import ComparisonConfig
from tuner_job.data import DataConfig, load_dataset
from tuner_job.results.store import read_bytes

TIMES = [
    "execution_time_seconds",
    "tuning_time_seconds",
    "training_time_seconds",
    "inference_time_seconds",
    "worker_id",
]
TUNED = (
    "--tune-hyperparameters",
    "--tuning-method",
    "random",
    "--tuning-trials",
    "3",
    "--tuning-cv-folds",
    "3",
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frame = synthetic_table("va34", n_samples=360, n_causes=5, n_symptoms=20, n_sites=3)
    # another label: never a feature
    causes = sorted(frame["va34"].unique())
    frame["cod5"] = [causes[causes.index(cause) % 2] for cause in frame["va34"]]
    path = tmp_path_factory.mktemp("data") / "table.csv"
    frame.to_csv(path, index=False)
    return path


def compare(table: Path, output: str | Path, *arguments: str) -> str:
    code, out, err = run(SCRIPT, "--data-path", str(table), "--output-dir", str(output), *arguments)
    assert code == 0, err
    return out


def results(output: Path) -> pd.DataFrame:
    return pd.read_csv(output / "full_results.csv").sort_values("experiment_id", ignore_index=True)


def test_untuned_files_and_columns(table: Path, tmp_path: Path) -> None:
    compare(table, tmp_path, "--training-sizes", "0.5", "1", "--n-bootstrap", "20")
    full = results(tmp_path)
    assert tuple(full.columns) == COLUMNS
    assert set(full.model) == {
        "xgboost",
        "random_forest",
        "logistic_regression",
        "naive_bayes",
        "copy_train",
        "uniform",
        "majority",
    }
    counts = full[full.model == "xgboost"].experiment_type.value_counts().to_dict()
    assert counts == {"out_domain": 6, "training_size": 6, "in_domain": 3, "leave_one_site_out": 3}
    for kind, number in counts.items():
        assert len(pd.read_csv(tmp_path / f"{kind}_results.csv")) == 7 * number
    assert not full.tuned.any()
    assert full.error.isna().all()
    assert (tmp_path / "summary_statistics.csv").exists()
    assert "<svg" in (tmp_path / "report.html").read_text()
    assert not (tmp_path / "tuned_vs_default.csv").exists()
    # a fit serves the in-domain and all out-domain tests of its site: it was made once
    one = full[
        (full.model == "random_forest")
        & (full.train_site == full.train_site[0])
        & (full.training_fraction == 1)
    ]
    assert one.training_time_seconds.nunique() == 1


def test_tuned_runs_once_a_training_set_and_a_second_run_tunes_nothing(
    table: Path, tmp_path: Path
) -> None:
    arguments = (
        "--models",
        "logistic_regression",
        "--experiments",
        "in_domain",
        "out_domain",
        "--no-plots",
        *TUNED,
    )
    first = compare(table, tmp_path, *arguments)
    assert first.count("tuning on ") == 3
    full = results(tmp_path)
    tuned = full[full.tuned]
    assert len(tuned) == 9
    assert set(tuned.tuning_method) == {"random"}
    assert (tuned.n_trials == 3).all()
    assert len(json.loads(tuned.cv_scores.iloc[0])) == 3
    assert "<svg" not in (tmp_path / "report.html").read_text()
    gains = pd.read_csv(tmp_path / "tuned_vs_default.csv")
    assert set(gains.experiment_type) == {"in_domain", "out_domain"}

    searches = trial_files(tmp_path / "tuning")
    assert len(searches) == 3 * 4
    compare(table, tmp_path, *arguments, "--clear-checkpoints", "--n-workers", "1")
    assert trial_files(tmp_path / "tuning") == searches
    pd.testing.assert_frame_equal(results(tmp_path).drop(columns=TIMES), full.drop(columns=TIMES))


@pytest.mark.parametrize("method", ["asha", pytest.param("pbt", marks=pytest.mark.long)])
def test_ray_tune_tunes_a_training_set(table: Path, tmp_path: Path, method: str) -> None:
    arguments = (
        "--models",
        "xgboost",
        "--experiments",
        "in_domain",
        "--no-plots",
        "--tune-hyperparameters",
    )
    settings = ("--tuning-method", method, "--tuning-trials", "4", "--tuning-cv-folds", "2")
    site = pd.read_csv(table).site[0]
    compare(table, tmp_path, *arguments, *settings, "--sites", site)
    full = results(tmp_path)
    (tuned,) = full[full.tuned].to_dict("records")
    assert tuned["tuning_method"] == method
    assert tuned["n_trials"] == 4
    assert full.error.isna().all()
    (best,) = (tmp_path / "tuning").rglob("best.json")
    summary = json.loads(best.read_text())["summary"]
    assert summary["deterministic"] is False
    assert bool(summary["best"]["schedule"]) == (method == "pbt" and summary["best"]["trial"] >= 0)


def test_a_killed_run_goes_on_and_ends_as_if_undisturbed(table: Path, tmp_path: Path) -> None:
    arguments = ("--models", "random_forest", "xgboost", "--no-plots", "--n-bootstrap", "20")
    compare(table, tmp_path / "undisturbed", *arguments)
    killed = tmp_path / "killed"
    process = start(SCRIPT, "--data-path", str(table), "--output-dir", str(killed), *arguments)
    kill_when(process, lambda: len(list((killed / "predictions").glob("*"))) >= 3, signal.SIGKILL)
    kept = {path: path.stat().st_mtime_ns for path in (killed / "predictions").glob("*.npz")}
    code, _, err = run(SCRIPT, "--data-path", str(table), "--output-dir", str(killed), *arguments)
    assert (code, "--resume" in err) == (2, True)
    compare(table, killed, *arguments, "--resume")
    again = {path: path.stat().st_mtime_ns for path in kept}
    assert (
        sum(again[path] == kept[path] for path in kept) >= len(kept) - 1
    )  # at most the one that was being written
    pd.testing.assert_frame_equal(
        results(killed).drop(columns=TIMES), results(tmp_path / "undisturbed").drop(columns=TIMES)
    )


def test_tuning_cannot_see_what_only_helps_on_test_rows(table: Path, tmp_path: Path) -> None:
    """A column equals the cause on test rows and is noise on training rows: searches must not
    change their minds."""
    frame = pd.read_csv(table)
    data = load_dataset(
        DataConfig(source=str(table), label="va34", site="site", drop=["cod5"]), read_bytes
    )
    held_out = np.unique(
        np.concatenate(
            [
                test.rows
                for training in plan(data, ComparisonConfig(experiments=["in_domain"]), 42).sets
                for test in training.tests
            ]
        )
    )
    noise = np.random.default_rng(0).integers(0, 5, len(frame))
    frame["planted"] = noise
    frame.to_csv(tmp_path / "noise.csv", index=False)
    frame.loc[held_out, "planted"] = data.y[held_out]
    frame.to_csv(tmp_path / "planted.csv", index=False)
    arguments = ("--models", "random_forest", "--experiments", "in_domain", "--no-plots", *TUNED)
    columns = ["experiment_id", "best_params", "cv_score", "cv_scores"]
    seen = {}
    for kind in ("noise", "planted"):
        compare(tmp_path / f"{kind}.csv", tmp_path / kind, *arguments)
        full = results(tmp_path / kind)
        seen[kind] = full[full.tuned][columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(seen["noise"], seen["planted"])


def test_parameters_of_an_earlier_experiment_are_taken_or_refused_with_the_reason(
    table: Path, tmp_path: Path, s3: S3Server
) -> None:
    bucket = s3.make_bucket("compare")
    data = {"source": str(table), "label": "va34", "site": "site", "drop": ["cod5"]}
    experiment = {**SMALL, "name": "tuned", "data": data, "models": ["random_forest"]}
    experiment["tuning"] = {"search_method": "random", "n_trials": 1, "cv_folds": 3}
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(experiment))
    tune(path, bucket)
    arguments = (
        "--models",
        "random_forest",
        "--experiments",
        "in_domain",
        "--tuned-params",
        f"{bucket}/tuned",
    )
    assert "scores of tuned models are optimistic" in compare(
        table, f"{bucket}/comparison", *arguments
    )
    best = json.loads((s3.root / "compare" / "tuned" / "random_forest" / "best.json").read_text())[
        "params"
    ]
    rows = pd.read_csv(s3.root / "compare" / "comparison" / "full_results.csv")
    assert {json.dumps(json.loads(text)) for text in rows[rows.tuned].best_params} == {
        json.dumps(best)
    }

    stored = s3.root / "compare" / "comparison" / "results"
    before = {one: one.stat().st_ino for one in stored.glob("*.json")}
    compare(table, f"{bucket}/comparison", *arguments, "--resume")
    assert {one: one.stat().st_ino for one in stored.glob("*.json")} == before
    experiment["tuning"]["n_trials"] = 12
    path.write_text(yaml.safe_dump(experiment))
    tune(path, bucket)
    later = json.loads((s3.root / "compare" / "tuned" / "random_forest" / "best.json").read_text())
    assert later["params"] != best, (
        "more trials must find another one for this test to say anything"
    )
    compare(table, f"{bucket}/comparison", *arguments, "--resume")
    rows = pd.read_csv(s3.root / "compare" / "comparison" / "full_results.csv")
    assert {json.dumps(json.loads(text)) for text in rows[rows.tuned].best_params} == {
        json.dumps(later["params"])
    }

    frame = pd.read_csv(table)
    frame.iloc[:-1].to_csv(tmp_path / "shorter.csv", index=False)
    frame.assign(va34=frame.va34.replace({frame.va34[0]: "Other"})).to_csv(
        tmp_path / "causes.csv", index=False
    )
    for changed, reason in (
        ("shorter.csv", "was tuned on other data"),
        ("causes.csv", "was tuned on other causes"),
    ):
        code, _, err = run(
            SCRIPT,
            "--data-path",
            str(tmp_path / changed),
            "--output-dir",
            str(tmp_path / "o"),
            *arguments,
        )
        assert (code, reason in err) == (2, True), err
    (s3.root / "compare" / "tuned" / "random_forest" / "best.json").unlink()
    shutil.rmtree(s3.root / "compare" / "tuned" / "random_forest" / "commits")
    code, _, err = run(
        SCRIPT, "--data-path", str(table), "--output-dir", str(tmp_path / "o"), *arguments
    )
    assert (code, "has no model yet: its search has not finished" in err) == (2, True), err
    assert not (tmp_path / "o" / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sites", "Nowhere"), "Nowhere"),
        (("--training-sizes", "0"), "--training-sizes.0: input should be greater than 0"),
        (
            ("--tuning-timeout", "soon", "--tune-hyperparameters"),
            "--tuning-timeout: must be a number with a unit",
        ),
        (("--memory-per-worker", "9000Gi"), "--memory-per-worker: must fit on this machine"),
        (("--tuned-params", "x", "--tune-hyperparameters"), "give one of them"),
        (("--output-dir", "/proc/nowhere"), "/proc/nowhere"),
    ],
)
def test_bad_input(table: Path, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = run(
        SCRIPT, "--data-path", str(table), "--output-dir", str(tmp_path / "o"), *arguments
    )
    assert (code, said in err, "Traceback" in err) == (2, True, False), err


def test_the_tuner_is_a_ray_actor_that_other_pipelines_can_use(tmp_path: Path) -> None:
    script = """
import sys
import numpy as np
import ray
from tuner_job.comparison.tuning import HyperparameterTuner
from tuner_job.config.tuning import HyperparameterSearchConfig

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
config = HyperparameterSearchConfig(search_method="random", n_trials=2, cv_folds=2)
rng = np.random.default_rng(0)
X, y = rng.integers(0, 2, (80, 6)).astype(float), rng.choice(["malaria", "injury"], 80)
tuner = ray.remote(num_cpus=0)(HyperparameterTuner).remote(config, sys.argv[1])
space = {"n_estimators": [5, 10], "max_depth": [2, None]}
choice = ray.get(tuner.tune_model.remote("random_forest", X, y, space))
print(choice.params["n_estimators"], choice.n_trials, len(choice.cv_scores), len(choice.history))
again = ray.get(tuner.tune_model.remote("random_forest", X, y, space))
assert again == choice
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        text=True,
        capture_output=True,
        timeout=840,
        env={**os.environ, "RAY_worker_niceness": "0"},  # else it waits for all other tests
    )
    assert done.returncode == 0, done.stderr
    n_estimators, n_trials, n_folds, n_history = map(int, done.stdout.split()[-4:])
    assert (n_estimators in (5, 10), n_trials, n_folds, n_history) == (True, 2, 2, 2)
