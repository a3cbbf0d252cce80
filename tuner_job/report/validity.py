"""What makes a score trustworthy, in whole sentences: what was tested, how CSMFs are made, what
the choice flatters."""

from tuner_job.records import DEFAULT_TRIAL, ExperimentSummary, StudySummary
from tuner_job.report.text import (
    count,
    estimator_meaning,
    metric_label,
    number,
    percent,
    scheme_meaning,
    shift_label,
)
from tuner_job.report.trials import Trials

_NEAR_1 = 0.05
"""A temperature this near to 1 changes no probability that a reader would notice."""
_PASSED_ON = (
    "Its members were chosen on these folds, and so was its CSMF estimator; for each fold its "
    "exponents were fitted on the others."
)


def protocol(summary: ExperimentSummary) -> str:
    """Say which populations configurations were tested on."""
    stated = ", ".join(f"{cause} {_range(*bounds)}" for cause, bounds in summary.shift.items())
    return (
        f"{scheme_meaning(summary.scheme)}{_populations(summary)}"
        f"{f' Stated: {stated}.' if stated else ''}"
    )


def _populations(summary: ExperimentSummary) -> str:
    """Say how large drawn populations were, and how far they differed from training."""
    if summary.scheme not in ("dirichlet", "shift"):
        return ""
    if summary.sizes is None:
        size = "as many deaths as their fold"
    else:
        fewest, most = summary.sizes
        upto = f" to {most:,}" if most < summary.n_samples else " to all of their fold"
        size = f"{fewest:,}{'' if most == fewest else upto} deaths"
    if summary.scheme == "shift":
        return f" They have {size}."
    parts = ", ".join(shift_label(shift) for shift in summary.shifts)
    equal = ", in equal parts" if len(summary.shifts) > 1 else ""
    return f" They have {size} and are composed {parts}{equal}."


def _range(low: float, high: float) -> str:
    return f"{percent(low)} %" if low == high else f"{percent(low)} to {percent(high)} %"


def estimator(study: StudySummary, trials: Trials) -> str:
    """Say how the tuned CSMF is made and why in this way."""
    chosen = study.best.csmf_estimator
    added = f"{chosen.shrinkage:g} pseudo-death{'' if chosen.shrinkage == 1 else 's'} a cause"
    held = f", held back by {added}" if chosen.shrinkage else ""
    if chosen.limit:
        held = f"; from some {chosen.limit:g} deaths on, more of them count for less each"
    how = f"Its CSMF is made by {chosen}: {estimator_meaning(chosen.method)}{held}."
    return f"{how} {_why(study, trials)}{_alone(study, trials)}"


def _why(study: StudySummary, trials: Trials) -> str:
    chosen, tried = str(study.best.csmf_estimator), study.best.by_estimator
    if len(tried) < 2:
        return "The experiment file allows no other."
    best = max(tried, key=lambda name: tried[name])
    if best != chosen and (study.members or trials[study.best.trial].fell_back):
        return (
            f"{best} has the higher mean CSMF accuracy, {number(tried[best])} against "
            f"{number(tried[chosen])}, but by no more than "
            f"{'two standard errors' if chosen.startswith('bayes') else 'one standard error'} "
            "over folds: the gain may be noise, "
            f"so {'the plain mean' if chosen == 'mean' else chosen} was kept."
        )
    beside = (
        ""
        if chosen == "mean" or "mean" not in tried
        else f"; the plain mean has {number(tried['mean'])}"
    )
    return (
        f"It has the highest mean CSMF accuracy of {len(tried)} tried, "
        f"{number(tried[chosen])}{beside}."
    )


def _alone(study: StudySummary, trials: Trials) -> str:
    """Say how much of the gain is the estimator's, not the parameters'."""
    if study.members or study.best.trial == DEFAULT_TRIAL:
        return ""
    accuracies = trials[DEFAULT_TRIAL].csmf.get(str(study.best.csmf_estimator))
    if not accuracies:
        return ""
    return f" With it the default’s parameters reach {number(sum(accuracies) / len(accuracies))}."


def calibration(study: StudySummary) -> str:
    """Say how far the model's probabilities are to be trusted as they are; empty if it is not
    known."""
    if study.calibration is None:
        return ""
    temperature = study.calibration.temperature
    meaning = "they are about as sure as they should be"
    if abs(temperature - 1) > _NEAR_1:
        meaning = (
            "they are too sure and get flattened"
            if temperature > 1
            else "they are too unsure and get sharpened"
        )
    return f"Calibration temperature of its probabilities: {number(temperature, 2)}; {meaning}."


def optimism(study: StudySummary) -> str:
    """Say how much the tuned score owes to being the best of many."""
    metric, found = study.objectives[0], study.optimism
    score = study.best.scores.get(metric)
    if found is None or score is None:
        return (
            _PASSED_ON
            if study.members
            else (
                "How much the choice flatters its score cannot be estimated: too few trials are "
                "complete."
            )
        )
    corrected = f"corrected for that, its {metric_label(metric)} is {number(score - found)}."
    if study.members:
        return (
            f"{_PASSED_ON} Their scores are estimated to be {number(found)} too high, averaged by "
            f"exponent; {corrected}"
        )
    return (
        f"The best inner score is estimated to be {number(found)} too high through selection among "
        f"{count(study.n_evaluated('complete'), 'finished trial')}, the default and their CSMF "
        f"estimators; {corrected}"
    )
