"""Put the report together."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import count as counter
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from tuner_job.data import in_words
from tuner_job.errors import StoreError
from tuner_job.evaluation import steps
from tuner_job.records import (
    DEFAULT_TRIAL,
    ExperimentSummary,
    Provenance,
    StudySummary,
    TrialRecord,
)
from tuner_job.report import sentences, tables, text, validity
from tuner_job.report.figures import causes, history, parameters, populations, scores, style
from tuner_job.report.figures.axis import Scale
from tuner_job.report.scales import Scales
from tuner_job.report.templates import environment
from tuner_job.report.trials import Trials
from tuner_job.results.trial_folder import trial_name
from tuner_job.units import human_duration

_HERE = Path(__file__).parent


def render_report(
    summary: ExperimentSummary,
    provenance: Provenance,
    trials: Mapping[str, Sequence[TrialRecord]],
    scales: Scales = MappingProxyType({}),
    address: str = "RESULTS",
) -> str:
    """Render one experiment as a self-contained HTML page.

    The page loads nothing: styles and figures are inside it, and it has no script. The same records
    give the same bytes. Parameters and errors are those of `render_content`.

    Returns
    -------
    The page as text, to be written in UTF-8.
    """
    return frame(summary.name, render_content(summary, provenance, trials, scales, address))


def frame(name: str, content: Markup) -> str:
    """Make a page that loads nothing of what `render_content` returned for an experiment."""
    page = _environment().get_template("report.html").render(
        name=name, content=content, css=Markup((_HERE / "style.css").read_text(encoding="utf-8"))
    )  # fmt: skip
    return text.visible(page)


def render_content(
    summary: ExperimentSummary,
    provenance: Provenance,
    trials: Mapping[str, Sequence[TrialRecord]],
    scales: Scales = MappingProxyType({}),
    address: str = "RESULTS",
    followed: bool = False,
) -> Markup:
    """Render what the page of one experiment shows, for a page that has its style.

    Parameters
    ----------
    summary
        What ``summary.json`` holds.
    provenance
        What ``provenance.json`` holds.
    trials
        Model → its trials in any order; the untuned default is trial -1.
    scales
        Of the parameters; what it does not name is drawn on a linear one.
    address
        Of the experiment's results, as commands take it.
    followed
        Whether it is rendered anew while the search goes on.

    Returns
    -------
    The elements ``header`` and ``main``.

    Raises
    ------
    StoreError
        If the summary speaks of a trial that `trials` lacks.
    """
    _check(summary, trials)
    sorted_out = {s.model: Trials(trials[s.model], s.objectives[0]) for s in summary.studies}
    summary = _counted(summary, sorted_out)
    with style.applied():
        content = _environment().get_template("content.html").render(
            summary=summary,
            provenance=provenance,
            trials=sorted_out,
            figures=_figures(summary, sorted_out, scales),
            address=shlex.quote(address),
            best=sentences.best_study(summary),
            command=f"va-tuning tune {shlex.quote(f'{summary.name}/experiment.yaml')}",
            followed=followed,
        )  # fmt: skip
    return Markup(text.visible(content))


def _figures(
    summary: ExperimentSummary, trials: Mapping[str, Trials], scales: Scales
) -> dict[str, Any]:
    return {
        "comparison": _comparison_figures(summary),
        "models": [
            _model_figures(study, trials[study.model], scales.get(study.model, {}))
            for study in summary.studies
        ],
    }


def _check(summary: ExperimentSummary, trials: Mapping[str, Sequence[TrialRecord]]) -> None:
    problems = []
    for study in summary.studies:
        if study.members:  # which have records of their own
            continue
        numbers = {trial.trial for trial in trials.get(study.model, ())}
        needed = {DEFAULT_TRIAL, study.best.trial, *study.pareto_front}
        problems += [
            f"{study.model}/trials/{trial_name(number)}.json is missing"
            for number in sorted(needed - numbers)
        ]
    if problems:
        listed = "; ".join(problems)
        raise StoreError(
            f"{summary.name}: every trial that summary.json names must have a record: {listed}"
        )


def _counted(summary: ExperimentSummary, trials: Mapping[str, Trials]) -> ExperimentSummary:
    """Count repeated trials where an earlier version did not, so that each number stands once."""
    studies = [
        study.model_copy(update={"repeated": trials[study.model].repeated})
        for study in summary.studies
    ]
    return summary.model_copy(update={"studies": studies})


def _comparison_figures(summary: ExperimentSummary) -> list[style.Drawing]:
    if not summary.studies:
        return []
    tested = [study for study in summary.studies if study.default.tested or study.best.tested]
    return [
        *([scores.tested_intervals(tested, tables.compositions_drawn(summary))] if tested else []),
        scores.fold_spread(summary.studies, summary.baselines),
    ]


def _model_figures(
    study: StudySummary, trials: Trials, scales: Mapping[str, Scale]
) -> dict[str, style.Drawing]:
    """Draw what there are records for; a figure without data is left out."""
    drawn: dict[str, style.Drawing] = {}
    if trials.searched:
        drawn["history"] = history.history(
            study.model, trials, study.default.scores.get(trials.objective)
        )
    if study.parameter_importance:
        drawn["importance"] = parameters.importance(study.model, study.parameter_importance)
    if trials.complete:
        drawn["gap"] = scores.training_gap(study.model, trials, study.best.trial)
    if len(trials.complete) > 1:
        drawn["parallel"] = parameters.parallel_coordinates(
            study.model, trials, study.best.trial, scales
        )
    if study.by_population:
        drawn["populations"] = populations.by_size(study.model, study.by_population)
    if study.best.causes:
        drawn["causes"] = causes.by_cause(study.model, study.default.causes, study.best.causes)
    if len(study.objectives) > 1 and trials.complete:
        drawn["pareto"] = scores.pareto(study.model, trials, study.objectives, study.pareto_front)
    return drawn


def _environment() -> Environment:
    found = environment(_HERE)
    words = (text.number, text.signed, text.percent, human_duration, text.value, text.short_value,
             text.settings, text.baseline_label, text.baseline_meaning,
             text.scheme_label, text.shift_label, text.selection_rule, text.stop_reason,
             text.capitalised)  # fmt: skip
    found.filters |= {word.__name__: word for word in words}
    found.globals |= {
        "tables": tables,
        "sentences": sentences,
        "validity": validity,
        "steps": steps,
        "codebook": in_words,
        "inline": _numbered(),
    }
    return found


def _numbered() -> Any:
    """Return a function that numbers drawings in the order in which they stand in the page."""
    numbers = counter(1)

    def inline(drawing: style.Drawing) -> tuple[int, Markup]:
        number = next(numbers)
        return number, style.to_svg(drawing, f"f{number}")

    return inline
