"""Between our search spaces and trials and Optuna's."""

from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner_job.search.trial import FoldScores, Trial
from tuner_job.search_space import Choices, Range, Scalar, SearchSpace

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


def suggest(trial: optuna.trial.Trial, name: str, parameter: Choices | Range) -> Scalar:
    """Have Optuna choose a value; of a range with forbidden values, one beside those."""
    if isinstance(parameter, Range):
        low, high, step, log = parameter.low, parameter.last, parameter.step, parameter.log
        if parameter.integer:
            return parameter.nearest(
                trial.suggest_int(name, int(low), int(high), step=int(step or 1), log=log)
            )
        return parameter.nearest(trial.suggest_float(name, low, high, step=step, log=log))
    key = _key(name, parameter)
    if _ordered(parameter.choices):
        return _sorted(parameter.choices)[trial.suggest_int(key, 0, len(parameter.choices) - 1)]
    return trial.suggest_categorical(key, parameter.choices)


def _key(name: str, parameter: Choices | Range) -> str:
    """Optuna's name: `forbid` may have taken choices away, and to Optuna that is another
    parameter."""
    return name if isinstance(parameter, Range) else f"{name} among {parameter.choices}"


def distribution(parameter: Choices | Range) -> BaseDistribution:
    """Ordered choices become their positions, so that a model of the space knows what is near
    what."""
    if isinstance(parameter, Range):
        if parameter.integer:
            return IntDistribution(
                int(parameter.low), int(parameter.last), parameter.log, int(parameter.step or 1)
            )
        return FloatDistribution(parameter.low, parameter.last, parameter.log, parameter.step)
    if _ordered(parameter.choices):
        return IntDistribution(0, len(parameter.choices) - 1)
    return CategoricalDistribution(parameter.choices)


def _ordered(choices: Sequence[Scalar]) -> bool:
    return len(choices) > 1 and all(
        isinstance(c, int | float) and not isinstance(c, bool) for c in choices
    )


def _sorted(choices: Sequence[Scalar]) -> list[Scalar]:
    return sorted(choices, key=float)  # type: ignore[arg-type]


def running_means(fold_scores: FoldScores) -> list[float]:
    """Mean of the first value over the first 1, 2 … folds."""
    means, total = [], 0.0
    for n, (score, *_) in enumerate(fold_scores, start=1):
        total += score
        means.append(total / n)
    return means


def position(parameter: Choices | Range, value: Any) -> Any:
    """Return what `distribution` calls a value."""
    if isinstance(parameter, Choices) and _ordered(parameter.choices):
        return _sorted(parameter.choices).index(value)
    return value


def frozen_trial(space: SearchSpace, trial: Trial, n_objectives: int) -> FrozenTrial:
    """Put a finished trial that Optuna did not ask for in the form in which it would have asked
    for it."""
    values: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}

    def take(name: str, parameter: Choices | Range) -> Scalar:
        key = _key(name, parameter)
        distributions[key], values[key] = (
            distribution(parameter),
            position(parameter, trial.params[name]),
        )
        return trial.params[name]

    space.walk(take)
    return create_trial(
        state=STATES[trial.state or "failed"],
        values=trial.scores if trial.state == "complete" else None,
        params=values,
        distributions=distributions,
        intermediate_values=dict(enumerate(running_means(trial.fold_scores)))
        if n_objectives == 1
        else None,
    )
