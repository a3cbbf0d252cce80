"""Optuna's samplers, pruners and importances: the only place that imports it."""

import optuna

from tuner_job.search.samplers.optuna.importance import parameter_importance
from tuner_job.search.samplers.optuna.pruners import PrunerRule
from tuner_job.search.samplers.optuna.samplers import make_sampler
from tuner_job.search.samplers.optuna.tuner import OptunaTuner

__all__ = ["OptunaTuner", "PrunerRule", "make_sampler", "parameter_importance"]

optuna.logging.set_verbosity(optuna.logging.WARNING)
