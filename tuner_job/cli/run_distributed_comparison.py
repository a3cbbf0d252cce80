"""``run-distributed-comparison``: a comparison by flags.

Each flag sets a key of an experiment file, by whose name its value is kept here (``__`` for a
point), or says how the comparison is run. What is left out has the key's default.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import click

from tuner_job.cli.base import (
    IS_WORKERS,
    SETTINGS,
    Command,
    SeveralValues,
    checked,
    whole_number,
)
from tuner_job.comparison.settings import Runtime, read_shift
from tuner_job.config.comparison import EXPERIMENT_TYPES
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import check_experiment
from tuner_job.config.tuning import SEARCH_METHODS, Selection
from tuner_job.data.load import ReadBytes
from tuner_job.data.reading.read import read_names
from tuner_job.errors import ConfigError
from tuner_job.evaluation.metrics import METRICS
from tuner_job.evaluation.protocols import Composition
from tuner_job.models import FAMILIES, MODELS
from tuner_job.process.interruption import asked
from tuner_job.process.output import expendable
from tuner_job.public import public
from tuner_job.results.store import read_bytes

_LABELS = ("va34", "cod5")
_PHMRC = {"module", "gs_text34"}
"""Columns by which a raw PHMRC file is known."""
_IS_COUNT = IS_WORKERS | {"callback": checked(whole_number(1, 1_000_000))}
_RUNTIME = ("n_workers", "batch_size", "checkpoint_interval")
_CLEAR = "clear_checkpoints"


class _SeveralValues(SeveralValues, Command):
    """A script whose flags take several values."""


# fmt: off
_OPTIONS: list[click.Parameter] = [
    click.Option(["--data-path", "data__source"], required=True, metavar="FILE",
        help="A file or URL, as docs/data.md says: raw PHMRC, or a table with a site column."),
    click.Option(["--sites", "data__sites"], multiple=True, metavar="SITE...",
        help="Sites to compare. [default: all in the data]"),
    click.Option(["--label-type", "data__label"], type=click.Choice(_LABELS), default="va34",
        show_default=True, help="Column with the cause."),
    click.Option(["--models", "models"], multiple=True, type=click.Choice(MODELS),
        default=tuple(FAMILIES), help="Several may follow; ensemble is made of the others, at no "
        "fit. [default: all but that]"),
    click.Option(["--experiments", "comparison__experiments"], multiple=True,
        type=click.Choice(EXPERIMENT_TYPES), help="Several may follow; cross_validation takes all "
        "sites together. [default: all but that]"),
    click.Option(["--training-sizes", "comparison__training_sizes"], multiple=True, type=float,
        metavar="SHARE...",
        help="Shares of a site's training rows, for training_size. [default: 0.25 0.5 0.75 1]"),
    click.Option(["--outer-folds", "comparison__outer_folds"], metavar="N",
        help="Parts that cross_validation tests on in turn. [default: 5]"),
    click.Option(["--protocols", "comparison__protocols"], multiple=True, default=("natural",),
        type=click.Choice(get_args(Composition)), help="Compositions that are tested, and tuned "
        "for: the test rows' own, drawn from Dirichlet(1, …, 1), or as --shift says. "
        "[default: natural]"),
    click.Option(["--shift", "validation__shift"], multiple=True, metavar="CAUSE=SHARE...",
        help="For --protocols shift: expected fractions of causes, or ranges: Malaria=0.1:0.4."),
    click.Option(["--ensemble", "comparison__ensemble"], is_flag=True, default=None, hidden=True),
    click.Option(["--n-bootstrap", "comparison__n_bootstrap"], metavar="N",
        help="Resamples behind each interval. [default: 100]"),
    click.Option(["--random-seed", "seed"], metavar="N",
        help="Of splits, models, searches. [default: 42]"),
    click.Option(["--output-dir", "results"], default="comparison-results", show_default=True,
        metavar="URL", help="Folder or s3://, gs://, az:// URL."),
    click.Option(["--tune-hyperparameters", "comparison__tune"], is_flag=True,
        help="Tune each model on each training set, too."),
    click.Option(["--tuning-method", "tuning__search_method"],
        type=click.Choice(list(SEARCH_METHODS)), help="[default: bayesian]"),
    click.Option(["--tuning-trials", "tuning__n_trials"], metavar="N",
        help="Configurations of each search. [default: 50]"),
    click.Option(["--tuning-timeout", "budget__timeout"], metavar="TIME",
        help="Of each search, e.g. 10m; it makes results depend on the machine's speed."),
    click.Option(["--tuning-metric", "tuning__scoring_metric"], type=click.Choice(list(METRICS)),
        help="[default: csmf_accuracy]"),
    click.Option(["--tuning-cv-folds", "tuning__cv_folds"], metavar="N", help="[default: 5]"),
    click.Option(["--search-spaces", "tuning__search_spaces"], metavar="FOLDER",
        help="Search spaces, <model>.yaml each. [default: the models' own]"),
    click.Option(["--selection", "tuning__selection"], type=click.Choice(get_args(Selection)),
        help="Of a search: the best configuration, or of those within one standard error the "
        "simplest or the one with the highest COD accuracy. [default: best]"),
    click.Option(["--tuned-params", "comparison__tuned_params"], metavar="URL",
        help="Use what an experiment, of a RayJob for example, chose on these data."),
    click.Option(["--memory-per-worker", "budget__memory_per_task"], metavar="SIZE",
        help="Memory that a fit takes, e.g. 2Gi. [default: no limit]"),
    click.Option(["--n-workers"], **IS_WORKERS,
        help="Processes that fit models. [default: one a CPU]"),
    click.Option(["--batch-size"], **_IS_COUNT,
        help="Fits handed to workers at once. [default: two a worker]"),
    click.Option(["--checkpoint-interval"], **_IS_COUNT, default="10", show_default=True,
        help="Fits after which full_results.csv is written anew and progress is told; every "
        "finished experiment is stored at once."),
    click.Option(["--no-plots"], is_flag=True, help="Leave the plots out of the report."),
    click.Option(["--resume"], is_flag=True, help="Go on with the comparison in --output-dir."),
    click.Option(["--clear-checkpoints"], is_flag=True,
        help="Remove its results first; searches on the same rows are kept."),
]
# fmt: on


@click.command(
    "run-distributed-comparison", cls=_SeveralValues, context_settings=SETTINGS, params=_OPTIONS
)
def main(**given: Any) -> None:
    """Compare cause-of-death models across sites: within a site, between sites, by training size,
    on unseen sites.

    Each model is run untuned; with --tune-hyperparameters or --tuned-params tuned as well, on the
    same training and test rows. Tuning sees training rows only. Every finished experiment is in the
    output at once: after a crash or Ctrl-C the same command with --resume goes on.

    va-tuning compare takes the same from an experiment file, and any data that it can name.
    """
    from tuner_job.comparison.compare import Place, compare  # here, so that --help is quick

    expendable()
    plots, resume, clear = not given.pop("no_plots"), given.pop("resume"), given.pop(_CLEAR)
    workers, batch, interval = (given.pop(name) for name in _RUNTIME)
    try:
        read = cache(read_bytes)
        config = _with_coding(experiment_of(given), read)
        place = Place(config.results, resume, clear, plots)
        compare(config, place, Runtime(workers, batch, interval), click.echo, asked, read)
    except ConfigError as error:
        raise ConfigError(_by_flags(str(error))) from None


def experiment_of(given: Mapping[str, Any]) -> ExperimentConfig:
    """Make the experiment that the flags describe; what is named twice in a list counts once.

    Raises
    ------
    ConfigError
        With every problem, each with its key.
    """
    content: dict[str, Any] = {"name": "comparison", "data": {"site": "site"}}
    for name, value in given.items():
        if value is not None and value != ():
            section, _, key = name.rpartition("__")
            keys = content.setdefault(section, {}) if section else content
            keys[key] = list(dict.fromkeys(value)) if isinstance(value, tuple) else value
    _settle_shift(content)
    if not content["comparison"]["tune"]:
        content.pop("tuning", None)
    elif "tuned_params" in content["comparison"]:
        raise ConfigError(
            "--tuned-params and --tune-hyperparameters: give one of them, both choose parameters"
        )
    return check_experiment(content, "the command line")


def _settle_shift(content: dict[str, Any]) -> None:
    shift = content.pop("validation", {}).get("shift", [])
    if bool(shift) != ("shift" in content["comparison"]["protocols"]):
        raise ConfigError("--shift and --protocols shift need each other")
    if shift:
        try:
            content["validation"] = {"scheme": "shift", "shift": read_shift(shift)}
        except ValueError as error:
            raise ConfigError(f"--shift: {error}") from None


def _with_coding(config: ExperimentConfig, read: ReadBytes) -> ExperimentConfig:
    """Raw PHMRC data are known by their columns."""
    source = config.data.source or ""
    if not set(read_names(read(source), public(source))) >= _PHMRC:
        return config
    phmrc = config.data.model_copy(update={"format": "phmrc", "site": None})
    return config.model_copy(update={"data": phmrc})


def _by_flags(message: str) -> str:
    """Name the flag where a line of a message begins with the key that it sets."""
    for option in main.params:
        key = re.escape(str(option.name).replace("__", "."))
        message = re.sub(rf"^( *){key}(?=[.:])", rf"\1{option.opts[0]}", message, flags=re.M)
    return message
