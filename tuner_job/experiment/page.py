"""The step that writes the report."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from threading import Thread
from types import MappingProxyType

from tuner_job.experiment.context import Run
from tuner_job.process.collection import no_collection
from tuner_job.records import ExperimentSummary, TrialRecord
from tuner_job.results.claim import read_document
from tuner_job.results.experiment_store import ExperimentStore

_NOTHING: Mapping[str, Sequence[TrialRecord]] = MappingProxyType({})


def load_drawing() -> None:
    """Begin to load what draws figures, which takes a second."""
    Thread(target=import_module, args=("tuner_job.report.page",), daemon=True).start()


def report(run: Run) -> None:
    """Write the report of the models that are committed, if there are any and somebody reads it."""
    if run.to_be_read and run.summary and run.summary.studies:
        known = {model: choice.records for model, choice in run.choices.items()}
        write_report(run.store, run.summary, known)


def write_report(
    store: ExperimentStore,
    summary: ExperimentSummary,
    known: Mapping[str, Sequence[TrialRecord]] = _NOTHING,
) -> str:
    """Write ``summary.json`` and ``report.html`` from what the store holds; return the page.

    Parameters
    ----------
    known
        Model → its trials, where they have been read.
    """
    # here, so that a search begins without them
    from tuner_job.report.page import render_report
    from tuner_job.report.scales import declared_scales

    with no_collection():
        trials = {
            study.model: known[study.model]
            if study.model in known
            else store.load_trials(study.model)
            for study in summary.studies
        }
        scales = declared_scales(read_document(store))
        page = render_report(summary, store.provenance(), trials, scales, store.url)
    store.save_report(summary, page)
    return page
