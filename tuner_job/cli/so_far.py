"""An experiment that has not ended, as a table for people."""

from rich import box
from rich.table import Table

from tuner_job.cli.tables import trials_by_state
from tuner_job.records import ExperimentSummary
from tuner_job.wording import listed, plain, short


def not_ended(summary: ExperimentSummary) -> str:
    """Say which searches have not ended, and what goes on with them."""
    who = (
        f"run by {plain(summary.run_by)}"
        if summary.run_by
        else "nobody runs it; the same tune command goes on with it"
    )
    return f"{summary.name}: has not ended ({listed(summary.unfinished)}): {who}"


def best_so_far(summary: ExperimentSummary) -> Table:
    """One row a model: its trials so far, and the best of them."""
    table = Table(
        title=f"{summary.name}: so far",
        caption="Scores are means over folds of what is searched for. The best one was chosen on "
        "these same folds, so it is somewhat optimistic.",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("model", no_wrap=True)
    table.add_column("trials: complete,\nstopped early, failed")
    for column in ("default", "best"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("parameters of the best")
    for study in summary.studies:
        metric, best = study.objectives[0], study.best
        params = ", ".join(f"{name}={short(value)}" for name, value in best.params.items())
        source = f", {best.source}" if best.source else ""
        default = study.default.scores.get(metric)
        table.add_row(
            study.model + ("" if study.model in summary.unfinished else " (ended)"),
            trials_by_state(study),
            "–" if default is None else f"{default:.3f}",
            f"{best.scores[metric]:.3f}",
            f"{params} (trial {best.trial}{source})" if best.trial >= 0 else "those of the default",
        )
    return table
