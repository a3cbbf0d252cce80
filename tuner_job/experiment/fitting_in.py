"""Which trials of another experiment are trials of this one too, and why the others are not."""

from collections import Counter
from collections.abc import Sequence

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import FamilyName
from tuner_job.experiment.choice import complete_trials
from tuner_job.models import ModelFamily
from tuner_job.records import DEFAULT_TRIAL, TrialRecord
from tuner_job.search_space import Configuration, carried

OUTSIDE, STOPPED, FAILED = "outside of the search space", "stopped early", "failed"
LACKING = "without a score that is searched for"
TWICE = "of a configuration that was known before"


def fitting(
    config: ExperimentConfig,
    model: FamilyName,
    records: Sequence[TrialRecord],
    rule_holds: bool,
) -> tuple[list[tuple[TrialRecord, Configuration]], Counter[str]]:
    """Find the trials that lie in the search space, each with its configuration there.

    A failed trial may do better here, so it is left out. One that was stopped early lay out of
    reach of the best trial there: it is one here as well if that is known here too.

    Parameters
    ----------
    records
        All of a model's; the untuned default tells the values of what a trial does not name.
    rule_holds
        Whether the experiment stopped trials by the rule of this one, for the same single
        objective.

    Returns
    -------
    The trials, and how many others there are, by what they are.
    """
    space, here = config.space(model), untuned(config.family(model))
    default = next((one for one in records if one.trial == DEFAULT_TRIAL), None)
    there = default.params if default else {}
    searched = [one for one in records if one.trial != DEFAULT_TRIAL]
    inside = {one.trial: carried(space, one.params, there, here) for one in searched}
    metrics = config.tuning.objectives
    whole = [one for one in complete_trials(searched) if set(metrics) <= set(one.scores)]
    best = max(whole, key=lambda one: (one.scores[metrics[0]], -one.trial), default=None)
    stopped_hold = rule_holds and best is not None and inside[best.trial] is not None
    taken, left_out = [], Counter[str]()
    for record in searched:
        params = inside[record.trial]
        if why := _why_not(record, params, metrics, stopped_hold):
            left_out[why] += 1
        elif params is not None:
            taken.append((record, params))
    return taken, left_out


def untuned(family: ModelFamily) -> Configuration:
    """Every parameter of a family, untuned."""
    return family.Parameters.model_validate({}).model_dump()


def _why_not(
    record: TrialRecord, params: Configuration | None, metrics: Sequence[str], stopped_hold: bool
) -> str:
    if record.state == "failed":
        return FAILED
    if params is None:
        return OUTSIDE
    if record.state == "pruned":
        judged = [bool(fold.judged) for fold in record.folds]
        return "" if stopped_hold and judged and all(judged) else STOPPED
    return "" if set(metrics) <= set(record.scores) else LACKING
