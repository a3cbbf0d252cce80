"""The findings in whole sentences: what the records say and no more."""

from tuner_job.evaluation.best import best_of
from tuner_job.records import BestModel, ExperimentSummary, StudySummary
from tuner_job.report.tables import difference
from tuner_job.report.text import baseline_label, count, metric_label, number
from tuner_job.report.trials import Trials

_CHOSEN = {
    "best": "best",
    "one_standard_error": "simplest near the best",
    "cod_within_standard_error": "one near the best that finds most deaths’ causes",
}


def overall(summary: ExperimentSummary) -> str:
    """Say which model is best."""
    best = best_of(summary)
    if best is None:
        return "No configuration has a score."
    study = next(study for study in summary.studies if study.model == best.model)
    text = (
        f"{best.model}, {_called(study)}, has {metric_label(best.metric)} "
        f"{number(study.best.scores[best.metric])}, as the mean over "
        f"{count(summary.n_folds, 'fold')}"
    )
    n_models = len(best.candidates) + len(best.missing)
    return f"Best of {n_models} models: {text}." if n_models > 1 else f"{text}."


def best_study(summary: ExperimentSummary) -> StudySummary | None:
    """Return the study of the best model; None if there is none."""
    best = best_of(summary)
    return next((s for s in summary.studies if best and s.model == best.model), None)


def why_best(summary: ExperimentSummary) -> str:
    """Say why the best model is held for it; empty where there was nothing to choose from."""
    best = best_of(summary)
    if best is None or len(best.candidates) + len(best.missing) < 2:
        return ""
    return f"{best.model} {'' if _led(best) else 'is '}{best.reason}."


def _led(best: BestModel) -> bool:
    return best.model == best.candidates[0].model and len(best.candidates) > 1


def kept_models(summary: ExperimentSummary) -> str:
    """Say what the models that are kept have seen of the hold-out."""
    fitted = next((study.fitted_on for study in summary.studies if study.fitted_on), None)
    rows = f"all {fitted.n_rows} deaths" if fitted else "all deaths"
    return (
        f"The models that are kept (predict uses them) are fitted on {rows}, these too: what "
        "they predict of these deaths is in-sample and no measure of them. The scores above are "
        "those of fits that had not seen them."
    )


def finding(summary: ExperimentSummary, study: StudySummary) -> str:
    """Say in one sentence what tuning did for one model."""
    metric, complete = study.objectives[0], study.n_evaluated("complete")
    default, tuned = (number(one.scores.get(metric)) for one in (study.default, study.best))
    untuned = "geometric mean of their untuned defaults" if study.members else "untuned default"
    compared = (
        f"{metric_label(metric)} {tuned}, {_against_default(study)} the {untuned} ({default})"
    )
    if study.members:
        text = f"the members’ tuned configurations, pooled, have {compared}"
    elif study.best.trial >= 0:
        tried = f"{count(complete, 'finished trial')}"
        tried += f" and {study.n_known:,} known from elsewhere" if study.n_known else ""
        text = f"the {_CHOSEN.get(study.selection, 'chosen one')} of {tried} has {compared}"
    elif _other_estimator(study):
        kept = "stand, as no trial of the search finished" if complete == 0 else "were not beaten"
        text = (
            f"the default’s parameters {kept}; with its CSMF made by {study.best.csmf_estimator} "
            f"it has {compared}"
        )
    else:
        reason = (
            "no trial of the search finished, so the untuned default stands"
            if complete == 0
            else f"none of {count(complete, 'finished trial')} was chosen over the untuned default"
        )
        text = f"{reason}, with {metric_label(metric)} {default}"
    return f"{text}{_against_baselines(summary, study)}.{_deaths_found(study)}"


def pooled() -> str:
    """Say how an ensemble is made of its members."""
    return (
        "Its probabilities are the training fractions times what each member adds to them, raised "
        "to that member’s exponent. The larger an exponent, the more its member counts; one that "
        "is too sure of itself has a smaller one. The exponents make the members’ out-of-fold "
        "probabilities fit the causes best; each fold is scored with those that the other folds "
        "give. No model was fitted anew."
    )


def known(study: StudySummary, trials: Trials) -> str:
    """Say which trials are known from other experiments; empty if none is."""
    parts = []
    for (address, commit), records in trials.by_source().items():
        numbers = f"{records[0].trial}–{records[-1].trial}" if len(records) > 1 else "one"
        scores = [trials.score(one) for one in records if one.state == "complete"]
        best = f", the best with {number(max(scores))}" if scores else ""
        where = f"{address} ({f'its commit {commit}' if commit else 'not committed then'})"
        parts.append(f"{count(len(records), 'trial')} ({numbers}) from {where}{best}")
    if not parts:
        return ""
    chosen = f" The tuned configuration is {study.best.source}." if study.best.source else ""
    return f"Known before the search began, and not fitted again: {'; '.join(parts)}.{chosen}"


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
