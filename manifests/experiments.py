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
    "naive_bayes": {
        "power": [0.2, 0.4, 1.0],
        "smoothing": [1, 10],
        "share": [0.4, 1.0],
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
    "naive_bayes": {
        "power": {"low": 0.05, "high": 1.0, "log": True},
        "smoothing": {"low": 0.3, "high": 30.0, "log": True},
        "share": {"low": 0.1, "high": 1.0, "log": True},
        "bins": [2, 4, 8],
    },
}
"""What a sampler that learns from earlier trials can use: continuous where the parameter is."""

TITLES = {
    "xgboost": "XGBoost",
    "random_forest": "Random forest",
    "logistic_regression": "Logistic regression",
    "naive_bayes": "Naive Bayes",
}

METHODS = {
    "grid": "every point of a small grid",
    "random": "50 points drawn at random",
    "bayesian": "50 points proposed by multivariate TPE",
    "optuna": "50 points proposed by Optuna's sampler, unpromising ones stopped early",
}


@dataclass(frozen=True)
class Example:
    """One manifest: its name, what it shows, its experiment, and how the chart's values differ for
    it."""

    name: str
    shows: str
    experiment: Values
    own_cluster: bool = False
    values: Values = field(default_factory=dict)
    """Values of the chart under which its RayJob template is filled in."""
    command: str = "tune"
    needs: str = ""
    """What it needs besides the chart, as a clause."""


def experiment(name: str, models: list[str], tuning: Values, **sections: Any) -> Values:
    """Return an experiment file; synthetic data, so that it runs as it stands."""
    base = {"name": name, "data": {"format": "synthetic"}, "models": models}
    searched = {"tuning": tuning} if tuning else {}
    return base | searched | {"seed": 42, "results": "s3://va-results"} | sections


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
            needs=" with the values of an external store",
        ),
        Example(
            "comparison",
            "Models compared across sites, untuned and with what on-installed-cluster has tuned",
            experiment(
                "comparison",
                all_models,
                {},
                comparison={"tuned_params": "s3://va-results/on-installed-cluster"},
            ),
            command="compare",
            needs=", and the finished experiment\n# that comparison.tuned_params names, tuned on "
            "the same data",
        ),
    ]


@dataclass(frozen=True)
class ObjectExample:
    """A manifest of one TuningExperiment: all that it takes where the chart's controller runs."""

    name: str
    shows: str
    spec: Values


OBJECTS = [
    ObjectExample(
        "tuning-experiment",
        "XGBoost on synthetic data as an object of the cluster: 50 points proposed by TPE",
        {
            "experiment": {
                "data": {"format": "synthetic"},
                "models": ["xgboost"],
                "tuning": {"search_method": "bayesian", "n_trials": 50},
            }
        },
    ),
    ObjectExample(
        "tuning-experiment-own-cluster",
        "All models, on a Ray cluster of its own that waits in Kueue's queue `va`; the object goes "
        "a week after its end",
        {
            "ownCluster": True,
            "queueName": "va",
            "ttlSecondsAfterFinished": 604800,
            "experiment": {
                "data": {"format": "synthetic"},
                "models": [*GRIDS, "ensemble"],
                "tuning": {"search_method": "random", "n_trials": 20} | DEFAULT_SPACES,
            },
        },
    ),
]

EXAMPLES = [
    search_example(model, method) for model in GRIDS for method in METHODS
] + special_examples()
