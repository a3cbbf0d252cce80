"""Compare cause-of-death models across sites: within a site, between sites, by training size, on unseen sites.

Each model is run untuned; with --tune-hyperparameters or --tuned-params tuned as well, on the same training and
test rows. Tuning sees training rows only. Every finished experiment is in the output at once: after a crash or
Ctrl-C the same command with --resume goes on.
"""

import argparse
import csv
import io
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import TypeAdapter, ValidationError

from tuner_job.comparison.plan import EXPERIMENT_TYPES, TrainingSet, plan
from tuner_job.config import Budget, HyperparameterSearchConfig, ModelName
from tuner_job.data import DataConfig, load_dataset
from tuner_job.data.dataset import VaDataset
from tuner_job.errors import ConfigError, VaTuningError
from tuner_job.evaluation.metrics import METRICS
from tuner_job.ray_tune_rules import refused_models
from tuner_job.results.store import check_writable, read_bytes
from tuner_job.signals import stop_signals
from tuner_job.units import Duration, MemorySize

if TYPE_CHECKING:
    from tuner_job.comparison.tuning import HyperparameterTuner

_METHODS = ("grid", "random", "bayesian", "optuna", "asha", "pbt")
_LABELS = ("va34", "cod5")
_OTHER_LABELS = ("va34", "va46", "va55", "cod5", "cod", "cause", "gs_text34", "gs_text46", "gs_text55")
_PHMRC = {"module", "gs_text34"}
"""Columns by which a raw PHMRC file is known."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exit codes as for every command: 0 done, 1 could not go on, 2 something given is wrong."""
    try:
        compare(arguments)
    except VaTuningError as error:
        print(f"va-tuning: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def compare(arguments: Sequence[str] | None = None) -> None:
    """Run a comparison as the command line says; None: as the process's own does.

    Raises
    ------
    VaTuningError
        Something given cannot be used, or the comparison could not go on.
    """
    from tuner_job.comparison.report import write_report
    from tuner_job.comparison.run import Settings, run_comparison
    from tuner_job.comparison.store import ComparisonStore
    from tuner_job.comparison.tables import tuned_gains, write_tables
    from tuner_job.comparison.tuning import read_tuned

    options = _parser().parse_args(arguments)
    search = _search_config(options)
    data = load_dataset(_data_config(options), read_bytes)
    sites = options.sites or list(data.sites)
    sets = plan(data, sites, options.experiments, options.training_sizes, options.random_seed)
    settings = Settings(
        tuple(options.models),
        n_bootstrap=options.n_bootstrap,
        seed=options.random_seed,
        n_workers=options.n_workers,
        batch_size=options.batch_size,
        checkpoint_interval=options.checkpoint_interval,
        memory_per_worker=_unit(MemorySize, "--memory-per-worker", options.memory_per_worker),
    )
    check_writable(options.output_dir)
    store = ComparisonStore(options.output_dir)
    if options.clear_checkpoints:
        store.clear()
    given = read_tuned(options.tuned_params, data, options.models) if options.tuned_params else None
    tuner = _tuner(options, search) if search else None
    store.claim(_document(options, data, sites, search), options.resume)
    _announce(data, sets, options, given is not None)
    with stop_signals() as should_stop:
        results = run_comparison(data, sets, settings, store, tuner, given, _say, should_stop)
    gains = tuned_gains(data, sets, options.models, results, store, options.n_bootstrap, options.random_seed)
    write_tables(store, results, gains)
    write_report(store, data, results, gains, plots=not options.no_plots)
    _say(f"tables and report: {store.url}/full_results.csv, {store.url}/report.html")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("run-distributed-comparison", description=__doc__)
    models = get_args(ModelName)
    add = parser.add_argument
    add("--data-path", required=True, help="CSV or Parquet, file or URL: raw PHMRC, or a table with a site column")
    add("--sites", nargs="+", metavar="SITE", help="sites to compare (default: all in the data)")
    add("--label-type", choices=_LABELS, default="va34", help="column with the cause (default: va34)")
    add("--models", nargs="+", choices=models, default=list(models), help="(default: all)")
    add("--experiments", nargs="+", choices=EXPERIMENT_TYPES, default=list(EXPERIMENT_TYPES), help="(default: all)")
    add("--training-sizes", nargs="+", type=_share, default=[0.25, 0.5, 0.75, 1.0], metavar="SHARE",
        help="shares of a site's training rows, for training_size (default: 0.25 0.5 0.75 1)")  # fmt: skip
    add("--n-bootstrap", type=_positive, default=100, help="resamples behind each interval (default: 100)")
    add("--n-workers", type=_positive, help="processes that fit models (default: one a CPU)")
    add("--batch-size", type=_positive, help="fits handed to Ray at once (default: two a CPU)")
    add("--checkpoint-interval", type=_positive, default=10, help="fits between two lines of progress; every finished "
        "experiment is stored at once, whatever this says (default: 10)")  # fmt: skip
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
    add("--tuned-params", metavar="URL", help="use what an experiment, of a RayJob for example, chose on these data")
    return parser


def _search_config(options: argparse.Namespace) -> HyperparameterSearchConfig | None:
    if options.tuned_params and options.tune_hyperparameters:
        raise ConfigError("--tuned-params and --tune-hyperparameters: give one of them, both choose parameters")
    if not options.tune_hyperparameters:
        return None
    try:
        search = HyperparameterSearchConfig(
            search_method=options.tuning_method,
            n_trials=options.tuning_trials,
            cv_folds=options.tuning_cv_folds,
            scoring_metric=options.tuning_metric,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"--tuning: {'.'.join(map(str, first['loc']))} {first['msg'].lower()}") from None
    if refused := refused_models(search, options.models):
        raise ConfigError("--tuning-method: " + "\n  ".join(refused))
    return search


def _tuner(options: argparse.Namespace, search: HyperparameterSearchConfig) -> "HyperparameterTuner":
    from tuner_job.comparison.tuning import HyperparameterTuner

    budget = Budget(
        timeout=_unit(Duration, "--tuning-timeout", options.tuning_timeout),
        memory_per_task=_unit(MemorySize, "--memory-per-worker", options.memory_per_worker),
    )
    results = f"{options.output_dir.rstrip('/')}/tuning"
    return HyperparameterTuner(search, results, options.random_seed, budget, options.n_workers)


def _data_config(options: argparse.Namespace) -> DataConfig:
    """Raw PHMRC data are known by their columns; any other table must have the label and a site."""
    columns = _columns(options.data_path)
    if columns and columns >= _PHMRC:
        return DataConfig(source=options.data_path, format="phmrc", label=options.label_type, sites=options.sites)
    others = [name for name in _OTHER_LABELS if name != options.label_type and name in (columns or ())]
    return DataConfig(source=options.data_path, label=options.label_type, site="site", sites=options.sites, drop=others)


def _columns(path: str) -> set[str] | None:
    """Names in the first line of a CSV file; of a Parquet file, in its schema."""
    content = read_bytes(path)
    if content[:4] == b"PAR1":
        import pyarrow.parquet

        return set(pyarrow.parquet.read_schema(io.BytesIO(content)).names)
    first = content.split(b"\n", 1)[0].decode(errors="replace")
    return {name.strip() for name in next(csv.reader([first.lstrip("\ufeff")]), [])}


def _document(
    options: argparse.Namespace, data: VaDataset, sites: Sequence[str], search: HyperparameterSearchConfig | None
) -> dict[str, object]:
    """Everything that decides the results."""
    return {
        "data_digest": data.digest,
        "sites": list(sites),
        "models": list(options.models),
        "experiments": list(options.experiments),
        "training_sizes": sorted(set(options.training_sizes)),
        "n_bootstrap": options.n_bootstrap,
        "seed": options.random_seed,
        "tuning": json.loads(search.model_dump_json()) if search else None,
        "tuning_timeout": options.tuning_timeout,
        "tuned_params": options.tuned_params,
    }


def _announce(data: VaDataset, sets: Sequence[TrainingSet], options: argparse.Namespace, given: bool) -> None:
    n_tests = sum(len(training.tests) for training in sets)
    _say(
        f"{data.n_samples:,} deaths, {data.n_causes} causes, {len(data.sites)} sites; {len(sets)} training sets, "
        f"{n_tests} tests, {len(options.models)} models"
    )
    for note in data.notes:
        _say(f"note: {note}")
    if given:
        _say("note: the given parameters were tuned on all rows, test rows too: scores of tuned models are optimistic")


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


def _unit(unit: Any, flag: str, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return float(TypeAdapter(unit).validate_python(value))
    except ValidationError as error:
        raise ConfigError(f"{flag}: {error.errors()[0]['msg'].removeprefix('Value error, ')}, got {value}") from None


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
