"""What the searches that Ray Tune runs compose with: asha, pbt, and Optuna under a scheduler."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tuner_job.models import FAMILIES, ModelFamily
from tuner_job.search_space import SearchSpace

if TYPE_CHECKING:
    from tuner_job.config.experiment import Budget, HyperparameterSearchConfig

SMALLEST_POPULATION = 4
"""A quarter of the population takes over from another quarter."""


def searches(tuning: Mapping[str, Any]) -> bool:
    """Whether Ray Tune runs a search with these settings."""
    return (
        tuning.get("search_method") in ("asha", "pbt") or tuning.get("scheduler", "none") != "none"
    )


def problem(tuning: "HyperparameterSearchConfig") -> str | None:
    """Say what does not compose among the settings of a search; None if all does."""
    method, scheduler = tuning.search_method, tuning.scheduler
    if scheduler != "none" and method != "optuna":
        own = f"; {method} brings its own" if method in ("asha", "pbt") else ""
        return f"scheduler: {scheduler} needs search_method: optuna{own}"
    if not tuning.on_ray_tune:
        return None
    who = f"scheduler: {scheduler}" if scheduler != "none" else f"search_method: {method}"
    if len(tuning.objectives) > 1:
        return f"{who} compares one score: several objectives need search_method: optuna without a scheduler"
    if tuning.early_stopping.rule != "none":
        return f"{who} stops configurations itself: leave out early_stopping: {tuning.early_stopping.rule}"
    if method == "pbt" and tuning.n_trials < SMALLEST_POPULATION:
        return f"search_method: pbt needs a population, n_trials, of at least {SMALLEST_POPULATION}; got {tuning.n_trials}"
    return None


def problems(
    tuning: "HyperparameterSearchConfig", models: Sequence[str], budget: "Budget"
) -> list[str]:
    """Say what does not compose between a search and the models and budget that it is for."""
    found = refused_models(tuning, models)
    if budget.cpus_per_trial > 1 and not tuning.on_ray_tune:
        found.append(
            "budget.cpus_per_trial: is for search_method asha, pbt or a scheduler; "
            f"{tuning.search_method} makes a task on one CPU of each fold"
        )
    if tuning.search_method == "pbt":
        population = min(tuning.n_trials, budget.max_trials or tuning.n_trials)
        if population < SMALLEST_POPULATION:
            found.append(
                f"budget.max_trials: pbt needs a population of at least {SMALLEST_POPULATION}, got "
                f"{population}"
            )
        if budget.max_concurrent_trials and budget.max_concurrent_trials < population:
            found.append(
                "budget.max_concurrent_trials: must not be below pbt's population of "
                f"{population}, whose members take "
                f"turns on the CPUs that there are; got {budget.max_concurrent_trials}"
            )
    return found


def refused_models(tuning: "HyperparameterSearchConfig", models: Sequence[str]) -> list[str]:
    """Name the models that population-based training makes no sense for, and why."""
    if tuning.search_method != "pbt":
        return []
    return [
        f"search_method: pbt cannot tune {model}: {FAMILIES[model].why_not_mutable}; use asha"
        for model in models
        if not FAMILIES[model].mutable
    ]


def require_mutable(space: SearchSpace, family: ModelFamily) -> None:
    """Check that population-based training has something to change.

    Raises
    ------
    ValueError
    """
    varied = [name for name, p in space.parameters.items() if p.values is None or len(p.values) > 1]
    if not family.mutable & set(varied):
        names = ", ".join(sorted(family.mutable))
        raise ValueError(
            "pbt needs a parameter with several values that can change during training, one of "
            f"{names}"
        )
    size = space.count()
    if size is not None and size < SMALLEST_POPULATION:
        raise ValueError(
            f"pbt needs at least {SMALLEST_POPULATION} configurations for its population, got "
            f"{size}"
        )
