"""The findings in whole sentences: what the records say and no more."""

import numpy as np

from tuner_job.records import ExperimentSummary, StudySummary
from tuner_job.report.tables import difference
from tuner_job.report.text import baseline_label, count, metric_label, number

_CHOSEN = {
    "best": "best",
    "one_standard_error": "simplest near the best",
    "cod_within_standard_error": "one near the best that finds most deaths’ causes",
}


def best_study(summary: ExperimentSummary) -> StudySummary | None:
    """Return the study with the highest tuned score; of equals, the first; None if there is
    none."""
    scored = [s for s in summary.studies if np.isfinite(s.best.scores.get(s.objectives[0], np.nan))]
    return max(scored, key=lambda s: s.best.scores[s.objectives[0]], default=None)


def overall(summary: ExperimentSummary) -> str:
    """Say which model scored highest."""
    best = best_study(summary)
    if best is None:
        return "No configuration has a score."
    metric = best.objectives[0]
    which = _called(best)
    text = (
        f"{best.model}, {which}, has {metric_label(metric)} {number(best.best.scores[metric])}, "
        f"as the mean over {count(summary.n_folds, 'fold')}"
    )
    return (
        f"Highest of {len(summary.studies)} models: {text}."
        if len(summary.studies) > 1
        else f"{text}."
    )


def finding(summary: ExperimentSummary, study: StudySummary) -> str:
    """Say in one sentence what tuning did for one model."""
    metric, complete = study.objectives[0], study.n_trials.get("complete", 0)
    default, tuned = (number(one.scores.get(metric)) for one in (study.default, study.best))
    compared = (
        f"{metric_label(metric)} {tuned}, {_against_default(study)} the untuned default ({default})"
    )
    if study.best.trial >= 0:
        tried = f"{count(complete, 'finished trial')}{_at_no_fit(study)}"
        text = f"the {_CHOSEN.get(study.selection, 'chosen one')} of {tried} has {compared}"
    elif _other_estimator(study):
        kept = "stand, as no trial of the search finished" if complete == 0 else "were not beaten"
        text = f"the default’s parameters {kept}; with its CSMF made by {study.best.csmf_estimator} it has {compared}"
    else:
        reason = (
            "no trial of the search finished, so the untuned default stands"
            if complete == 0
            else f"none of {count(complete, 'finished trial')} was chosen over the untuned default"
        )
        text = f"{reason}, with {metric_label(metric)} {default}"
    return f"{text}{_against_baselines(summary, study)}.{_deaths_found(study)}"


def timing(study: StudySummary) -> str:
    """Say that a search may end otherwise another time; empty if it cannot."""
    if study.deterministic:
        return ""
    return (
        f"Ray Tune ({study.search_method}) decided which trials to stop or to change by the "
        "results that were there at "
        "the time: another run of the same file and seed may give other trials."
    )


def _called(study: StudySummary) -> str:
    if study.best.trial >= 0:
        return "tuned"
    return (
        f"with the default’s parameters and {study.best.csmf_estimator}"
        if _other_estimator(study)
        else "untuned"
    )


def _other_estimator(study: StudySummary) -> bool:
    """Whether the tuned CSMF is made otherwise than the default's."""
    return study.best.csmf_estimator != study.default.csmf_estimator


def _at_no_fit(study: StudySummary) -> str:
    return f" and {study.n_free} more scored at no fit" if study.n_free else ""


def _against_default(study: StudySummary) -> str:
    gained = difference(study)
    if gained is None:
        return "beside"
    if number(gained) == number(0):
        return "the same to three decimals as"
    return f"{number(abs(gained))} {'above' if gained > 0 else 'below'}"


def _against_baselines(summary: ExperimentSummary, study: StudySummary) -> str:
    """Name the baselines that have a higher CSMF accuracy than the tuned model."""
    reached = study.best.scores.get("csmf_accuracy")
    known = {n: s["csmf_accuracy"] for n, s in summary.baselines.items() if "csmf_accuracy" in s}
    if reached is None or not known:
        return ""
    own = (
        "" if study.objectives[0] == "csmf_accuracy" else f"its CSMF accuracy {number(reached)} is "
    )
    above = [f"{baseline_label(n).lower()} ({number(s)})" for n, s in known.items() if reached < s]
    return f"; {own}below {' and '.join(above)}" if above else f"; {own}not below any baseline"


def _deaths_found(study: StudySummary) -> str:
    """Say what became of the single deaths where the search looked at something else."""
    before, after = (c.scores.get("cod_accuracy") for c in (study.default, study.best))
    if study.objectives[0] == "cod_accuracy" or before is None or after is None:
        return ""
    if study.best.trial < 0 and not _other_estimator(study):
        return ""
    return f" Its COD accuracy is {number(after)}, that of the default {number(before)}."
