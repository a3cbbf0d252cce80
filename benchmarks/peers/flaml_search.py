"""FLAML's AutoML on the problem in a folder: ``python -m benchmarks.peers.flaml_search FOLDER``.

Runs in the environment that ``benchmarks/requirements.lock`` describes.
"""

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.problem import Problem, is_integer

LEARNER = "xgb_limitdepth"
FIXED = {"min_child_weight": 1.0, "colsample_bylevel": 1.0, "reg_alpha": 0.0}
"""What FLAML would tune besides, at XGBoost's defaults."""


def search(problem: Problem) -> None:
    """Let AutoML search the same space on the same folds by the same metric; each fit has all
    cores."""
    from flaml import AutoML
    from sklearn.model_selection import PredefinedSplit

    def metric(
        X: Any,
        y: Any,
        model: Any,
        _labels: Any,
        _X: Any,
        _y: Any,
        _w: Any,
        _v: Any,
        config: Any,
        *_rest: Any,
    ) -> tuple[float, dict[str, Any]]:
        score = problem.judge.score(y, model.predict(X))
        problem.judge.log({name: config[name] for name in problem.space}, score, None)
        return 1 - score, {"score": score}

    domains = {name: {"domain": _domain(parameter)} for name, parameter in problem.space.items()}
    domains["n_estimators"]["low_cost_init_value"] = problem.space["n_estimators"]["low"]
    domains |= {name: {"domain": value} for name, value in FIXED.items()}
    AutoML().fit(
        X_train=problem.X,
        y_train=problem.y,
        task="classification",
        metric=metric,
        time_budget=problem.seconds,
        estimator_list=[LEARNER],
        custom_hp={LEARNER: domains},
        eval_method="cv",
        split_type=PredefinedSplit(problem.folds),
        n_jobs=problem.cores,
        seed=problem.seed,
        retrain_full=False,
        verbose=0,
    )


def _domain(parameter: Mapping[str, Any]) -> Any:
    from flaml import tune

    low, high = parameter["low"], parameter["high"]
    if is_integer(parameter):
        return tune.randint(low, high + 1)
    return tune.loguniform(low, high) if parameter.get("log") else tune.uniform(low, high)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    search(Problem.load(Path(sys.argv[1])))
