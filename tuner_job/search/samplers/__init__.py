"""Search strategies, one a file, behind one protocol."""

from tuner_job.config.experiment import HyperparameterSearchConfig
from tuner_job.search.early_stopping import NeverStop, PairedTest, StoppingRule
from tuner_job.search.racing import race
from tuner_job.search.samplers.base import Tuner
from tuner_job.search.samplers.grid import GridTuner
from tuner_job.search.samplers.random import RandomTuner
from tuner_job.search_space import SearchSpace


def make_tuner(
    config: HyperparameterSearchConfig, space: SearchSpace, path: str | None, seed: int
) -> Tuner:
    """Return the search strategy that the experiment file asks for."""
    match config.search_method:
        case "grid":
            return GridTuner(space, path, seed)
        case "random":
            return RandomTuner(
                space, path, config.n_trials, seed, shuffled=config.early_stopping.rule == "race"
            )
        case "asha" | "pbt":  # each configuration is a trial of Ray Tune's
            return RandomTuner(space, None, config.n_trials, seed)
        case "bayesian" | "optuna":
            from tuner_job.search.samplers.optuna import OptunaTuner, make_sampler

            return OptunaTuner(space, make_sampler(config.sampler, seed), len(config.objectives))


def make_stopping_rule(
    config: HyperparameterSearchConfig, n_folds: int, n_values: int, tuner: Tuner
) -> StoppingRule:
    """Return the rule by which poor configurations of a tuner are given up; it compares
    `n_values` a fold."""
    stopping = config.early_stopping
    match stopping.rule:
        case "none":
            return NeverStop()
        case "paired":
            return PairedTest(stopping.level, n_folds, n_values, len(config.objectives))
        case "race":
            assert isinstance(tuner, GridTuner | RandomTuner)
            return race(stopping.level, n_folds, n_values, tuner.n_batches, config.lag)
        case "median" | "wilcoxon":
            from tuner_job.search.samplers.optuna import PrunerRule

            return PrunerRule(stopping.rule, stopping.level)
