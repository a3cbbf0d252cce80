"""The step that writes the report, drawn where its libraries are loaded."""

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
    page = _drawn(workers, store, summary)
    store.save_report(summary, page)
    return page


def _drawn(workers: Workers | None, store: ExperimentStore, summary: ExperimentSummary) -> str:
    if workers is None:
        return draw(store, summary)
    workers.load(DRAWING)
    return workers.begin(draw, store, summary)()


def draw(store: ExperimentStore, summary: ExperimentSummary) -> str:
    """Draw the report of what the store holds; trials are read here, so that the process that
    searches need not hold them."""
    # figures take a second to import
    from tuner_job.report.page import render_report
    from tuner_job.report.scales import declared_scales

    trials = {study.model: store.load_trials(study.model) for study in summary.studies}
    scales = declared_scales(read_document(store))
    return render_report(summary, store.provenance(), trials, scales, store.url)
