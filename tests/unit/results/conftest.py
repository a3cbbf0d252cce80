"""An experiment as version 0.1.0 stored it, copied so that a test may damage it."""

import shutil
from pathlib import Path

import pytest

from tuner_job.results.experiment_store import ExperimentStore, open_experiment

STORED = Path(__file__).parents[2] / "stored"


@pytest.fixture
def finished(tmp_path: Path) -> ExperimentStore:
    shutil.copytree(STORED / "0.1.0" / "finished", tmp_path / "results" / "stored")
    return open_experiment(str(tmp_path / "results" / "stored"))
