"""Experiments as earlier versions stored them, copied so that a test may damage them."""

import shutil
from pathlib import Path

import pytest

from tuner_job.results.experiment_store import ExperimentStore, open_experiment

STORED = Path(__file__).parents[2] / "stored"


VERSIONS = sorted(path.name for path in STORED.iterdir() if path.is_dir())


@pytest.fixture(params=VERSIONS)
def of_version(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, ExperimentStore]:
    """What is kept of a version, and a copy of its finished experiment."""
    kept = STORED / request.param
    shutil.copytree(kept / "finished", tmp_path / "results" / "stored")
    return kept, open_experiment(str(tmp_path / "results" / "stored"))


@pytest.fixture
def finished(tmp_path: Path) -> ExperimentStore:
    shutil.copytree(STORED / "0.1.0" / "finished", tmp_path / "results" / "stored")
    return open_experiment(str(tmp_path / "results" / "stored"))
