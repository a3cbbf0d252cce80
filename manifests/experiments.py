"""The example experiments, one a manifest: what they show and the experiment file of each."""

from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]

DEFAULT_SPACES: Values = {"search_spaces": "/etc/va-tuning/search-spaces"}

GRIDS: Values = {
    "xgboost": {
        "max_depth": [3, 6, 9],
        "learning_rate": [0.05, 0.1, 0.3],
        "n_estimators": [100, 200, 300],
    },
    "random_forest": {
        "n_estimators": [100, 300, 500],
        "max_depth": [None, 20],
        "max_features": ["sqrt", 0.5],
    },
    "logistic_regression": {
        "C": [0.01, 0.1, 1.0, 10.0],
        "penalty": ["l1", "l2"],
        "solver": ["saga"],
    },
}
"""Small enough to be tried in full."""

RANGES: Values = {
    "xgboost": {
        "max_depth": {"low": 3, "high": 12, "step": 1},
        "learning_rate": {"low": 0.01, "high": 0.3, "log": True},
        "n_estimators": [100, 200, 300, 500],
        "subsample": {"low": 0.6, "high": 1.0},
        "colsample_bytree": {"low": 0.6, "high": 1.0},
        "reg_lambda": {"low": 1.0, "high": 10.0, "log": True},
    },
    "random_forest": {
        "n_estimators": [100, 200, 300, 500],
        "min_samples_leaf": {"low": 1, "high": 10, "step": 1},
        "max_features": ["sqrt", "log2", 0.5, 0.8],
    },
    "logistic_regression": {
        "C": {"low": 0.001, "high": 100.0, "log": True},
        "penalty": ["l1", "l2", "elasticnet"],
        "l1_ratio": {"choices": [0.1, 0.5, 0.9], "when": {"penalty": "elasticnet"}},
        "solver": ["saga"],
    },
}
"""What a sampler that learns from earlier trials can use: continuous where the parameter is."""

TITLES = {
    "xgboost": "XGBoost",
    "random_forest": "Random forest",
    "logistic_regression": "Logistic regression",
}

METHODS = {
    "grid": "every point of a small grid",
    "random": "50 points drawn at random",
    "bayesian": "50 points proposed by multivariate TPE",
    "optuna": "50 points proposed by Optuna's sampler, unpromising ones stopped early",
}


@dataclass(frozen=True)
class Example:
    """One manifest: its name, what it shows, its experiment, and how the chart's values differ for it."""

    name: str
    shows: str
    experiment: Values
    own_cluster: bool = False
    values: Values = field(default_factory=dict)
    """Values of the chart under which its RayJob template is filled in."""


def experiment(name: str, models: list[str], tuning: Values, **sections: Any) -> Values:
    """Return an experiment file; synthetic data, so that it runs as it stands."""
    base = {"name": name, "data": {"format": "synthetic"}, "models": models, "tuning": tuning}
    return base | {"seed": 42, "results": "s3://va-results"} | sections


def grid_size(space: Values) -> int:
    """Return the number of points of a grid."""
    size = 1
    for choices in space.values():
        size *= len(choices)
    return size


def search_example(model: str, method: str) -> Example:
    """Return the example of one model and one search method, with a space of its own."""
    space = (RANGES if method in ("bayesian", "optuna") else GRIDS)[model]
    tuning = {
        "search_method": method,
        "n_trials": grid_size(space) if method == "grid" else 50,
        "cv_folds": 5,
        "scoring_metric": "csmf_accuracy",
        "search_spaces": {model: space},
    }
    if method == "random":
        tuning |= DEFAULT_SPACES
    name = f"{model.replace('_', '-')}-{method}"
    return Example(name, f"{TITLES[model]}: {METHODS[method]}", experiment(name, [model], tuning))


def special_examples() -> list[Example]:
    """Return the examples of where and how an experiment may run."""
    random = {"search_method": "random", "n_trials": 20} | DEFAULT_SPACES
    all_models = list(GRIDS)
    external = {
        "store": {
            "url": "s3://my-bucket/va",
            "existingSecret": "my-s3-keys",
            "env": {"AWS_REGION": "eu-west-1"},
            "embedded": {"enabled": False},
        }
    }
    return [
        Example(
            "on-installed-cluster",
            "All models on the installed Ray cluster: starts within seconds",
            experiment("on-installed-cluster", all_models, random),
        ),
        Example(
            "on-own-cluster",
            "All models on a Ray cluster that is made for this experiment and goes with it",
            experiment("on-own-cluster", all_models, random),
            own_cluster=True,
        ),
        Example(
            "leave-one-site-out",
            "Tuned for a site that gave no training data: each fold holds out one site",
            experiment(
                "leave-one-site-out",
                ["xgboost", "random_forest"],
                random,
                validation={"scheme": "leave_one_site_out"},
            ),
        ),
        Example(
            "external-s3",
            "Results in a bucket outside the cluster, with the keys of the Secret my-s3-keys",
            experiment("external-s3", ["xgboost"], random, results="s3://my-bucket/va"),
            own_cluster=True,
            values=external,
        ),
    ]


EXAMPLES = [
    search_example(model, method) for model in GRIDS for method in METHODS
] + special_examples()

COMPARISON_NAME = "comparison"
COMPARISON = [
    "va-tuning", "compare",
    "--data-path", "s3://va-results/data/deaths.csv",
    "--tuned-params", "s3://va-results/on-installed-cluster",
    "--output-dir", "s3://va-results/comparison",
    "--resume",
]  # fmt: skip
COMPARISON_HEADER = """\
# A comparison of models across sites, untuned and with the parameters that an experiment of this cluster has tuned
#
# Needs the chart installed as release va-tuning in the same namespace, data with sites in the store, and an experiment
# that was tuned on them: name both in `entrypoint` and in `args`. Interrupted, it goes on from what has finished. Then:
#   kubectl --namespace NAMESPACE apply --filename manifests/comparison.yaml
#   kubectl --namespace NAMESPACE get rayjob comparison --watch
"""
