"""``va-tuning`` itself, and the commands that take an experiment file."""

import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner_job.cli import cluster
from tuner_job.cli import compare as comparing
from tuner_job.cli import operator as operating
from tuner_job.cli import predict as predicting
from tuner_job.cli import results as results_commands
from tuner_job.cli import serve as serving
from tuner_job.cli.base import EXPERIMENT, IS_ADDRESS, SETTINGS, WORKERS, Group
from tuner_job.errors import MissingModelsError
from tuner_job.process.output import console as plain_console
from tuner_job.process.output import expendable, quiet
from tuner_job.wording import counted

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import Console

    from tuner_job.cli.progress import ProgressDisplay
    from tuner_job.config.experiment import ExperimentConfig
    from tuner_job.experiment.estimate import Estimate
    from tuner_job.problem import Prepared
    from tuner_job.records import ExperimentSummary


MOST_COLUMNS = 20
"""Of the codebook that `validate` shows without being asked for more."""


@click.group(cls=Group, context_settings=SETTINGS)
@click.version_option(package_name="va-tuning", prog_name="va-tuning")
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

    Fits run in processes of this machine; where RAY_ADDRESS is set, on that Ray cluster, or, if it
    says local, on a Ray that is started for them.
    """
    # here, so that --help is quick
    from tuner_job.cli.findings import print_findings
    from tuner_job.config.load import load_experiment
    from tuner_job.execution.workers import load_ahead
    from tuner_job.results.lease import rayjob_of
    from tuner_job.results.telling import refusal_told

    expendable()
    config = load_experiment(experiment)
    if results is not None:
        config = config.model_copy(update={"results": results})
    load_ahead(map(config.family, config.families), config.tuning.on_ray_tune)
    console, job = plain_console(), rayjob_of(experiment)
    missing: MissingModelsError | None = None
    try:
        with refusal_told(config.results, config.name, config.tuning.objectives[0], job):
            summary = _tune(console, config, workers, takeover, job)
    except MissingModelsError as error:
        missing, summary = error, error.summary
    if summary.studies:
        print_findings(console, summary)
        console.print(
            f"report: {config.results.rstrip('/')}/{config.name}/report.html", soft_wrap=True
        )
    if missing:
        raise missing


def _tune(
    console: "Console",
    config: "ExperimentConfig",
    workers: int | None,
    takeover: bool,
    job: str | None,
) -> "ExperimentSummary":
    from tuner_job.experiment.run import run_experiment  # here, so that --help is quick
    from tuner_job.problem import prepare
    from tuner_job.process.interruption import asked

    prepared = prepare(config)
    if not quiet():
        _describe(console, prepared)
    with _progress(console) as display:
        return run_experiment(
            prepared,
            n_workers=workers,
            listener=display,
            should_stop=asked,
            take_over=takeover,
            job=job,
        )


@main.command()
@EXPERIMENT
@click.option("--columns", is_flag=True, help="Show how every column is read, not the first ones.")
@click.option("--json", "as_json", is_flag=True, help="For programs: everything as one document.")
@click.option("--no-estimate", is_flag=True, help="Do not try fits to see how long a run takes.")
def validate(experiment: Path, columns: bool, as_json: bool, no_estimate: bool) -> None:
    """Check an experiment file and its data without writing anything.

    Says how many rows, causes and sites there are, how the columns are read (the codebook, most
    doubtful columns first), what was left out, how many trials will be run, and about how long that
    takes here: a few configurations of each model are tried for some seconds.
    """
    from tuner_job.cli.codebook import codebook_table
    from tuner_job.config.load import load_experiment  # here, so that --help is quick
    from tuner_job.experiment.estimate import estimate_run
    from tuner_job.experiment.known import known_in_words
    from tuner_job.problem import in_words, prepare

    prepared = prepare(load_experiment(experiment))
    if as_json:
        document = _as_document(prepared)
        if not no_estimate:
            document["estimate"] = asdict(estimate_run(prepared))
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    console = plain_console()
    _describe(console, prepared)
    if prepared.dataset.codebook.variables:
        most = None if columns else MOST_COLUMNS
        console.print(codebook_table(prepared.dataset.codebook.variables, most))
    for model, planned in prepared.planned().items():
        console.print(f"{model}: {in_words(prepared.config, model, planned)}")
    for line in known_in_words(prepared) if prepared.config.start_from else ():
        console.print(line, soft_wrap=True)
    if not no_estimate:
        console.print(_in_time(estimate_run(prepared)), soft_wrap=True)
    console.print(f"{experiment} is valid")


def _in_time(estimate: "Estimate") -> str:
    """Say how long a run takes, and how that is known."""
    from tuner_job.units import human_duration  # brings pydantic

    cpus = counted(estimate.n_cpus, "CPU")
    if estimate.seconds is None:
        return f"how long a run takes on the {cpus} here: not known, as nothing ends the search"
    each = ", ".join(
        f"{model} {'?' if seconds is None else human_duration(seconds)}"
        for model, seconds in estimate.models.items()
    )
    ends = "the budget ends the search" if estimate.by_budget else "all trials run"
    return (
        f"a run takes about {human_duration(estimate.seconds)} on the {cpus} here, as {ends} "
        f"(all trials: {each}); an estimate from a few quick fits, which may be off by a factor of "
        "two"
    )


def _as_document(prepared: "Prepared") -> dict[str, object]:
    import numpy as np  # here, so that --help is quick

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
    from tuner_job import __version__  # here, so that --help is quick
    from tuner_job.config.experiment import json_schema

    click.echo(json.dumps(json_schema(__version__), indent=2))


@main.command()
@click.argument("model")
def space(model: str) -> None:
    """Print a model's default search space, to start one's own from."""
    import yaml  # here, so that --help is quick

    from tuner_job.models import get_family

    click.echo(
        yaml.safe_dump(
            dict(get_family(model).default_space), sort_keys=False, default_flow_style=None
        ),
        nl=False,
    )


for _command in (
    *comparing.COMMANDS,
    *results_commands.COMMANDS,
    predicting.predict,
    serving.serve,
    *cluster.COMMANDS,
    operating.operator,
):
    main.add_command(_command)


def _progress(console: "Console") -> "AbstractContextManager[ProgressDisplay | None]":
    from tuner_job.cli.progress import ProgressDisplay  # here, so that --help is quick

    return nullcontext() if quiet() else ProgressDisplay(console)


def _describe(console: "Console", prepared: "Prepared") -> None:
    for line in prepared.described():
        console.print(line)
