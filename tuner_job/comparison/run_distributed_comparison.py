"""Compare cause-of-death models across sites: within a site, between sites, by training size, on
unseen sites.

Each model is run untuned; with --tune-hyperparameters or --tuned-params tuned as well, on the same
training and test rows. Tuning sees training rows only. Every finished experiment is in the output
at once: after a crash or Ctrl-C the same command with --resume goes on.
"""

import argparse
import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from tuner_job.address import results_address
from tuner_job.comparison.flags import parse
from tuner_job.comparison.plan import TrainingSet, plan
from tuner_job.config.experiment import Budget, HyperparameterSearchConfig, ValidationConfig
from tuner_job.config.ray_tune_rules import refused_models
from tuner_job.data import DataConfig, load_dataset
from tuner_job.data.dataset import VaDataset
from tuner_job.data.read import read_names
from tuner_job.errors import ConfigError, VaTuningError
from tuner_job.evaluation.intervals import REPORTED_DRAWS
from tuner_job.files.whole import local_path
from tuner_job.files.yaml_file import read_yaml
from tuner_job.problem import composition_of, make_protocol
from tuner_job.process.interruption import asked
from tuner_job.process.output import expendable, tell_notes
from tuner_job.public import public
from tuner_job.results.store import check_writable, read_bytes
from tuner_job.units import Duration, MemorySize
from tuner_job.wording import counted, listed, plain, shown

if TYPE_CHECKING:
    from tuner_job.comparison.tuning import HyperparameterTuner

_CALLED = "run-distributed-comparison"
_SAW_TEST_ROWS = "the given parameters were tuned on all rows, test rows too: scores of tuned models are optimistic"
_OTHER_LABELS = (
    "va34",
    "va46",
    "va55",
    "cod5",
    "cod",
    "cause",
    "gs_text34",
    "gs_text46",
    "gs_text55",
)
_PHMRC = {"module", "gs_text34"}
"""Columns by which a raw PHMRC file is known."""
_BEYOND = 1e15
"""No machine has so many bytes, and no search lasts so many seconds."""


def main(arguments: Sequence[str] | None = None, called: str = _CALLED) -> None:
    """Run the command; exit codes as for every command: 0 done, 1 could not go on, 2 something
    given is wrong."""
    tell_notes()
    try:
        compare(arguments, called)
    except VaTuningError as error:
        print(f"va-tuning: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def compare(arguments: Sequence[str] | None = None, called: str = _CALLED) -> None:
    """Run a comparison as the command line says; None: as the process's own does.

    Parameters
    ----------
    called
        The command's name, for its help and messages.

    Raises
    ------
    VaTuningError
        Something given cannot be used, or the comparison could not go on.
    """
    from tuner_job.comparison.gains import tuned_gains
    from tuner_job.comparison.report import write_report
    from tuner_job.comparison.run import Settings, run_comparison
    from tuner_job.comparison.store import ComparisonStore
    from tuner_job.comparison.tables import write_tables
    from tuner_job.comparison.tuning import read_tuned
    from tuner_job.execution.ray_start import ray_for

    expendable()
    options, notes = parse(arguments, __doc__ or "", called)
    search, budget = _search_config(options), _budget(options)
    _check_places(options)
    content = read_bytes(options.data_path)
    columns = read_names(content, public(options.data_path))
    data = load_dataset(_data_config(options, columns), lambda _: content)
    sites = options.sites or list(data.sites)
    seed = options.random_seed
    sets = plan(data, sites, options.experiments, options.training_sizes, seed, options.outer_folds)
    validations = _validations(options)
    settings = Settings(
        tuple(options.models),
        protocols=tuple(
            replace(make_protocol(v, data, seed), n_draws=REPORTED_DRAWS) for v in validations
        ),
        ensemble=options.ensemble and len(options.models) > 1,
        n_bootstrap=options.n_bootstrap,
        seed=seed,
        n_workers=options.n_workers,
        batch_size=options.batch_size,
        checkpoint_interval=options.checkpoint_interval,
        memory_per_worker=budget.memory_per_task,
    )
    given = read_tuned(options.tuned_params, data, options.models) if options.tuned_params else None
    tuners = _tuners(options, search, validations, budget) if search else None
    store = ComparisonStore(options.output_dir)
    store.check_place(local_path(options.data_path))
    with ray_for(budget, settings.n_workers, data.X.nbytes):
        check_writable(options.output_dir)  # not before it is clear that Ray can do what is asked
    if options.clear_checkpoints:
        store.clear()
    store.claim(_document(options, data, sites, search), options.resume)
    _announce(data, sets, options, [*notes, *data.notes, *([_SAW_TEST_ROWS] if given else [])])
    results = run_comparison(data, sets, settings, store, tuners, given, _say, asked)
    gains = tuned_gains(data, sets, settings.protocols, results, store, options.n_bootstrap, seed)
    write_tables(store, results, gains)
    write_report(store, data, results, gains, plots=not options.no_plots)
    _say(f"tables and report: {store.url}/full_results.csv, {store.url}/report.html")


def _check_places(options: argparse.Namespace) -> None:
    for flag, place in (
        ("--output-dir", options.output_dir),
        ("--tuned-params", options.tuned_params),
    ):
        try:
            _ = place is None or results_address(place)
        except ValueError as error:
            raise ConfigError(f"{flag}: {error}") from None


def _search_config(options: argparse.Namespace) -> HyperparameterSearchConfig | None:
    if options.tuned_params and options.tune_hyperparameters:
        raise ConfigError(
            "--tuned-params and --tune-hyperparameters: give one of them, both choose parameters"
        )
    if not options.tune_hyperparameters:
        return None
    try:
        search = HyperparameterSearchConfig(
            search_method=options.tuning_method,
            n_trials=options.tuning_trials,
            cv_folds=options.tuning_cv_folds,
            scoring_metric=options.tuning_metric,
            selection=options.selection,
            search_spaces=_search_spaces(options),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"--tuning: {'.'.join(map(str, first['loc']))} {first['msg'].lower()}"
        ) from None
    if refused := refused_models(search, options.models):
        raise ConfigError("--tuning-method: " + "\n  ".join(refused))
    return search


def _search_spaces(options: argparse.Namespace) -> dict[str, Any]:
    if not options.search_spaces:
        return {}
    folder = Path(options.search_spaces)
    files = {model: folder / f"{model}.yaml" for model in options.models}
    missing = [path.name for path in files.values() if not path.is_file()]
    if missing:
        raise ConfigError(
            f"--search-spaces: {plain(folder)} must hold a file for each model; lacks "
            f"{listed(missing)}"
        )
    return {model: read_yaml(path) for model, path in files.items()}


def _validations(options: argparse.Namespace) -> list[ValidationConfig]:
    """How to validate for each protocol, with test rows of natural composition validated as
    trained."""
    if bool(options.shift) != ("shift" in options.protocols):
        raise ConfigError("--shift and --protocols shift need each other")
    stated = [_stated(one) for one in options.shift or []]
    shift = dict(stated)
    if len(shift) < len(stated):
        twice = next(
            cause for cause, _ in stated if [other for other, _ in stated].count(cause) > 1
        )
        raise ConfigError(
            f"--shift: must state each cause once, states {shown(twice, 60)} in two ways"
        )
    schemes = {"natural": "stratified"}
    try:
        return [
            ValidationConfig.model_validate(
                {"scheme": schemes.get(p, p), "shift": shift if p == "shift" else {}}
            )
            for p in dict.fromkeys(options.protocols)
        ]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][1:2])) or "all causes"
        raise ConfigError(
            f"--shift: {plain(where, 60)}: {first['msg'].removeprefix('Value error, ')}"
        ) from None


