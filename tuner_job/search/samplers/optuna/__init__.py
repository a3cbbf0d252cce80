"""Optuna's samplers, pruners and importances: the only place that imports it."""

import optuna

from tuner_job.search.samplers.optuna.importance import parameter_importance
from tuner_job.search.samplers.optuna.named import named_sampler
from tuner_job.search.samplers.optuna.pruners import PrunerRule
from tuner_job.search.samplers.optuna.sampler import OptunaSampler

__all__ = ["OptunaSampler", "PrunerRule", "named_sampler", "parameter_importance"]

optuna.logging.set_verbosity(optuna.logging.WARNING)
