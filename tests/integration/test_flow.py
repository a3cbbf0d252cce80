"""The Prefect flow, against the server that Prefect starts for it."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tuner_job.data import DataConfig, load_dataset
from tuner_job.results.store import read_bytes

STATES = """
import sys
from pathlib import Path
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import TaskRunSort
from prefect.testing.utilities import prefect_test_harness
from tuner_job.comparison.flow import tune_compare_report

with prefect_test_harness(server_startup_timeout=200):
    state = tune_compare_report(Path(sys.argv[1]), sys.argv[2], sys.argv[3:], n_workers=2, return_state=True)
    with get_client(sync_client=True) as client:
        for run in sorted(client.read_task_runs(), key=lambda run: run.start_time):
            print("RUN", run.name.rsplit("-", 1)[0], run.state.type.value, run.run_count)
    print("FLOW", state.type.value)
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    size = {"n_samples": 200, "n_causes": 4, "n_symptoms": 12, "n_sites": 2}
    data = load_dataset(
        DataConfig.model_validate({"format": "synthetic", "synthetic": size}), read_bytes
    )
    table = pd.DataFrame(data.X, columns=[feature.name for feature in data.features])
    table["site"] = [data.sites[i] for i in data.site]
    table["va34"] = [data.causes[i] for i in data.y]
    table.to_csv(tmp_path / "table.csv", index=False)
    content = {
        "name": "flow",
        "data": {"source": "table.csv", "label": "va34", "site": "site"},
        "models": ["random_forest"],
        "tuning": {"search_method": "random", "n_trials": 2, "cv_folds": 2,
                   "search_spaces": {"random_forest": {"n_estimators": [5, 10]}}},
        "results": str(tmp_path / "results"),
    }  # fmt: skip
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def flow(experiment: Path, output: Path, *arguments: str) -> str:
    quiet = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }  # nothing leaves this machine
    environment = {**os.environ, **quiet, "PREFECT_HOME": str(output.parent / "prefect")}
    command = [sys.executable, "-c", STATES, str(experiment), str(output), *arguments]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=240)
    assert "FLOW" in done.stdout, done.stderr
    return done.stdout


def test_each_step_is_a_task_whose_state_the_server_knows(experiment: Path, tmp_path: Path) -> None:
    said = flow(experiment, tmp_path / "comparison", "--models", "random_forest", "--no-plots")
    assert [line for line in said.splitlines() if line.startswith(("RUN", "FLOW"))] == [
        "RUN tune COMPLETED 1",
        "RUN compare COMPLETED 1",
        "RUN report COMPLETED 1",
        "FLOW COMPLETED",
    ]
    full = pd.read_csv(tmp_path / "comparison" / "full_results.csv")
    assert full.tuned.sum() > 0
    assert (tmp_path / "results" / "flow" / "report.html").exists()


def test_what_is_wrong_is_not_tried_again(experiment: Path, tmp_path: Path) -> None:
    said = flow(
        experiment, tmp_path / "comparison", "--models", "random_forest", "--sites", "Nowhere"
    )
    assert "RUN compare FAILED 1" in said
    assert "FLOW FAILED" in said


def test_no_argument_with_a_secret_is_given_to_prefect(experiment: Path) -> None:
    address = "https://me:h1dd3n@host.org/x.csv?sig=h1dd3n"
    command = [
        sys.executable,
        "-m",
        "tuner_job.comparison.flow",
        str(experiment),
        "--output-dir",
        "out",
    ]
    done = subprocess.run(
        [*command, "--data-path", address], text=True, capture_output=True, timeout=240
    )
    assert done.returncode == 2
    assert done.stderr.startswith("va-tuning: no argument may hold a password")
    assert "h1dd3n" not in done.stdout + done.stderr
