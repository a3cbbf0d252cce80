"""The step that writes the report, drawn where its libraries are loaded."""

from collections.abc import Sequence
from typing import Any

from tuner_job.execution.workers import Workers
from tuner_job.experiment.context import Run
from tuner_job.records import ExperimentSummary
from tuner_job.results.claim import read_document
from tuner_job.results.experiment_store import ExperimentStore

DRAWING = ("tuner_job.report.page",)
"""Modules with which everything is loaded that a report needs."""


def report(run: Run) -> None:
    """Write the report of the models that are committed, if there are any."""
    if run.summary and run.summary.studies:
        write_report(run.store, run.summary, run.workers)


def write_report(
    store: ExperimentStore, summary: ExperimentSummary, workers: Workers | None = None
) -> str:
    """Write ``summary.json`` and ``report.html`` from what the store holds; return the page.

    Parameters
    ----------
    workers
        One of them draws; None: this process does.
    """
    from tuner_job.report.scales import declared_scales  # brings the spaces' rules

    trials = {study.model: store.load_trials(study.model) for study in summary.studies}
    scales = declared_scales(read_document(store))
    page = _render(workers, (summary, store.provenance(), trials, scales, store.url))
    store.save_report(summary, page)
    return page


def _render(workers: Workers | None, arguments: Sequence[Any]) -> str:
    if workers is None:
        return render(*arguments)
    workers.load(DRAWING)
    return workers.call(render, *arguments)


def render(*arguments: Any) -> str:
    """Render the report, as `tuner_job.report.page.render_report` does."""
    from tuner_job.report.page import render_report  # figures take a second to import

    return render_report(*arguments)
