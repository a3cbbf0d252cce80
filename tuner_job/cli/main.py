"""The command line: commands and exit codes only.

Exit codes: 0 done · 1 the search could not go on · 2 something given cannot be used · 130
interrupted.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
from rich.console import Console

from tuner_job import __version__
from tuner_job.cli.cluster import COMMANDS
from tuner_job.errors import MissingModelsError, StoreError, VaTuningError
from tuner_job.process.command import INTERRUPTED
from tuner_job.process.output import console as plain_console
from tuner_job.process.output import expendable, tell_notes
from tuner_job.public import without_secrets
from tuner_job.wording import counted, listed, plain

if TYPE_CHECKING:
    from tuner_job.problem import Prepared


class _OutputFile(click.Path):
    """A file to write, as a `Path`, which forgets the slash by which a folder is meant."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).endswith(("/", os.sep)):
            self.fail(f"must be a file, not a folder: {plain(value)}", param, ctx)
        return super().convert(value, param, ctx)


EXPERIMENT = click.argument("experiment", type=click.Path(path_type=Path))
RESULTS = click.argument("results")


class _Group(click.Group):
    """Says every expected error as one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        tell_notes()
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise click.UsageError(without_secrets(error.format_message()), error.ctx) from None
        except VaTuningError as error:
            click.echo(f"va-tuning: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)


@click.group(cls=_Group, context_settings={"max_content_width": 100})
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
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    help="Processes that fit models. [default: one a CPU]",
)
@click.option("--results", help="Where results go, instead of what the file says.")
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
    from tuner_job.cli.progress import ProgressDisplay
    from tuner_job.cli.tables import best_parameters, default_vs_tuned
    from tuner_job.config.load import load_experiment
    from tuner_job.experiment.run import run_experiment
    from tuner_job.problem import prepare
    from tuner_job.process.interruption import asked
    from tuner_job.results.lease import rayjob_of

    expendable()
    config = load_experiment(experiment)
    if results is not None:
        config = config.model_copy(update={"results": _checked_results(results)})
    console = plain_console()
    prepared = prepare(config)
    _describe(console, prepared)
    missing: MissingModelsError | None = None
    try:
        with ProgressDisplay(console, config.budget.timeout) as display:
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
def validate(experiment: Path) -> None:
    """Check an experiment file and its data without writing anything.

    Says how many rows, causes and sites there are, what was dropped, and how many trials will be
    run.
    """
    from tuner_job.config.load import load_experiment
    from tuner_job.problem import in_words, prepare

    prepared = prepare(load_experiment(experiment))
    console = plain_console()
    _describe(console, prepared)
    for model, planned in prepared.planned().items():
        console.print(f"{model}: {in_words(prepared.config, model, planned)}")
    console.print(f"{experiment} is valid")


@main.command()
@RESULTS
@click.option("--json", "as_json", is_flag=True, help="The whole summary as JSON.")
@click.option(
    "--trials",
    is_flag=True,
    help="The canonical trials table as CSV: no timings, same bytes at each run.",
)
def show(results: str, as_json: bool, trials: bool) -> None:
    """Show the best parameters and scores of an experiment.

    RESULTS is the address of the experiment, for example va-results/adult-xgboost or
    s3://va-results/adult-xgboost. With --trials an experiment that is still running can be looked
    at too.
    """
    from tuner_job.cli.tables import best_parameters, default_vs_tuned, trials_csv
    from tuner_job.results.choose import models_of
    from tuner_job.results.experiment_store import open_experiment

    store = open_experiment(results)
    if trials:
        click.echo(
            trials_csv({model: store.load_trials(model) for model in sorted(models_of(store))}),
            nl=False,
        )
    elif as_json:
        click.echo(store.summary().model_dump_json(indent=2))
    else:
        console, summary = plain_console(), store.summary()
        console.print(default_vs_tuned(summary))
        console.print(best_parameters(summary))


@main.command()
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
    from tuner_job.results.check import find_damage, mend
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
        names = listed(damage.path for damage in found)
        raise StoreError(f"{store.url}: {counted(len(found), 'object')} damaged: {names}")
    click.echo(f"{store.url}: whole")


@main.command()
@RESULTS
@click.option("--output", type=_OutputFile(), help="Also write the page to this file.")
def report(results: str, output: Path | None) -> None:
    """Write the HTML report of a finished experiment anew.

    It goes beside the results, and to --output if that is given: one file, to be opened offline.
    """
    from tuner_job.experiment.finish import write_report
    from tuner_job.files.whole import check_outputs, whole_files
    from tuner_job.results.experiment_store import open_experiment
    from tuner_job.results.protect import check_outside_results

    expendable()
    store, outputs = open_experiment(results), {} if output is None else {"--output": output}
    check_outputs(outputs)
    check_outside_results(store, outputs, but="report.html")
    page = write_report(store, store.summary())
    if output is not None:
        with whole_files([output]) as (file,):
            file.write(page)
    click.echo(output or f"{store.url}/report.html")


@main.command()
@RESULTS
@click.argument("data", type=click.Path())
@click.option("--model", help="Which model; not needed if only one was tuned.")
@click.option("--output", type=_OutputFile(), default=Path("predictions.csv"), show_default=True)
@click.option(
    "--csmf", type=_OutputFile(), help="Also write the CSMF of all these deaths to this file."
)
@click.option(
    "--raw", is_flag=True, help="The model's own probabilities, neither calibrated nor adjusted."
)
def predict(
    results: str, data: str, model: str | None, output: Path, csmf: Path | None, raw: bool
) -> None:
    """Predict causes for new deaths with a tuned model.

    DATA is coded like the data that the model was tuned on; it needs no cause column. The output
    has one row a death: the most probable cause and the probability of each. Probabilities are
    calibrated and, where the model was tuned for populations of other composition, adjusted to the
    CSMF that is estimated for DATA.
    """
    from tuner_job.prediction.predict import predict_file
    from tuner_job.results.experiment_store import open_experiment

    expendable()
    n_rows = predict_file(open_experiment(results), model, data, output, csmf, raw, say=_note)
    click.echo(f"{output}: {counted(n_rows, 'row')}")
    if csmf:
        click.echo(f"{csmf}: the CSMF of all of them")


@main.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def compare(arguments: tuple[str, ...]) -> None:
    """Compare models across sites, untuned and tuned; see its --help."""
    from tuner_job.comparison.run_distributed_comparison import main as run

    run(arguments, called="va-tuning compare")


@main.command()
def schema() -> None:
    """Print the JSON Schema of experiment files, so that editors complete and check them."""
    from tuner_job.config.experiment import ExperimentConfig

    click.echo(json.dumps(ExperimentConfig.model_json_schema(), indent=2))


@main.command()
@click.argument("model", type=click.Choice(["xgboost", "random_forest", "logistic_regression"]))
def space(model: str) -> None:
    """Print a model's default search space, to start one's own from."""
    from tuner_job.models import FAMILIES

    click.echo(
        yaml.safe_dump(
            dict(FAMILIES[model].default_space), sort_keys=False, default_flow_style=None
        ),
        nl=False,
    )


for _command in COMMANDS:
    main.add_command(_command)


def _checked_results(results: str) -> str:
    from tuner_job.address import results_address
    from tuner_job.errors import ConfigError

    try:
        return results_address(results)
    except ValueError as error:
        raise ConfigError(f"--results: {error}") from None


def _note(text: str) -> None:
    click.echo(f"note: {text}", err=True)


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
