"""What stands below the tables of an experiment: what tuning gives, and which model is best."""

from rich import box
from rich.console import Console
from rich.table import Table

from tuner_job.cli.tables import accuracy, best_parameters, default_vs_tuned
from tuner_job.evaluation.best import best_of
from tuner_job.evaluation.steps import SHOWN, StepRow, step_rows
from tuner_job.records import ExperimentSummary, StepGain
from tuner_job.wording import counted


def print_findings(console: Console, summary: ExperimentSummary) -> None:
    """Print all tables of a finished experiment, then which model is best and what the models that
    are kept have seen."""
    console.print(default_vs_tuned(summary))
    console.print(best_parameters(summary))
    if any(study.steps for study in summary.studies):
        console.print(what_tuning_gives(summary))
    if (best := best_of(summary)) and (len(best.candidates) > 1 or best.missing):
        console.print(f"best model: {best.model}: {best.reason}", soft_wrap=True, highlight=False)
    if seen := what_models_saw(summary):
        console.print(seen, soft_wrap=True, highlight=False)


def what_tuning_gives(summary: ExperimentSummary) -> Table:
    """The three steps of each model, and what each adds in CSMF accuracy."""
    table = Table(
        title="what tuning gives",
        caption=_CAPTION,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("model", no_wrap=True)
    table.add_column("step: CSMF by", no_wrap=True)
    for column in ("CSMF\naccuracy", "points\ngained", "in %", "10–30 %?", "CCCSMF", "COD", "CCC"):
        table.add_column(column, justify="right", no_wrap=True)
    for study in summary.studies:
        rows = step_rows(study)
        for n, row in enumerate(rows):
            model = study.model if n == 0 else ""
            table.add_row(model, *_cells(row), end_section=n == len(rows) - 1)
    return table


_CAPTION = (
    "Means over folds. Points: 100 × the difference in CSMF accuracy to the row above, ± its "
    "standard error over folds, paired (folds share training rows, so it is somewhat too small); "
    "in all: tuned less counted default. 10–30 %?: whether the gain is what tuning is often said "
    "to give; open where two standard errors reach across 10 %. The tuned row is as optimistic as "
    "said above. CCCSMF, CCC: CSMF accuracy, and the share of each cause's deaths that is found, "
    "corrected for chance."
)


def _cells(row: StepRow) -> list[str]:
    step = row.step
    name = "in all" if step is None else f"{step.name.split('_')[0]}: {step.csmf_estimator}"
    scores = [accuracy(step.scores[m]) if step and m in step.scores else "" for m in SHOWN]
    return [name, scores[0], *_gain(row.gain), row.answer, *scores[1:]]


def _gain(gain: StepGain | None) -> tuple[str, str]:
    if gain is None:
        return "", ""
    error = "" if gain.error is None else f" ± {100 * gain.error:.1f}"
    relative = "–" if gain.relative is None else f"{100 * gain.relative:+.1f}"
    return f"{100 * gain.gain:+.1f}{error}", relative


def what_models_saw(summary: ExperimentSummary) -> str:
    """Say that the models that are kept have seen the hold-out; empty without one."""
    fitted = next((study.fitted_on for study in summary.studies if study.fitted_on), None)
    if not any(study.holdout for study in summary.studies):
        return ""
    rows = counted(fitted.n_rows, "death") if fitted else "all deaths"
    held_out = f"the {fitted.n_held_out:,}" if fitted else "those"
    return (
        f"The models that are kept are fitted on {rows}, {held_out} of the hold-out too: scores on "
        "the hold-out are those of fits that had not seen it, and what a kept model predicts of it "
        "is in-sample."
    )