def _stated(text: str) -> tuple[str, float | list[float]]:
    """Read ``CAUSE=0.2`` or ``CAUSE=0.1:0.4``."""
    cause, _, share = text.rpartition("=")
    try:
        bounds = [float(bound) for bound in share.split(":")]
    except ValueError:
        bounds = []
    if not cause or len(bounds) not in (1, 2):
        raise ConfigError(
            f"--shift: must be CAUSE=SHARE or CAUSE=LEAST:LARGEST, got {shown(text, 60)}"
        )
    return cause, bounds[0] if len(bounds) == 1 else bounds


def _budget(options: argparse.Namespace) -> Budget:
    return Budget(
        timeout=_unit(Duration, "--tuning-timeout", options.tuning_timeout),
        memory_per_task=_unit(MemorySize, "--memory-per-worker", options.memory_per_worker),
    )


def _tuners(
    options: argparse.Namespace,
    search: HyperparameterSearchConfig,
    validations: Sequence[ValidationConfig],
    budget: Budget,
) -> "dict[str, HyperparameterTuner]":
    from tuner_job.comparison.tuning import HyperparameterTuner

    results = f"{options.output_dir.rstrip('/')}/tuning"
    return {
        composition_of(validation.scheme): HyperparameterTuner(
            search, results, options.random_seed, budget, options.n_workers, validation
        )
        for validation in validations
    }


def _data_config(options: argparse.Namespace, columns: Collection[str]) -> DataConfig:
    """Raw PHMRC data are known by their columns; any other table must have the label and a site."""
    if set(columns) >= _PHMRC:
        return DataConfig(
            source=options.data_path, format="phmrc", label=options.label_type, sites=options.sites
        )
    others = [name for name in _OTHER_LABELS if name != options.label_type and name in columns]
    return DataConfig(
        source=options.data_path,
        label=options.label_type,
        site="site",
        sites=options.sites,
        drop=others,
    )


def _document(
    options: argparse.Namespace,
    data: VaDataset,
    sites: Sequence[str],
    search: HyperparameterSearchConfig | None,
) -> dict[str, object]:
    """Everything that decides the results."""
    return {
        "data_digest": data.digest,
        "sites": list(sites),
        "models": list(options.models),
        "experiments": list(options.experiments),
        "training_sizes": sorted(set(options.training_sizes)),
        "outer_folds": options.outer_folds,
        "protocols": list(options.protocols),
        "shift": options.shift,
        "ensemble": options.ensemble,
        "n_bootstrap": options.n_bootstrap,
        "seed": options.random_seed,
        "tuning": json.loads(search.model_dump_json()) if search else None,
        "tuning_timeout": options.tuning_timeout,
        "tuned_params": options.tuned_params,
    }


def _announce(
    data: VaDataset, sets: Sequence[TrainingSet], options: argparse.Namespace, notes: Sequence[str]
) -> None:
    n_tests = sum(len(training.tests) for training in sets)
    _say(
        f"{counted(data.n_samples, 'death')}, {counted(data.n_causes, 'cause')}, "
        f"{counted(len(data.sites), 'site')}; {counted(len(sets), 'training set')}, "
        f"{counted(n_tests, 'test')}, {counted(len(options.models), 'model')}"
    )
    for note in notes:
        _say(f"note: {note}")


def _unit(unit: Any, flag: str, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        found = float(TypeAdapter(unit).validate_python(value))
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{flag}: {reason}, got {shown(value, 40)}") from None
    if not found < _BEYOND:
        raise ConfigError(
            f"{flag}: must be a size or time that a machine can have, got {shown(value, 40)}"
        )
    return found


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    from tuner_job.__main__ import main_of_comparison

    main_of_comparison()
