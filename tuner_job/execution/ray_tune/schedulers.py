"""Which of Ray Tune's schedulers stops or changes trials, and when it looks."""

import math
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    PopulationBasedTraining,
    TrialScheduler,
)

from tuner_job.config.tuning import HyperparameterSearchConfig
from tuner_job.execution.ray_tune.trainable import SCORE, SIZE
from tuner_job.models.base import ModelFamily
from tuner_job.models.growing import as_growing, full_size
from tuner_job.records import TrialRecord
from tuner_job.search.samplers.perturb import perturb
from tuner_job.search_space import Range, SearchSpace

_REDUCTION = 3
"""One trial of so many goes on past a look of asha."""
_LOOKS = 3
"""Looks of asha at a trial of the largest size: at 1/27, 1/9 and 1/3 of it."""
_GENERATIONS = 10
"""Times that population-based training compares trials of the largest size."""


def largest_size(family: ModelFamily, space: SearchSpace, n_folds: int) -> int:
    """Size that the longest trial of a space ends at: rounds, trees or folds."""
    if as_growing(family) is None:
        return n_folds
    parameter = space.parameters.get(str(family.path_parameter))
    if parameter is None:
        return full_size(family, {})
    largest: Any = parameter.last if isinstance(parameter, Range) else max(parameter.choices)  # type: ignore[type-var]
    # where it does not apply, a configuration has the default
    return max(int(largest), full_size(family, {}) if parameter.when else 0)


def step_size(method: str, largest: int) -> int:
    """Rounds or trees between two looks at a trial."""
    return math.ceil(largest / (_GENERATIONS if method == "pbt" else _REDUCTION**_LOOKS))


def make_scheduler(
    tuning: HyperparameterSearchConfig,
    family: ModelFamily,
    space: SearchSpace,
    largest: int,
    seed: int,
) -> TrialScheduler:
    """Return the scheduler of a search method, asha or pbt."""
    step = step_size(tuning.search_method, largest)
    score: dict[str, Any] = {"metric": SCORE, "mode": "max", "time_attr": SIZE}
    if tuning.search_method == "pbt":
        change = _Changing(space, family.mutable, seed)
        return PopulationBasedTraining(
            **score, perturbation_interval=step, custom_explore_fn=change, log_config=False
        )
    return AsyncHyperBandScheduler(
        **score, max_t=largest, grace_period=step, reduction_factor=_REDUCTION, brackets=1
    )


def teach(scheduler: TrialScheduler, finished: Iterable[TrialRecord]) -> None:
    """Let asha know the trials that an earlier run finished, so that new ones are compared with
    them; whoever has finished is no member of a population any more."""
    if not isinstance(scheduler, AsyncHyperBandScheduler):
        return
    for record in finished:
        known = _Known(f"finished-{record.trial}")
        scheduler.on_trial_add(None, known)
        for size, score in record.curve:
            scheduler.on_trial_result(None, known, {SIZE: size, SCORE: score})


class _Changing:
    """Changes a configuration that population-based training hands on."""

    def __init__(self, space: SearchSpace, mutable: frozenset[str], seed: int):
        self._space, self._mutable = space, mutable
        self._rng = np.random.default_rng([seed, 1])

    def __call__(self, config: Mapping[str, Any]) -> dict[str, Any]:
        changed = deepcopy(dict(config))
        changed["trial"]["params"] = perturb(
            changed["trial"]["params"], self._space, self._mutable, self._rng
        )
        return changed


class _Known:
    """As much of a trial as a scheduler looks at."""

    def __init__(self, trial_id: str):
        self.trial_id = trial_id
