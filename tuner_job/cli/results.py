"""The commands that read what an experiment has stored."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner_job.cli.base import IS_FILE, RESULTS, checked, whole_number
from tuner_job.errors import InputError, StoreError
from tuner_job.process.output import console, expendable
from tuner_job.wording import MOST_ITEMS, counted, place, plain

if TYPE_CHECKING:
    from tuner_job.results.experiment_store import ExperimentStore


@click.command()
@RESULTS
@click.option("--json", "as_json", is_flag=True, help="The whole summary as JSON.")
@click.option(
    "--trials",
    is_flag=True,
    help="The canonical trials table as CSV: no timings, same bytes at each run.",
)
@click.option(
    "--wide", is_flag=True, help="With --trials: a column a parameter and a metric, and timings."
)
@click.option(
    "--output",
    **IS_FILE,
    help="With --trials: write them to this file; its ending says how: .csv, or .parquet (wide).",
)
@click.option(
    "--commit",
    metavar="N",
    callback=checked(whole_number(1, 999_999)),
    help="What it had when its search was committed for the N-th time, not the newest.",
)
def show(
    results: str, as_json: bool, trials: bool, wide: bool, output: Path | None, commit: int | None
) -> None:
    """Show the best parameters and scores of an experiment.

    RESULTS is the address of the experiment, for example va-results/adult-xgboost or
    s3://va-results/adult-xgboost. Of one that has not ended it shows what there is so far.
    """
    # here, so that --help is quick
    from tuner_job.cli.findings import print_findings
    from tuner_job.cli.so_far import best_so_far, not_ended
    from tuner_job.experiment.earlier import summary_at
    from tuner_job.experiment.so_far import summary_so_far
    from tuner_job.results.experiment_store import open_experiment

    if as_json and trials:
        raise click.UsageError("--json and --trials cannot be used together")
    if (wide or output is not None) and not trials:
        raise click.UsageError(f"{'--wide' if wide else '--output'} needs --trials")
    store = open_experiment(results)
    if trials:
        _show_trials(store, wide, output, commit)
        return
    summary = summary_so_far(store) if commit is None else summary_at(store, commit)
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
        return
    if summary.unfinished:
        console().print(not_ended(summary), soft_wrap=True)
        console().print(best_so_far(summary) if summary.studies else "no trial has finished yet")
        return
    print_findings(console(), summary)


def _show_trials(
    store: "ExperimentStore", wide: bool, output: Path | None, commit: int | None
) -> None:
    """Print the trials, or write them to a file."""
    from tuner_job.cli.tables import trials_csv
    from tuner_job.experiment.earlier import trials_at
    from tuner_job.files.whole import check_outputs, whole_files
    from tuner_job.results.choose import models_of
    from tuner_job.results.protect import check_outside_results
    from tuner_job.results.wide import parquet, wide_csv

    ending = ".csv" if output is None else output.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise InputError(
            f"--output: must end in .csv or .parquet, which says how it is written; got "
            f"{plain(output)}"
        )
    outputs = {} if output is None else {"--output": output}
    check_outputs(outputs)
    check_outside_results(store, outputs)
    if commit is None:
        records = {model: store.load_trials(model) for model in sorted(models_of(store))}
    else:
        records = trials_at(store, commit)
    if output is None:
        click.echo(wide_csv(records) if wide else trials_csv(records), nl=False)
        return
    with whole_files([output]) as (file,):
        if ending == ".parquet":
            file.buffer.write(parquet(records))
        else:
            file.write(wide_csv(records) if wide else trials_csv(records))
    click.echo(f"{output}: {counted(sum(map(len, records.values())), 'trial')}")


@click.command()
@RESULTS
@click.option(
    "--repair", is_flag=True, help="Set what is damaged aside, so that a run makes it again."
)
def check(results: str, repair: bool) -> None:
    """Look for damage in everything that an experiment has stored.

    Damaged is what is empty, cut off, of something else or of another version, or cannot be read.
    With
    --repair it is moved to the folder .damaged of the experiment; running the experiment again then
    makes what is missing. Exit code 2 if damage is left.
    """
    from tuner_job.results.check import find_damage, mend  # here, so that --help is quick
    from tuner_job.results.experiment_store import open_experiment
    from tuner_job.results.lease import leased

    store = open_experiment(results)
    found = find_damage(store)
    for damage in found:
        click.echo(damage.sentence)
    if found and repair:
        with leased(store.store, store.experiment):
            left = mend(store, found)
        click.echo(
            f"{len(found) - len(left)} of {counted(len(found), 'object')} set aside in "
            f"{store.url}/.damaged"
        )
        found = left
    if found:
        names = [place(damage.path) for damage in found[:MOST_ITEMS]]
        if len(found) > MOST_ITEMS:
            names.append(f"and {len(found) - MOST_ITEMS:,} more")
        raise StoreError(
            f"{store.url}: {counted(len(found), 'object')} damaged: {', '.join(names)}"
        )
    click.echo(f"{store.url}: whole")


@click.command()
@RESULTS
@click.option("--output", **IS_FILE, help="Also write the page to this file.")
def report(results: str, output: Path | None) -> None:
    """Write the HTML report of an experiment anew.

    It goes beside the results, and to --output if that is given: one file, to be opened offline. Of
    an experiment that has not ended it shows what there is so far, and says so.
    """
    from tuner_job.experiment.page import write_report  # here, so that --help is quick
    from tuner_job.experiment.so_far import summary_so_far
    from tuner_job.files.whole import check_outputs, whole_files
    from tuner_job.results.experiment_store import open_experiment
    from tuner_job.results.protect import check_outside_results

    expendable()
    store, outputs = open_experiment(results), {} if output is None else {"--output": output}
    check_outputs(outputs)
    check_outside_results(store, outputs, but="report.html")
    page = write_report(store, summary_so_far(store))
    if output is not None:
        with whole_files([output]) as (file,):
            file.write(page)
    click.echo(output or f"{store.url}/report.html")


@click.command()
@RESULTS
@click.option(
    "--to",
    required=True,
    **IS_FILE,
    help="The file; its ending says what: .log, a journal of Optuna's; .parquet or .csv, a table.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def export(results: str, to: Path, overwrite: bool) -> None:
    """Write the trials of an experiment into a file for other programs.

    A journal has a study a model: `optuna-dashboard journal.log` shows its slices, contours,
    parallel coordinates, timeline and more. A table has a row a trial, the untuned default among
    them. Of an experiment that has not ended it is what there is so far.
    """
    from tuner_job.experiment.export import export as write  # here, so that --help is quick
    from tuner_job.results.experiment_store import open_experiment

    expendable()
    n_trials = write(open_experiment(results), to, overwrite, "--to")
    click.echo(f"{to}: {counted(n_trials, 'trial')}")


COMMANDS = (show, check, report, export)
