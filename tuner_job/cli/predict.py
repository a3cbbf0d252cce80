"""The command that predicts: from a file of deaths to two tables and a page."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner_job.cli.base import IS_FILE, RESULTS, SeveralValues
from tuner_job.process.output import expendable
from tuner_job.wording import counted, listed, plain

if TYPE_CHECKING:
    from tuner_job.prediction.predict import Predicted

_CSMF, _PAGE = "csmf.csv", "deaths.html"
_BESIDE = "[default: {} beside --output]"


@click.command(cls=SeveralValues)
@RESULTS
@click.argument("data", type=click.Path())
@click.option("--model", help="Which model.  [default: the best one, which is said]")
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN...",
    help="Cause fractions of groups too: site, sex, age_group, year (of death), year:COLUMN, or "
    "any column of DATA. Several may follow.",
)
@click.option(
    "--output", **IS_FILE, default="predictions.csv", show_default=True, help="One row a death."
)
@click.option("--csmf", **IS_FILE, help=f"The cause fractions.  {_BESIDE.format(_CSMF)}")
@click.option("--page", **IS_FILE, help=f"The page to show.  {_BESIDE.format(_PAGE)}")
@click.option("--title", help="Of the page.")
@click.option("--country", help="Where the deaths are from, for the page.")
@click.option("--author", help="Who answers for the page.")
@click.option(
    "--raw", is_flag=True, help="The model's own probabilities, neither calibrated nor adjusted."
)
@click.option(
    "--trust",
    multiple=True,
    metavar="MODULE...",
    help="Run code of this module to load the model, as an estimator of another package or of an "
    "own module needs; an own module is imported from the current folder. Several may follow.",
)
@click.option(
    "--allow-pickle",
    is_flag=True,
    help="Load a model that is kept as a pickle, which can run anything: only if everybody who can "
    "write RESULTS is trusted.",
)
def predict(
    results: str,
    data: str,
    model: str | None,
    by: tuple[str, ...],
    output: Path,
    csmf: Path | None,
    page: Path | None,
    raw: bool,
    trust: tuple[str, ...],
    allow_pickle: bool,
    **heading: str | None,
) -> None:
    """Predict causes for new deaths with a tuned model.

    DATA is coded like the data that the model was tuned on; it needs no cause column. Where it is
    coded in another way it is refused; single answers that training did not know are counted.

    Three files are written, all or none: predictions.csv, one row a death (its first three causes,
    how many of its answers training did not know, the probability of each cause); csmf.csv, the
    cause fractions of all deaths and of each group with their intervals; deaths.html, a page that
    opens offline and prints. Probabilities are calibrated and, where the model was tuned for
    populations of other composition, adjusted to the CSMF that is estimated for DATA. If DATA has
    causes, the predictions are scored.
    """
    # here, so that --help is quick
    from tuner_job.files.whole import check_outputs, local_path, whole_files
    from tuner_job.models.estimators.trust import trusting
    from tuner_job.prediction.predict import predict_deaths
    from tuner_job.prediction.tables import write_csmf, write_predictions
    from tuner_job.report.deaths import Heading, render_deaths
    from tuner_job.results.experiment_store import open_experiment
    from tuner_job.results.protect import check_outside_results

    expendable()
    store, given = open_experiment(results), local_path(data)
    outputs = {
        "--output": output,
        "--csmf": csmf or output.parent / _CSMF,
        "--page": page or output.parent / _PAGE,
    }
    check_outputs(outputs, [given] if given is not None else [])
    check_outside_results(store, outputs)
    predicted = predict_deaths(store, model, data, by, raw, trusting(trust, allow_pickle))
    text = render_deaths(predicted, Heading(**heading))
    with whole_files(list(outputs.values())) as (deaths_file, csmf_file, page_file):
        write_predictions(deaths_file, predicted)
        write_csmf(csmf_file, predicted)
        page_file.write(text)
    _tell(predicted, *outputs.values())


def _tell(predicted: "Predicted", output: Path, csmf: Path, page: Path) -> None:
    """Say what was written and what is to be thought of it."""
    choice, scores, groups = predicted.choice, predicted.scores, predicted.csmf.groups
    if choice.reason:
        click.echo(f"model: {choice.model}: {choice.reason}")
    known_by = predicted.deaths.labels.id_column
    click.echo(
        f"{output}: {counted(predicted.n_rows, 'row')}"
        + (f", each with its {plain(known_by, 60)}" if known_by else "")
    )
    click.echo(f"{csmf}: the CSMF of all of them{_of_groups(predicted)}")
    for by in groups:
        gap = predicted.csmf.gap(by)
        click.echo(
            f"groups by {plain(by, 60)} need not add up to all deaths: at most by "
            f"{100 * gap.size:.1f} points, {plain(predicted.tuned.causes[gap.cause], 60)} "
            f"({100 * gap.summed:.1f} % instead of {100 * gap.whole:.1f} %)"
        )
    click.echo(f"{page}: the page to show")
    if predicted.expected:
        click.echo(predicted.expected)
    if scores:
        click.echo(
            f"{counted(int(scores['n_samples']), 'death')} with a known cause: CSMF accuracy "
            f"{scores['csmf_accuracy']:.3f}, COD accuracy {scores['cod_accuracy']:.3f}"
        )
        click.echo(predicted.seen)


def _of_groups(predicted: "Predicted") -> str:
    groups = predicted.csmf.groups
    if not groups:
        return ""
    n_few = sum(one.few for several in groups.values() for one in several)
    few = f"; {counted(n_few, 'group')} with few deaths" if n_few else ""
    n_groups = sum(map(len, groups.values()))
    return f", and of {counted(n_groups, 'group')} by {listed(groups)}{few}"
