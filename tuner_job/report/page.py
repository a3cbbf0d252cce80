"""Put the report together."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import count as counter
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from tuner_job.data import in_words
from tuner_job.errors import StoreError
from tuner_job.records import (
    DEFAULT_TRIAL,
    ExperimentSummary,
    Provenance,
    StudySummary,
    TrialRecord,
)
from tuner_job.report import sentences, tables, text, validity
from tuner_job.report.figures import causes, history, parameters, scores, style
from tuner_job.report.templates import environment
from tuner_job.report.trials import Trials
from tuner_job.results.trial_folder import trial_name
from tuner_job.units import human_duration

_HERE = Path(__file__).parent


def render_report(
    summary: ExperimentSummary, provenance: Provenance, trials: Mapping[str, Sequence[TrialRecord]]
) -> str:
    """Render one experiment as a self-contained HTML page.

    The page loads nothing: styles and figures are inside it, and it has no script. The same records
    give the same bytes.

    Parameters
    ----------
    summary
        What ``summary.json`` holds.
    provenance
        What ``provenance.json`` holds.
    trials
        Model → its trials in any order; the untuned default is trial -1.

    Returns
    -------
    The page as text, to be written in UTF-8.

    Raises
    ------
    StoreError
        If the summary speaks of a trial that `trials` lacks.
    """
    _check(summary, trials)
    sorted_out = {s.model: Trials(trials[s.model], s.objectives[0]) for s in summary.studies}
    with style.applied():
        figures = {
            "comparison": _comparison_figures(summary),
            "models": [_model_figures(study, sorted_out[study.model]) for study in summary.studies],
        }
        page = _environment().get_template("report.html").render(
            summary=summary,
            provenance=provenance,
            trials=sorted_out,
            figures=figures,
            css=Markup((_HERE / "style.css").read_text(encoding="utf-8")),
            command=f"va-tuning tune {shlex.quote(f'{summary.name}/experiment.yaml')}",
        )  # fmt: skip
    return text.visible(page)


def _check(summary: ExperimentSummary, trials: Mapping[str, Sequence[TrialRecord]]) -> None:
    problems = []
    for study in summary.studies:
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


def _comparison_figures(summary: ExperimentSummary) -> list[style.Drawing]:
    if not summary.studies:
        return []
    return [
        scores.tested_intervals(summary.studies, tables.compositions_drawn(summary)),
        scores.fold_spread(summary.studies, summary.baselines),
    ]


def _model_figures(study: StudySummary, trials: Trials) -> dict[str, style.Drawing]:
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
        drawn["parallel"] = parameters.parallel_coordinates(study.model, trials, study.best.trial)
    if study.best.causes:
        drawn["causes"] = causes.by_cause(study.model, study.default.causes, study.best.causes)
    if len(study.objectives) > 1 and trials.complete:
        drawn["pareto"] = scores.pareto(study.model, trials, study.objectives, study.pareto_front)
    return drawn


def _environment() -> Environment:
    found = environment(_HERE)
    words = (text.number, text.signed, text.percent, human_duration, text.value, text.short_value,
             text.settings, text.baseline_label, text.baseline_meaning,
             text.scheme_label, text.selection_rule, text.stop_reason,
             text.capitalised)  # fmt: skip
    found.filters |= {word.__name__: word for word in words}
    found.globals |= {
        "tables": tables,
        "sentences": sentences,
        "validity": validity,
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
