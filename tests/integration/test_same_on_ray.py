"""Whatever runs the fits, trials and models have the same bytes."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.experiments import ON_RAY, trials_table, tune, write

pytestmark = pytest.mark.timeout(1500)

SPACES: dict[str, Any] = {
    "random_forest": {"n_estimators": [5, 10], "max_depth": [None, 4]},
    "xgboost": {"n_estimators": [5, 10], "learning_rate": [0.1, 0.3]},
    "logistic_regression": {"C": [0.1, 1.0], "penalty": ["l2"], "solver": ["saga"]},
    "naive_bayes": {"power": [0.5, 1.0]},
}
DATA = {
    "format": "synthetic",
    "synthetic": {"n_samples": 200, "n_causes": 4, "n_symptoms": 15, "n_sites": 2},
}


def experiment(folder: Path, method: str) -> Path:
    tuning: dict[str, Any] = {"search_method": method, "cv_folds": 3, "search_spaces": SPACES}
    if method != "grid":
        tuning |= {"n_trials": 4, "lag": 2}
    validation = {"holdout": 0.2, "n_draws": 20}
    content = {"name": "small", "data": DATA, "models": [*SPACES, "ensemble"]}
    return write(folder, content, tuning=tuning, validation=validation)


def models(results: Path) -> list[str]:
    """Names of stored models are digests of their bytes."""
    return sorted(str(path.relative_to(results)) for path in results.glob("small/*/models/*"))


@pytest.mark.parametrize(
    "method",
    ["bayesian", *(pytest.param(one, marks=pytest.mark.long) for one in ("grid", "random"))],
)
def test_processes_and_ray_give_the_same_bytes(method: str, tmp_path: Path) -> None:
    path = experiment(tmp_path, method)
    one, two, ray = (tmp_path / name for name in ("one", "two", "ray"))
    tune(path, one, "--workers", "1")
    tune(path, two, "--workers", "2")
    tune(path, ray, "--workers", "2", environment=ON_RAY)
    assert trials_table(one) == trials_table(two) == trials_table(ray)
    assert len(models(one)) == len(SPACES) + 1
    assert models(one) == models(two) == models(ray)
