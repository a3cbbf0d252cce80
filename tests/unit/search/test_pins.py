"""The trials of every method and family, pinned.

Same file, same seed, same trials: also after an upgrade. A change that moves a pin orphans searches
that people have begun; it must say which trials it moves and why, and `experiment/run.py` must
refuse to go on with those of the version before.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.unit.search.simulation import outcome
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import ModelName
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution.fold_task import SharedData, score_fold
from tuner_job.models import FAMILIES
from tuner_job.search.early_stopping import NeverStop
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers import make_sampler, make_stopping_rule
from tuner_job.search.samplers.grid import GridSampler
from tuner_job.search.samplers.perturb import perturb
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldTask
from tuner_job.search_space import Configuration, ModelSearchSpace

METHODS: dict[str, dict[str, Any]] = {
    "grid": {"search_method": "grid"},
    "random": {"search_method": "random"},
    "bayesian": {"search_method": "bayesian"},
    "qmc": {"search_method": "optuna", "sampler": "qmc"},
    "nsgaii": {"search_method": "optuna", "sampler": "nsgaii"},
    "random of optuna": {"search_method": "optuna", "sampler": "random"},
    "median": {"search_method": "optuna", "early_stopping": "median"},
    "wilcoxon": {"search_method": "optuna", "early_stopping": {"rule": "wilcoxon", "level": 0.1}},
    "asha": {"search_method": "asha"},
    "pbt": {"search_method": "pbt"},
}
N_TRIALS = 60
SEARCHES: dict[str, str] = {
    "grid xgboost": "6a08df7f414a",
    "grid random_forest": "1fef5e3127e8",
    "grid logistic_regression": "758c6743ff43",
    "grid naive_bayes": "b12465abbeb9",
    "random xgboost": "a9c21046df11",
    "random random_forest": "f0cea5e452e5",
    "random logistic_regression": "cd605f777a08",
    "random naive_bayes": "12d0438448f5",
    "bayesian xgboost": "b9e9fbccd6ef",
    "bayesian random_forest": "e0f69d5fb7ce",
    "bayesian logistic_regression": "171e6420ee00",
    "bayesian naive_bayes": "94919b84d592",
    "qmc xgboost": "2f744370df97",
    "qmc random_forest": "722807481ebe",
    "qmc logistic_regression": "31c006e9a1ca",
    "qmc naive_bayes": "fb764400afef",
    "nsgaii xgboost": "b19abede5ec7",
    "nsgaii random_forest": "258b70bb30e8",
    "nsgaii logistic_regression": "fc2059d7f1f4",
    "nsgaii naive_bayes": "53511b785581",
    "random of optuna xgboost": "b19abede5ec7",
    "random of optuna random_forest": "258b70bb30e8",
    "random of optuna logistic_regression": "fc2059d7f1f4",
    "random of optuna naive_bayes": "53511b785581",
    "median xgboost": "2bac451cccb7",
    "median random_forest": "96f29232cb19",
    "median logistic_regression": "0228fff587cb",
    "median naive_bayes": "e57584702481",
    "wilcoxon xgboost": "dbf4444d9f06",
    "wilcoxon random_forest": "36fbad5b22ad",
    "wilcoxon logistic_regression": "0c07665a9e73",
    "wilcoxon naive_bayes": "b6478b720491",
    "asha xgboost": "0baa5f97f718",
    "asha random_forest": "bcb11f865321",
    "asha logistic_regression": "d86d6940bcf6",
    "asha naive_bayes": "e0ea891245ab",
    "pbt xgboost": "03eca7f5858d",
}


def experiment(method: str, model: ModelName) -> ExperimentConfig:
    """A search of a model's default space."""
    content = {"name": "pinned", "data": {"format": "synthetic"}, "models": [model]}
    return ExperimentConfig.model_validate({**content, "tuning": METHODS[method]})


def score(params: Configuration, fold: int) -> float:
    """A formula of what stands in the record, so that machines agree."""
    digest = hashlib.sha256(repr(sorted(params.items())).encode()).digest()
    return 0.6 + digest[0] / 1000 + digest[1 + fold] / 10_000


