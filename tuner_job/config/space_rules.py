"""Whether a search can go through the spaces of an experiment; estimators are imported for that."""

import logging
import re
from typing import Literal

from tuner_job.config import ray_tune_rules as ray_tune
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import FamilyName
from tuner_job.errors import ConfigError
from tuner_job.own_code.importing import NotInstalledError
from tuner_job.search_space import SearchSpace

Code = Literal["run", "if_installed", "never"]
"""What is done with code that an experiment names: it must be importable here; it is imported if it
is installed, and else left to whoever runs it, with a note; or nothing of it runs here."""
LARGEST_GRID = 1_000_000
"""Configurations of a grid that nothing but its own end would stop."""
_NAMED = re.compile(r"[\w.\[\]]+: ")  # a problem of one parameter, not of the whole space
_log = logging.getLogger(__name__)


def unchecked(config: ExperimentConfig, code: Code, problems: list[str]) -> set[str]:
    """Find the estimators that are not imported here; what is wrong with another is a problem."""
    if code == "never":
        return set(config.estimators)
    left = set()
    for model in config.estimators:
        try:
            _ = config.family(model).Parameters
        except NotInstalledError as error:
            left.add(model)
            if code == "run":
                problems.append(f"estimators.{model}: {error}")
            else:
                _log.warning(
                    "estimators.%s: %s, so its search space is checked by the run", model, error
                )
        except ConfigError as error:
            left.add(model)
            problems.append(f"estimators.{model}: {error}")
    return left


def space_problems(config: ExperimentConfig) -> list[str]:
    """Say what is wrong with the models' search spaces, each with its key."""
    problems = []
    for model in config.families:
        key = f"tuning.search_spaces.{model}"
        try:
            _check_space(config, model, config.space(model))
        except ValueError as error:
            lines = str(error).split("\n")
            problems += [
                f"{key}.{line}" if _NAMED.match(line) else f"{key}: {line}" for line in lines
            ]
    return problems


def _check_space(config: ExperimentConfig, model: FamilyName, space: SearchSpace) -> None:
    """Check that the search can go through the space; raises ValueError."""
    if config.tuning.search_method == "grid":
        space.configurations()
        size, budget = space.count() or 0, config.budget
        if size > LARGEST_GRID and not (budget.max_trials or budget.timeout or budget.cpu_seconds):
            raise ValueError(
                f"a grid of {size:,} configurations would not end; list fewer values, search at "
                "random, or say in budget.max_trials how many to run"
            )
    if config.tuning.search_method == "pbt":
        ray_tune.require_mutable(space, config.family(model))
