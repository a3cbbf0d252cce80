"""Which parameters matter."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, create_trial

from tuner_job.records import TrialRecord
from tuner_job.search.samplers.optuna.translation import distribution, position
from tuner_job.search_space import SearchSpace


def parameter_importance(
    records: Sequence[TrialRecord], space: SearchSpace, objective: str, seed: int
) -> dict[str, float]:
    """Share of the objective's variation between complete trials that each parameter explains.

    Only parameters that every configuration has are weighed. Optuna's fANOVA (Hutter et al. 2014).

    Returns
    -------
    Parameter → share, largest first, summing to 1; empty if fewer than 4 trials are complete or all
    scored alike.
    """
    complete = [r for r in records if r.state == "complete" and r.duplicate_of is None]
    scores = {record.scores[objective] for record in complete}
    if len(complete) < 4 or len(scores) < 2:
        return {}
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [_as_trial(record.params, record.scores[objective], space) for record in complete]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))


def _as_trial(params: Mapping[str, Any], value: float, space: SearchSpace) -> FrozenTrial:
    distributions = {
        name: distribution(p) for name, p in space.parameters.items() if name in params
    }
    internal = {name: position(space.parameters[name], params[name]) for name in distributions}
    return create_trial(value=value, params=internal, distributions=distributions)
