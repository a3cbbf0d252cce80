"""Which models and budgets the searches that Ray Tune runs, asha and pbt, go together with."""

from collections.abc import Sequence

from tuner_job.config.budget import Budget
from tuner_job.config.tuning import SMALLEST_POPULATION, HyperparameterSearchConfig
from tuner_job.models import FAMILIES, Families, ModelFamily
from tuner_job.search_space import SearchSpace


def problems(
    tuning: HyperparameterSearchConfig,
    models: Sequence[str],
    budget: Budget,
    families: Families = FAMILIES,
) -> list[str]:
    """Say what does not compose between a search and the models and budget that it is for."""
    found = refused_models(tuning, models, families)
    if budget.cpus_per_trial > 1 and not tuning.on_ray_tune:
        found.append(
            "budget.cpus_per_trial: is for search_method asha or pbt; "
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


def refused_models(
    tuning: HyperparameterSearchConfig, models: Sequence[str], families: Families
) -> list[str]:
    """Name the models that population-based training makes no sense for, and why."""
    if tuning.search_method != "pbt":
        return []
    return [
        f"search_method: pbt cannot tune {model}: {families[model].why_not_mutable}; use asha"
        for model in models
        if model in families and not families[model].mutable
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
