"""Search strategies, one a file, behind one protocol."""

from tuner_job.config.tuning import SEARCH_METHODS, HyperparameterSearchConfig
from tuner_job.search.early_stopping import NeverStop, PairedTest, StoppingRule
from tuner_job.search.samplers.base import Sampler
from tuner_job.search.samplers.grid import GridSampler
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search_space import SearchSpace


def make_sampler(
    config: HyperparameterSearchConfig, space: SearchSpace, path: str | None, seed: int
) -> Sampler:
    """Return the search strategy that the experiment file asks for."""
    match SEARCH_METHODS[config.search_method].proposes:
        case "grid":
            return GridSampler(space, path, seed)
        case "random":
            return RandomSampler(space, seed)
        case "optuna":
            # importing Optuna takes a second
            from tuner_job.search.samplers.optuna import OptunaSampler, named_sampler

            return OptunaSampler(space, named_sampler(config.sampler, seed), len(config.objectives))


def make_stopping_rule(
    config: HyperparameterSearchConfig, n_folds: int, n_values: int
) -> StoppingRule:
    """Return the rule by which poor configurations are given up; it compares `n_values` a fold."""
    stopping = config.early_stopping
    match stopping.rule:
        case "none":
            return NeverStop()
        case "paired":
            return PairedTest(stopping.level, n_folds, n_values, len(config.objectives))
        case "median" | "wilcoxon":
            # importing Optuna takes a second
            from tuner_job.search.samplers.optuna import PrunerRule

            return PrunerRule(stopping.rule, stopping.level)
