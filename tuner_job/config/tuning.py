"""How configurations are proposed and judged: the section ``tuning`` of an experiment file."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from tuner_job.evaluation.metrics import METRICS
from tuner_job.models import ENSEMBLE
from tuner_job.schema import Closed, OrPath, one_of
from tuner_job.search_space import ModelSearchSpace
from tuner_job.wording import listed, plain

StoppingRule = Literal["paired", "median", "wilcoxon", "none"]
ModelName = Annotated[str, Field(max_length=80)]
"""A model of the house, or one of the experiment's `estimators`; the experiment says which."""
FamilyName = ModelName
"""A model that is fitted, and has parameters to search."""
Selection = Literal["best", "one_standard_error", "cod_within_standard_error"]
SamplerName = Literal["tpe", "random", "qmc", "nsgaii", "gp"]
MULTI_OBJECTIVE_SAMPLERS = {"tpe", "random", "qmc", "nsgaii"}
SMALLEST_POPULATION = 4
"""A quarter of the population takes over from another quarter."""
REMOVED_KEYS = {
    "scheduler": (
        "none",
        "leave it out; search_method: asha stops configurations while they train, and "
        "early_stopping after some folds",
    ),
    "free_knowledge": (False, "leave it out; nothing takes its place"),
}
"""Keys of `tuning` that earlier versions had → the default, and what to write instead."""


@dataclass(frozen=True)
class SearchMethod:
    """One value of `search_method`: which sampler proposes configurations, and who runs them."""

    proposes: Literal["grid", "random", "optuna"]
    on_ray_tune: bool = False


SEARCH_METHODS: Mapping[str, SearchMethod] = MappingProxyType(
    {
        "grid": SearchMethod("grid"),
        "random": SearchMethod("random"),
        "bayesian": SearchMethod("optuna"),
        "optuna": SearchMethod("optuna"),
        "asha": SearchMethod("random", on_ray_tune=True),
        "pbt": SearchMethod("random", on_ray_tune=True),
    }
)


class EarlyStoppingConfig(Closed):
    """When a poor configuration is given up before its last fold."""

    rule: StoppingRule = "paired"
    """paired: a t-test on fold scores against the best trial; median, wilcoxon: Optuna's pruners,
    for one objective; none: every configuration runs all folds."""
    level: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """How willingly paired and wilcoxon stop: the chance, each time, that a configuration as good
    as the best is given up."""

    @field_validator("rule", mode="before")
    @classmethod
    def _not_removed(cls, rule: object) -> object:
        if rule == "race":
            raise ValueError(
                "race was removed in version 0.3.0; write paired, with a smaller level to stop less"
            )
        return rule


