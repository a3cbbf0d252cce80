"""``va-tuning`` itself, and the commands that take an experiment file."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import yaml
from rich.console import Console

from tuner_job import __version__
from tuner_job.cli import cluster
from tuner_job.cli import compare as comparing
from tuner_job.cli import results as results_commands
from tuner_job.cli.base import EXPERIMENT, IS_ADDRESS, SETTINGS, WORKERS, Group
from tuner_job.errors import MissingModelsError
from tuner_job.process.output import console as plain_console
from tuner_job.process.output import expendable, quiet
from tuner_job.wording import counted

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tuner_job.cli.progress import ProgressDisplay
    from tuner_job.config.experiment import ExperimentConfig
    from tuner_job.problem import Prepared


MOST_COLUMNS = 20
"""Of the codebook that `validate` shows without being asked for more."""


@click.group(cls=Group, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="va-tuning")
def main() -> None:
    """Tune cause-of-death models for verbal autopsy data.

    An experiment file says which data, which models, how to search and where results go. The same
    file runs here and on a Kubernetes cluster, with the same trials.

    \b
    Start with:  va-tuning validate experiment.yaml
                 va-tuning tune experiment.yaml
    """


@main.command()
@EXPERIMENT
@WORKERS
@click.option("--results", **IS_ADDRESS, help="Where results go, instead of what the file says.")
@click.option(
    "--takeover", is_flag=True, help="If another run of it is going on, stop that and go on here."
)
def tune(experiment: Path, workers: int | None, results: str | None, takeover: bool) -> None:
    """Run an experiment, or go on where an earlier run of it stopped.

    Every finished trial is in the results location at once: after a crash, Ctrl-C or a lost machine
    the same command goes on from there. Ends with a table of the untuned default against the best
    configuration of each model, and with a report.

    Where RAY_ADDRESS is set, fits run on that Ray cluster, else on this machine.
    """
    # here, so that --help is quick
    from tuner_job.cli.tables import best_parameters, default_vs_tuned
    from tuner_job.config.load import load_experiment
    from tuner_job.experiment.run import run_experiment
    from tuner_job.problem import prepare
    from tuner_job.process.interruption import asked
    from tuner_job.results.lease import rayjob_of

    expendable()
    config = load_experiment(experiment)
    if results is not None:
        config = config.model_copy(update={"results": results})
    console = plain_console()
    prepared = prepare(config)
    if not quiet():
        _describe(console, prepared)
    missing: MissingModelsError | None = None
    try:
        with _progress(console, config) as display:
            summary = run_experiment(
                prepared,
                n_workers=workers,
                listener=display,
                should_stop=asked,
                take_over=takeover,
                job=rayjob_of(experiment),
            )
    except MissingModelsError as error:
        missing, summary = error, error.summary
    if summary.studies:
        console.print(default_vs_tuned(summary))
        console.print(best_parameters(summary))
        console.print(
            f"report: {config.results.rstrip('/')}/{config.name}/report.html", soft_wrap=True
        )
    if missing:
        raise missing


@main.command()
@EXPERIMENT
@click.option("--columns", is_flag=True, help="Show how every column is read, not the first ones.")
@click.option("--json", "as_json", is_flag=True, help="For programs: everything as one document.")
def validate(experiment: Path, columns: bool, as_json: bool) -> None:
    """Check an experiment file and its data without writing anything.

    Says how many rows, causes and sites there are, how the columns are read (the codebook, most
    doubtful columns first), what was left out, and how many trials will be run.
    """
    from tuner_job.cli.codebook import codebook_table
    from tuner_job.config.load import load_experiment  # here, so that --help is quick
    from tuner_job.problem import in_words, prepare

    prepared = prepare(load_experiment(experiment))
    if as_json:
        click.echo(json.dumps(_as_document(prepared), indent=2, ensure_ascii=False))
        return
    console = plain_console()
    _describe(console, prepared)
    if prepared.dataset.codebook.variables:
        most = None if columns else MOST_COLUMNS
        console.print(codebook_table(prepared.dataset.codebook.variables, most))
    for model, planned in prepared.planned().items():
        console.print(f"{model}: {in_words(prepared.config, model, planned)}")
    console.print(f"{experiment} is valid")


def _as_document(prepared: "Prepared") -> dict[str, object]:
    data = prepared.dataset
    return {
        "name": prepared.config.name,
        "n_samples": data.n_samples,
        "causes": dict(zip(data.causes, np.bincount(data.y).tolist(), strict=True)),
        "sites": dict(zip(data.sites, np.bincount(data.site).tolist(), strict=True)),
        "n_features": len(data.features),
        "n_folds": prepared.n_folds,
        "scheme": prepared.config.validation.scheme,
        "notes": prepared.notes,
        "columns": [
            {"name": one.name, **one.model_dump(mode="json", exclude_defaults=True)}
            for one in data.codebook.variables
        ],
        "trials": dict(prepared.planned()),
    }


@main.command()
def schema() -> None:
    """Print the JSON Schema of experiment files, so that editors complete and check them."""
    from tuner_job.config.experiment import json_schema  # here, so that --help is quick

    click.echo(json.dumps(json_schema(__version__), indent=2))


@main.command()
@click.argument("model")
def space(model: str) -> None:
    """Print a model's default search space, to start one's own from."""
    from tuner_job.models import get_family  # here, so that --help is quick

    click.echo(
        yaml.safe_dump(
            dict(get_family(model).default_space), sort_keys=False, default_flow_style=None
        ),
        nl=False,
    )


for _command in (*comparing.COMMANDS, *results_commands.COMMANDS, *cluster.COMMANDS):
    main.add_command(_command)


def _progress(
    console: Console, config: "ExperimentConfig"
) -> "AbstractContextManager[ProgressDisplay | None]":
    from tuner_job.cli.progress import ProgressDisplay  # here, so that --help is quick

    return nullcontext() if quiet() else ProgressDisplay(console, config.budget.timeout)


def _describe(console: Console, prepared: "Prepared") -> None:
    data = prepared.dataset
    console.print(
        f"{prepared.config.name}: {counted(data.n_samples, 'death')}, "
        f"{counted(data.n_causes, 'cause')}, "
        f"{counted(len(data.sites), 'site')}, {counted(len(data.features), 'feature')}; "
        f"{counted(prepared.n_folds, 'fold')} ({prepared.config.validation.scheme})"
    )
    for note in prepared.notes:
        console.print(f"note: {note}")
