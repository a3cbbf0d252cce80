"""The commands that compare models across sites."""

from importlib.util import find_spec
from pathlib import Path

import click

from tuner_job.cli.base import EXPERIMENT, IS_ADDRESS, WORKERS
from tuner_job.errors import InputError
from tuner_job.process.output import expendable


@click.command()
@EXPERIMENT
@click.option(
    "--output",
    **IS_ADDRESS,
    help="Where the comparison goes, instead of below results by its name.",
)
@WORKERS
@click.option(
    "--clear-checkpoints",
    is_flag=True,
    help="Remove an earlier comparison's results there first; its searches are kept.",
)
def compare(
    experiment: Path, output: str | None, workers: int | None, clear_checkpoints: bool
) -> None:
    """Compare models across sites, untuned and tuned, or go on with it.

    The section comparison of the experiment file says what is compared; data, models, tuning and
    validation are those of tune. Every finished experiment is in the output at once: after a crash
    or Ctrl-C the same command goes on from there.

    run-distributed-comparison does the same by flags.
    """
    from tuner_job.comparison.compare import Place, place_of  # here, so that --help is quick
    from tuner_job.comparison.compare import compare as run
    from tuner_job.comparison.settings import Runtime
    from tuner_job.config.load import load_experiment
    from tuner_job.process.interruption import asked

    expendable()
    config = load_experiment(experiment)
    place = Place(output or place_of(config), clear=clear_checkpoints)
    run(config, place, Runtime(workers), click.echo, asked)


@click.command()
@EXPERIMENT
@click.option("--output", **IS_ADDRESS, required=True, help="Where the comparison goes.")
@WORKERS
def flow(experiment: Path, output: str, workers: int | None) -> None:
    """Tune, compare and report as a Prefect flow.

    The comparison takes what was tuned. Needs Prefect: in a checkout, pip install '.[prefect]'.
    Without PREFECT_API_URL, Prefect starts a server for the run.
    """
    if find_spec("prefect") is None:
        raise InputError(
            "flow needs Prefect, which is not installed; in a checkout: pip install '.[prefect]'"
        )
    from tuner_job.comparison.flow import tune_compare_report  # here, so that --help is quick

    for address in tune_compare_report(experiment, output, workers):
        click.echo(address)


COMMANDS = (compare, flow)
