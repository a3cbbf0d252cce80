"""The flags of a comparison."""

import argparse
from typing import NoReturn, get_args

from tuner_job.comparison.plan import ACROSS_SITES, EXPERIMENT_TYPES
from tuner_job.config import ModelName, Selection
from tuner_job.evaluation.metrics import METRICS
from tuner_job.evaluation.protocols import Composition
from tuner_job.public import without_secrets

_METHODS = ("grid", "random", "bayesian", "optuna", "asha", "pbt")
_LABELS = ("va34", "cod5")


class _Parser(argparse.ArgumentParser):
    """Its messages repeat what was given, but no password or signature of an address."""

    def error(self, message: str) -> NoReturn:
        super().error(without_secrets(message))


def make_parser(description: str) -> argparse.ArgumentParser:
    """Return the parser of all flags."""
    parser = _Parser("run-distributed-comparison", description=description)
    models = get_args(ModelName)
    add = parser.add_argument
    add("--data-path", required=True, help="CSV or Parquet, file or URL: raw PHMRC, or a table with a site column")
    add("--sites", nargs="+", metavar="SITE", help="sites to compare (default: all in the data)")
    add("--label-type", choices=_LABELS, default="va34", help="column with the cause (default: va34)")
    add("--models", nargs="+", choices=models, default=list(models), help="(default: all)")
    add(
        "--experiments",
        nargs="+",
        choices=EXPERIMENT_TYPES,
        default=list(ACROSS_SITES),
        help="cross_validation takes all sites together (default: all but that)",
    )
    add("--training-sizes", nargs="+", type=_share, default=[0.25, 0.5, 0.75, 1.0], metavar="SHARE",
        help="shares of a site's training rows, for training_size (default: 0.25 0.5 0.75 1)")  # fmt: skip
    add("--outer-folds", type=_positive, default=5, help="parts that cross_validation tests on in turn (default: 5)")
    add(
        "--protocols",
        nargs="+",
        choices=get_args(Composition),
        default=["natural"],
        help="compositions that are "
        "tested, and tuned for: the test rows' own, drawn from Dirichlet(1, …, 1), or as --shift says "
        "(default: natural)",
    )
    add(
        "--shift",
        nargs="+",
        metavar="CAUSE=SHARE",
        help="for --protocols shift: expected fractions of causes, or ranges of them, e.g. Malaria=0.1:0.4",
    )
    add("--ensemble", action="store_true", help="also the models' geometric mean, which costs no fit")
    add("--n-bootstrap", type=_positive, default=100, help="resamples behind each interval (default: 100)")
    add("--n-workers", type=_positive, help="processes that fit models (default: one a CPU)")
    add("--batch-size", type=_positive, help="fits handed to Ray at once (default: two a CPU)")
    add("--checkpoint-interval", type=_positive, default=10, help="fits after which full_results.csv is "
        "written anew and progress is told; every finished experiment is stored at once (default: 10)")  # fmt: skip
    add("--memory-per-worker", metavar="SIZE", help="memory that Ray reserves for a fit, e.g. 2Gi (default: no limit)")
    add("--output-dir", default="comparison-results", help="folder or s3://, gs://, az:// URL")
    add("--no-plots", action="store_true", help="leave the plots out of the report")
    add("--random-seed", type=int, default=42, help="of splits, models, searches (default: 42)")
    add("--resume", action="store_true", help="go on with the comparison in --output-dir")
    add("--clear-checkpoints", action="store_true", help="remove its results first; searches on the same rows are kept")
    tuning = parser.add_argument_group("tuning")
    add = tuning.add_argument
    add("--tune-hyperparameters", action="store_true", help="tune each model on each training set, too")
    add("--tuning-method", choices=_METHODS, default="bayesian", help="(default: bayesian)")
    add("--tuning-trials", type=_positive, default=50, help="configurations of each search (default: 50)")
    add("--tuning-timeout", metavar="TIME", help="of each search, e.g. 10m (default: none; it makes results depend on "
        "the machine's speed)")  # fmt: skip
    add("--tuning-metric", choices=tuple(METRICS), default="csmf_accuracy", help="(default: csmf_accuracy)")
    add("--tuning-cv-folds", type=int, default=5, help="(default: 5)")
    add("--search-spaces", metavar="FOLDER", help="search spaces, <model>.yaml each (default: the models' own)")
    add("--selection", choices=get_args(Selection), default="best", help="of a search: the best configuration, or of "
        "those within one standard error the simplest or the one with the highest COD accuracy "
        "(default: best)")  # fmt: skip
    add("--tuned-params", metavar="URL", help="use what an experiment, of a RayJob for example, chose on these data")
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, got {text}")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value
