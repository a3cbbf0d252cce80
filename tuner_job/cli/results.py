"""The commands that read what an experiment has stored."""

from pathlib import Path

import click

from tuner_job.cli.base import IS_FILE, RESULTS
from tuner_job.errors import StoreError
from tuner_job.process.output import console, expendable
from tuner_job.wording import MOST_ITEMS, counted, place


@click.command()
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
    # here, so that --help is quick
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
        summary = store.summary()
        console().print(default_vs_tuned(summary))
        console().print(best_parameters(summary))


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
    """Write the HTML report of a finished experiment anew.

    It goes beside the results, and to --output if that is given: one file, to be opened offline.
    """
    from tuner_job.experiment.finish import write_report  # here, so that --help is quick
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


@click.command()
@RESULTS
@click.argument("data", type=click.Path())
@click.option("--model", help="Which model; not needed if only one was tuned.")
@click.option("--output", **IS_FILE, default="predictions.csv", show_default=True)
@click.option("--csmf", **IS_FILE, help="Also write the CSMF of all these deaths to this file.")
@click.option(
    "--raw", is_flag=True, help="The model's own probabilities, neither calibrated nor adjusted."
)
def predict(
    results: str, data: str, model: str | None, output: Path, csmf: Path | None, raw: bool
) -> None:
    """Predict causes for new deaths with a tuned model.

    DATA is coded like the data that the model was tuned on; it needs no cause column. Where it is
    coded in another way it is refused; single answers that training did not know are counted. The
    output has one row a death: the most probable cause, how many of its answers training did not
    know, and the probability of each cause. Probabilities are calibrated and, where the model was
    tuned for populations of other composition, adjusted to the CSMF that is estimated for DATA. If
    DATA has causes, the predictions are scored.
    """
    from tuner_job.prediction.predict import predict_file  # here, so that --help is quick
    from tuner_job.results.experiment_store import open_experiment

    expendable()
    predicted = predict_file(open_experiment(results), model, data, output, csmf, raw)
    click.echo(f"{output}: {counted(predicted.n_rows, 'row')}")
    if csmf:
        click.echo(f"{csmf}: the CSMF of all of them")
    if scores := predicted.scores:
        click.echo(
            f"{counted(int(scores['n_samples']), 'death')} with a known cause: CSMF accuracy "
            f"{scores['csmf_accuracy']:.3f}, COD accuracy {scores['cod_accuracy']:.3f}"
        )


COMMANDS = (show, check, report, predict)