def trials(method: str, model: ModelName) -> Iterator[tuple[object, ...]]:
    """Search with scores by a formula; yield what decides each trial."""
    config, family = experiment(method, model), FAMILIES[model]
    path = family.path_parameter
    sampler = make_sampler(config.tuning, config.space(model), path, config.seed)
    rule = make_stopping_rule(config.tuning, config.tuning.cv_folds, 1)
    study = Study(
        StudyPlan(
            name=model,
            model=model,
            objectives=["csmf_accuracy"],
            path=path,
            n_folds=config.tuning.cv_folds,
            lag=config.tuning.lag,
            max_trials=N_TRIALS,
            nested=family.path_is_nested,
        ),
        sampler,
        rule,
    )
    while task := study.next_task():
        assert isinstance(task, FoldTask)
        asked = [_at(task, path, position) for position in task.wanted]
        study.record(task, [outcome(score(params, task.fold), task.fold) for params in asked])
    for trial in study.trials:
        folds = [round(one, 6) for (one,) in trial.fold_scores]
        yield trial.number, trial.batch, sorted(trial.params.items()), trial.state, folds
    if method == "pbt":
        rng = np.random.default_rng(1)
        for trial in study.trials[:10]:
            yield tuple(perturb(trial.params, config.space(model), family.mutable, rng).items())


def _at(task: FoldTask, path: str | None, position: int) -> Configuration:
    """The configuration that a fit goes through at a position of its path."""
    return {**task.params, str(path): task.values[position]} if task.values else task.params


CASES = [
    (method, model)
    for method in METHODS
    for model in FAMILIES
    if method != "pbt" or FAMILIES[model].mutable
]


@pytest.mark.parametrize(("method", "model"), CASES)
def test_the_trials_of_a_search_are_those_pinned(method: str, model: Any) -> None:
    content = "\n".join(map(repr, trials(method, model)))
    assert hashlib.sha256(content.encode()).hexdigest()[:12] == SEARCHES[f"{method} {model}"]


SPACES: dict[str, dict[str, list[Any]]] = {
    "xgboost": {"n_estimators": [3, 6], "max_depth": [2, 3]},
    "random_forest": {"n_estimators": [5, 10], "max_depth": [2, None]},
    "logistic_regression": {"C": [0.1, 1.0], "penalty": ["l1", "l2"]},
    "naive_bayes": {"power": [0.5, 1.0], "smoothing": [1, 10]},
}
FITS: dict[str, list[float]] = {
    "xgboost": [0.733024, 0.747198, 0.735881, 0.751602],
    "random_forest": [0.737562, 0.739477, 0.760146, 0.753572],
    "logistic_regression": [0.72595, 0.776317, 0.76701, 0.776832],
    "naive_bayes": [0.755877, 0.775991, 0.738868, 0.762645],
}


def fitted(model: str) -> list[float]:
    """Mean CSMF accuracy of each configuration of a small grid, fitted on deaths by a formula."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 150).astype(np.int32)
    X = (rng.random((150, 12)) < 0.2 + 0.15 * ((np.arange(12) + y[:, None]) % 4)).astype(np.float32)
    folds = np.arange(150, dtype=np.int32) % 3
    protocol = ScoringProtocol("dirichlet", 20)
    data = SharedData("pins", X, y, folds, 4, 5, protocol, ("mean",), ("csmf_accuracy",))
    family = FAMILIES[model]
    space = ModelSearchSpace.model_validate(SPACES[model]).bind(family.Parameters)
    study = Study(
        StudyPlan(
            name=model,
            model=model,
            objectives=["csmf_accuracy"],
            path=family.path_parameter,
            n_folds=3,
            lag=8,
            max_trials=None,
        ),
        GridSampler(space, family.path_parameter, 1),
        NeverStop(),
    )
    while task := study.next_task():
        assert isinstance(task, FoldTask)
        scored = score_fold(data, model, task)
        values = [one.record.validation["csmf_accuracy"] for one in scored]
        study.record(task, [outcome(value, task.fold) for value in values])
    return [trial.scores[0] for trial in study.trials]


@pytest.mark.parametrize("model", FAMILIES)
def test_fits_score_what_is_pinned(model: str) -> None:
    assert fitted(model) == pytest.approx(FITS[model], abs=1e-5)
