"""The Prefect flow, against the server that Prefect starts for it."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.integration.experiments import run
from tests.integration.tables import synthetic_table

PREFECT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # nothing leaves this machine
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "400",  # 20 are few on a busy one
}
STATES = """
import sys
from pathlib import Path
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import TaskRunSort
from prefect.testing.utilities import prefect_test_harness
from tuner_job.comparison.flow import tune_compare_report

with prefect_test_harness(server_startup_timeout=400):
    state = tune_compare_report(Path(sys.argv[1]), sys.argv[2], n_workers=2, return_state=True)
    with get_client(sync_client=True) as client:
        for run in sorted(client.read_task_runs(), key=lambda run: run.start_time):
            print("RUN", run.name.rsplit("-", 1)[0], run.state.type.value, run.run_count)
    print("FLOW", state.type.value)
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    table = synthetic_table("cause", n_samples=200, n_causes=4, n_symptoms=12, n_sites=2)
    table.to_csv(tmp_path / "table.csv", index=False)
    content = {
        "name": "flow",
        "data": {"source": "table.csv", "label": "cause", "site": "site"},
        "models": ["random_forest"],
        "tuning": {"search_method": "random", "n_trials": 2, "cv_folds": 2,
                   "search_spaces": {"random_forest": {"n_estimators": [5, 10]}}},
        "results": str(tmp_path / "results"),
    }  # fmt: skip
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def flow(experiment: Path, output: Path, **comparison: object) -> str:
    content = yaml.safe_load(experiment.read_text()) | {"comparison": comparison}
    experiment.write_text(yaml.safe_dump(content))
    environment = {**os.environ, **PREFECT, "PREFECT_HOME": str(output.parent / "prefect")}
    command = [sys.executable, "-c", STATES, str(experiment), str(output)]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=850)
    assert "FLOW" in done.stdout, done.stderr
    return done.stdout


def test_each_step_is_a_task_whose_state_the_server_knows(experiment: Path, tmp_path: Path) -> None:
    said = flow(experiment, tmp_path / "comparison", experiments=["in_domain"], tune=True)
    assert [line for line in said.splitlines() if line.startswith(("RUN", "FLOW"))] == [
        "RUN tune COMPLETED 1",
        "RUN compare COMPLETED 1",
        "RUN report COMPLETED 1",
        "FLOW COMPLETED",
    ]
    full = pd.read_csv(tmp_path / "comparison" / "full_results.csv")
    assert full.tuned.sum() > 0
    assert (tmp_path / "results" / "flow" / "report.html").exists()


@pytest.mark.long
def test_what_is_wrong_is_not_tried_again(experiment: Path, tmp_path: Path) -> None:
    folds = {"experiments": ["cross_validation"], "outer_folds": 500}
    said = flow(experiment, tmp_path / "comparison", **folds)
    assert "RUN compare FAILED 1" in said
    assert "FLOW FAILED" in said


def test_no_argument_with_a_secret_is_given_to_prefect(experiment: Path) -> None:
    code, out, err = run("flow", experiment, "--output", "https://me:h1dd3n@host.org/x?sig=h1dd3n")
    assert code == 2
    assert err.startswith("va-tuning: --output: must be a folder, or begin with s3://")
    assert "h1dd3n" not in out + err


@pytest.mark.long
def test_the_command_says_where_the_reports_are(experiment: Path, tmp_path: Path) -> None:
    content = yaml.safe_load(experiment.read_text())
    content["comparison"] = {"experiments": ["cross_validation"], "outer_folds": 2}
    experiment.write_text(yaml.safe_dump(content))
    environment = {**PREFECT, "PREFECT_HOME": str(tmp_path / "prefect")}
    output = tmp_path / "comparison"
    code, out, err = run("flow", experiment, "--output", str(output), environment=environment)
    assert code == 0, err
    assert f"{tmp_path}/results/flow/report.html\n{output}/report.html\n" in out
