"""The same grid by `va-tuning tune` and by scikit-learn's GridSearchCV: equal scores, less time.

Both run on the same rows, folds, metric and seed with two processes; times are of whole commands,
each starting its own workers. Usage: python -m benchmarks.same_answer [--quick | --large]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from xgboost import XGBClassifier

from tuner_job.config.load import load_experiment
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.problem import prepare
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.store import Store

N_PROCESSES = 2
PATH = [25, 50, 75, 100]
GRIDS: dict[str, dict[str, list[Any]]] = {
    "random_forest": {
        "n_estimators": PATH,
        "max_depth": [None, 20, 10, 5, 3],
        "min_samples_leaf": [1, 2, 5, 20],
        "max_features": ["log2", "sqrt", 0.3, 0.8],
    },
    "xgboost": {
        "n_estimators": PATH,
        "max_depth": [2, 4, 6],
        "learning_rate": [0.01, 0.03, 0.1, 0.3, 1.0],
        "colsample_bytree": [0.5, 1.0],
        "reg_lambda": [1.0, 10.0],
    },
}
CLASSIFIERS: dict[str, Callable[..., Any]] = {
    "random_forest": lambda seed: RandomForestClassifier(random_state=seed, n_jobs=1),
    "xgboost": lambda seed: XGBClassifier(random_state=seed, n_jobs=1),
}


def experiment(model: str, data: dict[str, Any], early_stopping: str, folder: Path) -> Path:
    """Write the experiment file of one run."""
    content = {
        "name": f"{model.replace('_', '-')}-{early_stopping}",
        "data": data,
        "models": [model],
        "validation": {"scheme": "stratified", "csmf_estimators": ["count"]},  # what peers score by
        "tuning": {
            "search_method": "grid",
            "cv_folds": 5,
            "lag": 2 * N_PROCESSES,
            "early_stopping": early_stopping,
            "search_spaces": {model: GRIDS[model]},
        },
        "results": str(folder / "results"),
    }
    path = folder / f"{content['name']}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def run_ours(path: Path) -> tuple[float, list[Any]]:
    """Run the command; return its seconds and the trials."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "tuner_job", "tune", str(path), "--workers", str(N_PROCESSES)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    config = load_experiment(path)
    trials = ExperimentStore(Store(config.results), config.name).load_trials(config.models[0])
    return seconds, [trial for trial in trials if trial.trial >= 0]


def csmf_scorer(n_classes: int) -> Callable[[Any, Any, Any], float]:
    """CSMF accuracy as a scikit-learn scorer."""

    def scorer(estimator: Any, X: Any, y: Any) -> float:
        predicted = estimator.predict(X).astype(np.int64)
        return float(csmf_accuracy_of(csmf(y, n_classes), csmf(predicted, n_classes)))

    return scorer


def run_grid_search(path: Path, model: str) -> tuple[float, GridSearchCV]:
    """Run GridSearchCV on the rows and folds of an experiment file; return its seconds and
    itself."""
    config = load_experiment(path)
    prepared = prepare(config)
    data, folds = prepared.dataset, prepared.folds
    splits = [
        (np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(prepared.n_folds)
    ]
    search = GridSearchCV(
        CLASSIFIERS[model](config.seed),
        GRIDS[model],
        scoring=csmf_scorer(data.n_causes),
        cv=splits,
        n_jobs=N_PROCESSES,
        refit=False,
    )
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(data.X, data.y)
    return time.perf_counter() - started, search


def compare(model: str, data: dict[str, Any]) -> dict[str, Any]:
    """Run all three; return one row of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every, trials = run_ours(experiment(model, data, "none", folder))
        stopped, stopped_trials = run_ours(experiment(model, data, "paired", folder))
        theirs, search = run_grid_search(folder / f"{model.replace('_', '-')}-none.yaml", model)
    scores = {_key(t.params): t.scores["csmf_accuracy"] for t in trials}
    results = search.cv_results_
    expected = {
        _key(p): s for p, s in zip(results["params"], results["mean_test_score"], strict=True)
    }
    best = max(scores.values())
    complete = [t for t in stopped_trials if t.state == "complete"]
    winner = max(complete, key=lambda t: t.scores["csmf_accuracy"])
    return {
        "model": model,
        "configurations": len(scores),
        "largest_difference": max(abs(scores[k] - expected[k]) for k in expected),
        "grid_search_seconds": round(theirs, 1),
        "ours_all_scored": round(every / theirs, 3),
        "ours_early_stopping": round(stopped / theirs, 3),
        "stopped_early": len(stopped_trials) - len(complete),
        "same_winner": winner.scores["csmf_accuracy"] == best,
    }


def _key(params: dict[str, Any]) -> str:
    return json.dumps(params, sort_keys=True, default=float)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="the size of PHMRC's adult data")
    parser.add_argument(
        "--quick", action="store_true", help="a part of each grid, to see that it works"
    )
    chosen = parser.parse_args()
    size = {"n_samples": 7800, "n_causes": 34, "n_symptoms": 160, "n_sites": 6}
    if not chosen.large:
        size = {"n_samples": 3000, "n_causes": 20, "n_symptoms": 100, "n_sites": 4}
    if chosen.quick:
        GRIDS["random_forest"] |= {"min_samples_leaf": [1, 16], "max_features": ["sqrt"]}
        GRIDS["xgboost"] |= {"max_depth": [2], "colsample_bytree": [0.5]}
    for i, model in enumerate(GRIDS):
        row = compare(model, {"format": "synthetic", "synthetic": size})
        if i == 0:
            print("| " + " | ".join(row) + " |\n|" + "---|" * len(row))
        print("| " + " | ".join(str(value) for value in row.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
