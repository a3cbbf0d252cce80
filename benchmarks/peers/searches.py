"""The peers that the project's environment has, as people write them today.

``python -m benchmarks.peers.searches NAME FOLDER`` runs one on the problem in a folder.
"""

import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, product
from pathlib import Path
from typing import Any

from benchmarks.peers.problem import Problem, is_integer


def grid_search_cv(problem: Problem) -> None:
    """Search the grid with scikit-learn, one process a core."""
    from sklearn.model_selection import GridSearchCV

    default = {name: [value] for name, value in problem.default.items()}
    GridSearchCV(
        problem.classifier({}),
        [dict(problem.space), *([default] if default else [])],
        scoring=problem.judge,
        cv=problem.splits,
        n_jobs=problem.cores,
        refit=problem.seconds is None,
    ).fit(problem.X, problem.y)


def halving_random_search_cv(problem: Problem) -> None:
    """Halve random configurations, boosting rounds being the resource; again with another seed
    until the time is up."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV

    rounds = problem.space["n_estimators"]
    others = {
        name: _scipy(parameter)
        for name, parameter in problem.space.items()
        if name != "n_estimators"
    }
    started = time.monotonic()
    for repeat in count():
        if time.monotonic() - started > (problem.seconds or 0.0):
            return
        HalvingRandomSearchCV(
            problem.classifier({}),
            others,
            resource="n_estimators",
            min_resources=max(1, rounds["high"] // 9),
            max_resources=rounds["high"],
            factor=3,
            scoring=problem.judge,
            cv=problem.splits,
            n_jobs=problem.cores,
            refit=False,
            return_train_score=False,
            random_state=1000 * problem.seed + repeat,
        ).fit(problem.X, problem.y)


def optuna_alone(problem: Problem) -> None:
    """Optimise with Optuna's defaults in one thread a core; with a budget, its default pruner
    looks at each fold."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        params = {
            name: _suggest(trial, name, parameter) for name, parameter in problem.space.items()
        }
        total = 0.0
        for fold in range(problem.n_folds):
            total += problem.score_fold(params, fold)
            trial.report(total / (fold + 1), fold)
            if problem.seconds and trial.should_prune():
                raise optuna.TrialPruned
        return total / problem.n_folds

    sampler: optuna.samplers.BaseSampler = optuna.samplers.TPESampler(seed=problem.seed)
    if not problem.seconds:
        sampler = optuna.samplers.GridSampler(dict(problem.space))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    if problem.default:
        with ThreadPoolExecutor(problem.cores) as threads:
            list(threads.map(partial(problem.score_fold, problem.default), range(problem.n_folds)))
    study.optimize(objective, n_jobs=problem.cores, timeout=problem.seconds)
    if not problem.seconds:
        problem.refit(study.best_params)


def ray_tune(problem: Problem) -> None:
    """Run Ray Tune with a function trainable: OptunaSearch until the time is up, or the whole
    grid."""
    import ray
    from ray import tune

    def trainable(config: dict[str, Any], problem: Problem) -> None:
        params = config.get("of the grid", config)
        scores = [problem.score_fold(params, fold) for fold in range(problem.n_folds)]
        tune.report({"score": sum(scores) / len(scores)})

    os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    ray.init(
        num_cpus=problem.cores, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
    )
    timed: dict[str, Any] = {"num_samples": 1}
    if not problem.seconds:
        grid = [
            dict(zip(problem.space, one, strict=True)) for one in product(*problem.space.values())
        ]
        default = [problem.default] if problem.default else []
        space = {"of the grid": tune.grid_search([*default, *grid])}
    else:
        from ray.tune.search.optuna import OptunaSearch

        space = {name: _ray(parameter) for name, parameter in problem.space.items()}
        timed = {
            "num_samples": -1,
            "time_budget_s": problem.seconds,
            "search_alg": OptunaSearch(seed=problem.seed),
            "max_concurrent_trials": problem.cores,
        }
    with_data = tune.with_parameters(trainable, problem=problem)
    found = tune.Tuner(
        tune.with_resources(with_data, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(metric="score", mode="max", **timed),
        run_config=tune.RunConfig(storage_path=str(problem.folder / "ray"), verbose=0),
    ).fit()
    if not problem.seconds:
        problem.refit(found.get_best_result().config["of the grid"])


def _suggest(trial: Any, name: str, parameter: Any) -> Any:
    if isinstance(parameter, list):
        return trial.suggest_categorical(name, parameter)
    if is_integer(parameter):
        return trial.suggest_int(name, parameter["low"], parameter["high"])
    return trial.suggest_float(
        name, parameter["low"], parameter["high"], log=parameter.get("log", False)
    )


def _scipy(parameter: Mapping[str, Any]) -> Any:
    from scipy import stats

    low, high = parameter["low"], parameter["high"]
    if is_integer(parameter):
        return stats.randint(low, high + 1)
    return stats.loguniform(low, high) if parameter.get("log") else stats.uniform(low, high - low)


def _ray(parameter: Mapping[str, Any]) -> Any:
    from ray import tune

    low, high = parameter["low"], parameter["high"]
    if is_integer(parameter):
        return tune.randint(low, high + 1)
    return tune.loguniform(low, high) if parameter.get("log") else tune.uniform(low, high)


SEARCHES: dict[str, Callable[[Problem], None]] = {
    "GridSearchCV": grid_search_cv,
    "HalvingRandomSearchCV": halving_random_search_cv,
    "Optuna": optuna_alone,
    "Ray Tune": ray_tune,
}


def main() -> None:
    """Run one search."""
    name, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    SEARCHES[name](Problem.load(Path(folder)))


if __name__ == "__main__":
    main()
