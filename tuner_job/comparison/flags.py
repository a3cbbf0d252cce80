"""The flags of a comparison."""

import argparse
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, get_args

from tuner_job.comparison.plan import ACROSS_SITES, EXPERIMENT_TYPES
from tuner_job.config.experiment import ModelName, Selection
from tuner_job.errors import ConfigError
from tuner_job.evaluation.metrics import METRICS
from tuner_job.evaluation.protocols import Composition
from tuner_job.public import without_secrets
from tuner_job.wording import listed, plain, shown

_METHODS = ("grid", "random", "bayesian", "optuna", "asha", "pbt")
_LABELS = ("va34", "cod5")
_MODELS: tuple[ModelName, ...] = get_args(ModelName)
_LISTS = {
    "sites": None,
    "models": _MODELS,
    "experiments": ACROSS_SITES,
    "training_sizes": (0.25, 0.5, 0.75, 1.0),
    "protocols": ("natural",),
    "shift": None,
}
"""Options that take several values, which may stand after one flag or several; and what stands
for none."""
_LARGEST_SEED = 2**31 - 1
_MOST_WORKERS = 1024
_MANY = 1_000_000


def parse(
    arguments: Sequence[str] | None, description: str, called: str
) -> tuple[argparse.Namespace, list[str]]:
    """Read the command line; None: the process's own.

    Returns
    -------
    options, notes
        What is named twice in a list counts once, and a note says so.

    Raises
    ------
    ConfigError
    """
    options, notes = _make_parser(description, called).parse_args(arguments), []
    for name, default in _LISTS.items():
        given = getattr(options, name) or default
        once = None if given is None else list(dict.fromkeys(given))
        if given is not None and len(given) > len(once or ()):
            twice = listed(dict.fromkeys(value for value in given if given.count(value) > 1))
            notes.append(
                f"--{name.replace('_', '-')}: what is named more than once counts once: {twice}"
            )
        setattr(options, name, once)
    return options, notes


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as every command does."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line, without what is secret in an address."""
        raise ConfigError(f"{plain(without_secrets(message), 500)}; see {self.prog} --help")


def _make_parser(description: str, called: str) -> argparse.ArgumentParser:
    parser = _Parser(called, description=description)
    positive = _whole(1, _MANY)
    many: dict[str, Any] = {"nargs": "+", "action": "extend"}
    add = parser.add_argument
    add(
        "--data-path",
        required=True,
        help="CSV or Parquet, file or URL: raw PHMRC, or a table with a site column",
    )
    add("--sites", **many, metavar="SITE", help="sites to compare (default: all in the data)")
    add(
        "--label-type",
        choices=_LABELS,
        default="va34",
        help="column with the cause (default: va34)",
    )
    add("--models", **many, choices=_MODELS, help="(default: all)")
    add("--experiments", **many, choices=EXPERIMENT_TYPES,
        help="cross_validation takes all sites together (default: all but that)")  # fmt: skip
    add("--training-sizes", **many, type=_share, metavar="SHARE",
        help="shares of a site's training rows, for training_size (default: 0.25 0.5 0.75 1)")  # fmt: skip
    add(
        "--outer-folds",
        type=_whole(2, _MANY),
        default=5,
        help="parts that cross_validation tests on in turn (default: 5)",
    )
    add("--protocols", **many, choices=get_args(Composition),
        help="compositions that are tested, and tuned for: the test rows' own, drawn from Dirichlet(1, …, 1), or as "
        "--shift says (default: natural)")  # fmt: skip
    add("--shift", **many, metavar="CAUSE=SHARE",
        help="for --protocols shift: expected fractions of causes, or ranges, e.g. Malaria=0.1:0.4")  # fmt: skip
    add(
        "--ensemble",
        action="store_true",
        help="also the models' geometric mean, which costs no fit",
    )
    add(
        "--n-bootstrap",
        type=_whole(2, 100_000),
        default=100,
        help="resamples behind each interval (default: 100)",
    )
    add(
        "--n-workers",
        type=_whole(1, _MOST_WORKERS),
        help="processes that fit models (default: one a CPU)",
    )
    add("--batch-size", type=positive, help="fits handed to Ray at once (default: two a CPU)")
    add("--checkpoint-interval", type=positive, default=10, help="fits after which full_results.csv is "
        "written anew and progress is told; every finished experiment is stored at once (default: 10)")  # fmt: skip
    add(
        "--memory-per-worker",
        metavar="SIZE",
        help="memory that Ray reserves for a fit, e.g. 2Gi (default: no limit)",
    )
    add("--output-dir", default="comparison-results", help="folder or s3://, gs://, az:// URL")
    add("--no-plots", action="store_true", help="leave the plots out of the report")
    add(
        "--random-seed",
        type=_whole(0, _LARGEST_SEED),
        default=42,
        help="of splits, models, searches (default: 42)",
    )
    add("--resume", action="store_true", help="go on with the comparison in --output-dir")
    add(
        "--clear-checkpoints",
        action="store_true",
        help="remove its results first; searches on the same rows are kept",
    )
    tuning = parser.add_argument_group("tuning")
    add = tuning.add_argument
    add(
        "--tune-hyperparameters",
        action="store_true",
        help="tune each model on each training set, too",
    )
    add("--tuning-method", choices=_METHODS, default="bayesian", help="(default: bayesian)")
    add(
        "--tuning-trials",
        type=positive,
        default=50,
        help="configurations of each search (default: 50)",
    )
    add("--tuning-timeout", metavar="TIME", help="of each search, e.g. 10m (default: none; it makes results depend on "
        "the machine's speed)")  # fmt: skip
    add(
        "--tuning-metric",
        choices=tuple(METRICS),
        default="csmf_accuracy",
        help="(default: csmf_accuracy)",
    )
    add("--tuning-cv-folds", type=_whole(2, _MANY), default=5, help="(default: 5)")
    add(
        "--search-spaces",
        metavar="FOLDER",
        help="search spaces, <model>.yaml each (default: the models' own)",
    )
    add("--selection", choices=get_args(Selection), default="best", help="of a search: the best configuration, or of "
        "those within one standard error the simplest or the one with the highest COD accuracy "
        "(default: best)")  # fmt: skip
    add(
        "--tuned-params",
        metavar="URL",
        help="use what an experiment, of a RayJob for example, chose on these data",
    )
    return parser


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, got {shown(text, 40)}")
    return value


def _whole(low: int, high: int) -> Callable[[str], int]:
    """Read whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        # Longer ones Python refuses to read at some point, with a message of its own.
        value = int(text) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text, re.ASCII) else None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {low:,} to {high:,}, got {shown(text, 40)}"
            )
        return value

    return read