class HyperparameterSearchConfig(Closed):
    """How configurations are proposed and judged."""

    search_method: Annotated[str, one_of(SEARCH_METHODS)] = "bayesian"
    """grid: every configuration of the space; random: drawn without repeats; bayesian: multivariate
    TPE; optuna: any Optuna sampler; asha: random's configurations, stopped while they train, by Ray
    Tune; pbt: random's configurations as a population that Ray Tune changes while it trains
    (xgboost). What asha and pbt stop and change depends on timing: the result says so."""
    n_trials: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    """Configurations tried for each model; a grid always tries all (of more than a million, as
    many as budget says)."""
    cv_folds: Annotated[int, Field(ge=2, le=10_000)] = 5
    """Cross-validation folds (leave_one_site_out has one a site instead)."""
    scoring_metric: str | Annotated[list[str], Field(min_length=1)] = "csmf_accuracy"
    """What is maximised: a metric of ours, or module:function, a function of P, y and site of your
    own. A list asks for the Pareto front of several (not with asha and pbt)."""
    search_spaces: Annotated[dict[FamilyName, Annotated[ModelSearchSpace, OrPath]], OrPath] = {}
    """Model → its space, or the path of a YAML file with it; or one path of a folder that holds
    a <model>.yaml file for each. A model without an entry is searched in its default space."""
    lag: Annotated[int, Field(ge=1, le=10_000)] = 8
    """How many configurations may be under way: trial t is chosen, and stopped, knowing exactly the
    results of the trials up to t - lag. Larger keeps more workers busy, smaller learns faster."""
    sampler: SamplerName = "tpe"
    """Optuna's sampler (search_method optuna); gp needs PyTorch: in a checkout, pip install
    '.[gp]'."""
    selection: Selection = "best"
    """Which complete trial is chosen: the best one; one_standard_error: the simplest whose score
    lies within one standard error (of the difference, over folds) of it; cod_within_standard_error:
    of those, the one with the highest COD accuracy."""
    early_stopping: EarlyStoppingConfig = EarlyStoppingConfig()
    """Giving up poor configurations after some folds; a rule's name alone is enough:
    `early_stopping: none`. With asha and pbt it is none."""

    @model_validator(mode="before")
    @classmethod
    def _nothing_removed(cls, content: Any) -> Any:
        for key in REMOVED_KEYS if isinstance(content, dict) else ():
            if key in content:
                raise ValueError(f"{key}: was removed in version 0.3.0; {REMOVED_KEYS[key][1]}")
        return content

    @model_validator(mode="before")
    @classmethod
    def _ray_tune_stops(cls, content: Any) -> Any:
        name = content.get("search_method") if isinstance(content, dict) else None
        if isinstance(name, str) and name in SEARCH_METHODS and SEARCH_METHODS[name].on_ray_tune:
            return {"early_stopping": "none", **content}
        return content

    @field_validator(
        "early_stopping",
        mode="before",
        json_schema_input_type=EarlyStoppingConfig | StoppingRule,
    )
    @classmethod
    def _rule_alone(cls, value: object) -> object:
        if value is False or value in ("no", "off"):
            return {"rule": "none"}
        return {"rule": value} if isinstance(value, str) else value

    @field_validator("search_spaces", mode="before")
    @classmethod
    def _of_families(cls, value: object) -> object:
        if isinstance(value, dict) and ENSEMBLE in value:
            raise ValueError(
                f"{ENSEMBLE} has nothing to search: it is made of what the other models' searches "
                "choose; leave it out"
            )
        return value

    @field_validator("scoring_metric")
    @classmethod
    def _known_metrics(cls, value: str | list[str]) -> str | list[str]:
        names = [value] if isinstance(value, str) else value
        unknown = [name for name in names if name not in METRICS and ":" not in name]
        if unknown:
            raise ValueError(
                f"must be among {', '.join(METRICS)}, or module:function; got {plain(unknown[0])}"
            )
        if len(set(names)) < len(names):
            raise ValueError(f"objectives must be distinct, got {listed(names)}")
        return value

    @model_validator(mode="after")
    def _fits_the_method(self) -> Self:
        several = len(self.objectives) > 1
        if problem := _problem_on_ray_tune(self):
            raise ValueError(problem)
        if self.search_method != "optuna" and self.sampler != "tpe":
            raise ValueError(f"sampler: {self.sampler} needs search_method: optuna")
        if several and self.early_stopping.rule in ("median", "wilcoxon"):
            raise ValueError(
                f"early_stopping: {self.early_stopping.rule} judges one objective; for several use "
                "paired or none"
            )
        if several and self.sampler not in MULTI_OBJECTIVE_SAMPLERS:
            raise ValueError(f"sampler: {self.sampler} searches one objective only")
        return self

    @property
    def objectives(self) -> list[str]:
        """The metrics to be maximised, the first one deciding which single configuration is
        best."""
        return (
            [self.scoring_metric] if isinstance(self.scoring_metric, str) else self.scoring_metric
        )

    @property
    def on_ray_tune(self) -> bool:
        """Whether Ray Tune runs the trials, and timing therefore decides which of them are
        stopped."""
        return SEARCH_METHODS[self.search_method].on_ray_tune


def _problem_on_ray_tune(tuning: HyperparameterSearchConfig) -> str | None:
    """Say what asha or pbt does not go together with; None if all does, or another method is
    asked for."""
    method, rule = tuning.search_method, tuning.early_stopping.rule
    if not tuning.on_ray_tune:
        return None
    if len(tuning.objectives) > 1:
        return f"search_method: {method} compares one score: for several objectives use optuna"
    if rule != "none":
        does = "stops configurations itself" if method == "asha" else "stops nothing"
        return f"search_method: {method} {does}: leave out early_stopping: {rule}"
    if method == "pbt" and tuning.n_trials < SMALLEST_POPULATION:
        return (
            "search_method: pbt needs a population, n_trials, of at least "
            f"{SMALLEST_POPULATION}; got {tuning.n_trials}"
        )
    return None
