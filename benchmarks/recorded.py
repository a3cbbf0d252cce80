"""Grids that are fitted exhaustively once, so that searches can be replayed on what was recorded.

What a search does is a pure function of fold scores. A replay is driven by the same `Study` as a
real search, one task at a time and only where needed; a fit that is cut short along its path is
counted up to its last value, by its trees. Seconds are processor seconds, which other work on the
machine changes little.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.execution.fold_task import SharedData, score_fold, score_point
from tuner_job.models import FAMILIES
from tuner_job.models.base import PathPoint
from tuner_job.problem import prepare
from tuner_job.records import FoldRecord
from tuner_job.search.samplers.batches import batches_along
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldOutcome, FoldTask
from tuner_job.search_space import Configuration, ModelSearchSpace, SearchSpace

METRIC, N_FOLDS, PATH = "csmf_accuracy", 5, "n_estimators"
SYNTHETIC = {"n_samples": 600, "n_causes": 8, "n_symptoms": 30}
GRIDS: dict[str, dict[str, list[Any]]] = {
    "xgboost": {
        "n_estimators": [3, 6, 12],
        "max_depth": [2, 4, 6],
        "learning_rate": [0.03, 0.1, 0.3, 1.0],
        "colsample_bytree": [0.5, 1.0],
    },
    "random_forest": {
        "n_estimators": [4, 8, 16],
        "max_depth": [None, 8, 4],
        "min_samples_leaf": [1, 3, 8],
        "max_features": ["sqrt", 0.5],
    },
}


@dataclass(frozen=True)
class Recorded:
    """A grid fitted exhaustively.

    Attributes
    ----------
    batches
        Configurations that share a fit, each batch along its path.
    scores, seconds
        (n_batches, n_values, n_folds): the fold scores, and what this value added to the fits.
    scoring
        Seconds that scoring one value on one fold takes.
    """

    model: str
    batches: list[list[Configuration]]
    scores: NDArray[np.float64]
    seconds: NDArray[np.float64]
    scoring: float

    @property
    def best(self) -> float:
        """The exhaustive winner's score."""
        return float(self.scores.mean(axis=2).max())

    def run(self, study: Study, order: NDArray[np.intp], folds: NDArray[np.intp]) -> float:
        """Replay a search whose b-th batch is `order[b]` and whose f-th fold is `folds[f]`;
        return its fit seconds."""
        seconds = 0.0
        while task := study.next_task():
            assert isinstance(task, FoldTask)
            seconds += self.tell(study, task, int(order[task.batch]), int(folds[task.fold]))
        return seconds

    def tell(self, study: Study, task: FoldTask, batch: int, fold: int) -> float:
        """Answer one task from the records; return the seconds of its fit."""
        values = [configuration[PATH] for configuration in self.batches[batch]]
        places = [values.index(task.values[position]) for position in task.wanted]
        study.record(
            task, [_outcome(float(self.scores[batch, place, fold]), task.fold) for place in places]
        )
        return float(self.seconds[batch, : max(places) + 1, fold].sum())


def recorded(model: str, seed: int, folder: Path, data: dict[str, Any] | None = None) -> Recorded:
    """Fit a grid, or read what was recorded of it.

    Parameters
    ----------
    data
        The experiment file's `data`; None: synthetic deaths of this seed.
    """
    file = folder / f"{model}-{seed}.json"
    if not file.exists():
        folder.mkdir(exist_ok=True, parents=True)
        made = _fit_grid(model, _shared(model, seed, data))
        file.write_text(json.dumps(made))
    content = json.loads(file.read_text())
    scores, seconds = (np.array(content[name]) for name in ("scores", "seconds"))
    return Recorded(model, _batches(model), scores, seconds, content["scoring"])


def print_row(row: Mapping[str, Any], heading: bool) -> None:
    """Print a row of a Markdown table, before the first one its heading."""
    if heading:
        print("| " + " | ".join(row) + " |\n|" + "---|" * len(row))
    print("| " + " | ".join(str(value) for value in row.values()) + " |", flush=True)


def space(model: str) -> SearchSpace:
    """The grid as a search space."""
    return ModelSearchSpace.model_validate(GRIDS[model]).bind(FAMILIES[model].Parameters)


def _batches(model: str) -> list[list[Configuration]]:
    return batches_along(PATH, space(model).configurations())


def _shared(model: str, seed: int, data: dict[str, Any] | None) -> SharedData:
    """Deaths, folds and test populations of one seed."""
    config = ExperimentConfig.model_validate(
        {
            "name": "recorded",
            "data": data or {"format": "synthetic", "synthetic": {**SYNTHETIC, "seed": seed}},
            "models": [model],
            "tuning": {"cv_folds": N_FOLDS},
            "validation": {"csmf_estimators": ["mean"], "n_draws": 20},
            "seed": seed,
        }
    )
    made = prepare(config)
    rows, key = made.search_data, f"{model} {seed}"
    return SharedData(
        key, rows.X, rows.y, made.folds, rows.n_causes, seed, made.protocol, ("mean",)
    )


def _fit_grid(model: str, data: SharedData) -> dict[str, Any]:
    """Fit every configuration on every fold."""
    scoring = _seconds_of_scoring(data)
    values = tuple(GRIDS[model][PATH])
    trees, places = np.diff(np.array(values, dtype=float), prepend=0.0), tuple(range(len(values)))
    scores, seconds = [], []
    for number, members in enumerate(_batches(model)):
        batch_scores, batch_seconds = [], []
        for fold in range(N_FOLDS):
            begun = time.process_time()
            told, _ = score_fold(
                data, model, FoldTask(number, fold, members[0], values, places, places)
            )
            spent = max(0.0, time.process_time() - begun - scoring * len(values))
            batch_scores.append([one.record.validation[METRIC] for one in told])
            batch_seconds.append((spent * trees / trees.sum()).tolist())
        scores.append(np.array(batch_scores).T.tolist())
        seconds.append(np.array(batch_seconds).T.tolist())
    return {"scores": scores, "seconds": seconds, "scoring": scoring}


def _seconds_of_scoring(data: SharedData, repeats: int = 5) -> float:
    n_rows = int((data.folds == 0).sum())
    P = np.random.default_rng(0).dirichlet(np.ones(data.n_classes), n_rows)
    begun = time.process_time()
    for _ in range(repeats):
        score_point(data, 0, PathPoint(P, P, 0.0), 0.0)
    return (time.process_time() - begun) / repeats


def _outcome(score: float, fold: int) -> FoldOutcome:
    scores = {METRIC: score}
    return FoldOutcome(
        FoldRecord(fold=fold, n_validation=1, validation=scores, train=scores, fit_seconds=0.0)
    )
