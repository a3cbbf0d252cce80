"""Searches on Ray Tune take what a cluster adds that grows on demand, through the command line."""

import signal
from pathlib import Path

import pytest

from tests.integration.experiments import kill_when, start, write
from tests.integration.growing_cluster import growing_cluster
from tuner_job.results.experiment_store import open_experiment

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

ENDLESS = {
    "search_method": "asha",
    "n_trials": 100_000,
    # the untuned default, which comes first, has so few fits at once: what more is asked for, asha
    # asks for
    "cv_folds": 2,
    "search_spaces": {
        "xgboost": {
            "n_estimators": [3000],
            "learning_rate": {"low": 0.02, "high": 0.5, "log": True},
        }
    },
}


@pytest.mark.parametrize(("smallest", "cpus"), [(1, 1), (0, 2)])
def test_asha_takes_the_workers_that_an_autoscaling_cluster_adds(
    tmp_path: Path, smallest: int, cpus: int
) -> None:
    results = tmp_path / "results"
    path = write(tmp_path, tuning=ENDLESS, models=["xgboost"], budget={"cpus_per_trial": cpus})
    with growing_cluster(tmp_path, smallest, largest=4, cpus=cpus) as cluster:
        assert cluster.n_workers == smallest
        process = start("tune", path, "--results", str(results), environment=cluster.environment)
        kill_when(process, lambda: cluster.n_training == 4, signal.SIGINT)
        assert process.returncode == 130
    records = open_experiment(str(results)).load_trials("xgboost")
    assert {record.state for record in records} <= {"complete", "pruned"}
