"""Optuna's samplers by name."""

import warnings

import optuna
from optuna.samplers import BaseSampler, TPESampler


def named_sampler(name: str, seed: int) -> BaseSampler:
    """Return Optuna's sampler of this name, seeded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match name:
            case "tpe":
                return TPESampler(multivariate=True, group=True, constant_liar=True, seed=seed)
            case "random":
                return optuna.samplers.RandomSampler(seed=seed)
            case "qmc":
                return optuna.samplers.QMCSampler(seed=seed, warn_asynchronous_seeding=False)
            case "nsgaii":
                return optuna.samplers.NSGAIISampler(seed=seed)
            case "gp":
                return optuna.samplers.GPSampler(seed=seed)
    raise ValueError(f"unknown sampler {name}")
