"""Optuna's samplers, pruners, importances and journals: the only place that imports it."""

import optuna

from tuner_job.search.samplers.optuna.importance import parameter_importance
from tuner_job.search.samplers.optuna.journal import Searched, journal_of
from tuner_job.search.samplers.optuna.named import named_sampler
from tuner_job.search.samplers.optuna.pruners import PrunerRule
from tuner_job.search.samplers.optuna.sampler import OptunaSampler

__all__ = [
    "OptunaSampler",
    "PrunerRule",
    "Searched",
    "journal_of",
    "named_sampler",
    "parameter_importance",
]

optuna.logging.set_verbosity(optuna.logging.WARNING)
