"""How long an experiment will take, from a few quick fits of each model."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import ModelName
from tuner_job.execution.fold_task import fold_data
from tuner_job.execution.local import machine
from tuner_job.experiment.search import searched_data
from tuner_job.models.base import FoldData, ModelFamily, Params
from tuner_job.models.path import path_value
from tuner_job.problem import Prepared
from tuner_job.search.effort import USUAL
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.threads import one_thread

SECONDS = 5.0
"""Of trying a model's fits; a fit that has begun then is waited for."""
_MOST_FITS = 12
_PART = 20
"""Of a path that can be gone part of the way, such as trees, so much of it is tried twice."""
_REPORT_SECONDS = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Estimate:
    """How long a whole run would take here.

    Attributes
    ----------
    models
        Model → seconds of its search, if it had all CPUs for itself; None where nobody knows how
        many trials it will have, or none of its fits succeeded.
    seconds
        Of the whole run; None if a model's are not known and no budget ends the search.
    n_cpus
        CPUs here.
    by_budget
        Whether it is the budget that ends the search.
    """

    models: dict[ModelName, float | None]
    seconds: float | None
    n_cpus: int
    by_budget: bool


def estimate_run(prepared: Prepared) -> Estimate:
    """Try a few configurations of each model, for some seconds, on one fold."""
    data, n_cpus = searched_data(prepared), machine.n_cpus()
    planned = {m: n for m, n in prepared.planned().items() if m in prepared.config.families}
    models: dict[ModelName, float | None] = {}
    last = 0.0
    for model, n_trials in planned.items():
        with one_thread():
            fit = _mean_fit(prepared, model, fold_data(data, 0))
        n_fits = _n_fits(prepared, model, n_trials)
        models[model] = None if fit is None or n_fits is None else n_fits * fit / n_cpus
        last = max(last, fit or 0.0)
    known = [seconds for seconds in models.values() if seconds is not None]
    search = sum(known) if len(known) == len(models) else None
    limit = _limit(prepared.config, n_cpus)
    by_budget = limit is not None and (search is None or limit < search)
    ends = limit if by_budget else search
    whole = None if ends is None else ends + last + _REPORT_SECONDS
    return Estimate(models, whole, n_cpus, by_budget)


def _limit(config: ExperimentConfig, n_cpus: int) -> float | None:
    """Seconds after which the budget ends the search."""
    budget = config.budget
    limits = [budget.timeout, budget.cpu_seconds and budget.cpu_seconds / n_cpus]
    return min((one for one in limits if one), default=None)


def _n_fits(prepared: Prepared, model: ModelName, n_trials: int | None) -> float | None:
    """Fits of a model, the default's too; a grid shares those along a path."""
    if n_trials is None:
        return None
    config, n_folds = prepared.config, prepared.n_folds
    family, tuning = config.family(model), config.tuning
    path = config.space(model).parameters.get(family.path_parameter or "")
    shared = len(path.values or [0]) if path and tuning.search_method == "grid" else 1
    judged = max(0.0, n_trials - tuning.lag) if tuning.early_stopping.rule != "none" else 0.0
    return n_folds * (1 + (n_trials - judged + USUAL * judged) / shared)


def _mean_fit(prepared: Prepared, model: ModelName, fold: FoldData) -> float | None:
    """Seconds of a fit, on the mean over configurations that the search may try; None if none of
    them could be fitted."""
    took, until = [], time.monotonic() + SECONDS
    for params in _tried(prepared, model):
        try:
            took.append(_fit(prepared.config.family(model), fold, params, prepared.config.seed))
        except Exception as error:  # what a search records as a failed trial
            _log.info("%s: a fit was tried and failed: %s", model, error)
        if time.monotonic() > until:
            break
    return sum(took) / len(took) if took else None


def _tried(prepared: Prepared, model: ModelName) -> Iterator[Params]:
    sampler = RandomSampler(prepared.config.space(model), prepared.config.seed)
    for _ in range(_MOST_FITS):
        drawn = sampler.ask()
        if drawn is None:
            return
        yield drawn[0]


def _fit(family: ModelFamily, fold: FoldData, params: Params, seed: int) -> float:
    """Fit a configuration; where its path can be gone in parts, a part of it, and tell how long
    the whole would take."""
    value = path_value(family, params)
    if not family.path_is_nested or value < 2 * _PART:
        points = family.fit_path(fold, params, (value,), seed)
        return sum(point.fit_seconds for point in points)
    part = value // _PART
    first, second = family.fit_path(fold, params, (part, 2 * part), seed)
    rest = float(value - part) / part
    return float(first.fit_seconds + second.fit_seconds * rest)
