"""The experiment file: one YAML, the same on a laptop and in a ConfigMap."""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    FiniteFloat,
    GetJsonSchemaHandler,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tuner_job.address import data_address, results_address
from tuner_job.config import ray_tune_rules as ray_tune
from tuner_job.data.config import DataConfig
from tuner_job.evaluation.csmf import ESTIMATORS, EstimatorName
from tuner_job.evaluation.folds import Scheme
from tuner_job.evaluation.metrics import METRICS
from tuner_job.models import FAMILIES
from tuner_job.schema import EXPERIMENT_NAME, LONGEST_NAME, Closed
from tuner_job.search_space import ModelSearchSpace, Range, SearchSpace
from tuner_job.units import Duration, MemorySize
from tuner_job.wording import listed, plain, shown

ModelName = Literal["xgboost", "random_forest", "logistic_regression"]
Selection = Literal["best", "one_standard_error", "cod_within_standard_error"]
Sampler = Literal["tpe", "random", "qmc", "nsgaii", "gp"]
MULTI_OBJECTIVE_SAMPLERS = {"tpe", "random", "qmc", "nsgaii"}


class _SpacesOrPaths:
    """Says in the JSON Schema that paths may stand for spaces; they are read before validation."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        path = {"type": "string"}
        schema["additionalProperties"] = {"anyOf": [schema["additionalProperties"], path]}
        return {"anyOf": [schema, path]}


class EarlyStoppingConfig(Closed):
    """When a poor configuration is given up before its last fold."""

    rule: Literal["paired", "race", "median", "wilcoxon", "none"] = "paired"
    """paired: a t-test on fold scores against the best trial (every method); race: the same with
    one level for the whole search (search_method grid or random); median, wilcoxon: Optuna's
    pruners (search_method optuna); none: every configuration runs all folds."""
    level: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """How willingly it stops: the chance, each time it is asked, that a configuration as good as
    the best is given up (paired, wilcoxon); the chance, over the whole search, that the
    configuration that would have won without early stopping is given up (race)."""


class HyperparameterSearchConfig(Closed):
    """How configurations are proposed and judged."""

    search_method: Literal["grid", "random", "bayesian", "optuna", "asha", "pbt"] = "bayesian"
    """grid: every configuration of the space; random: drawn without repeats; bayesian: multivariate
    TPE; optuna: any Optuna sampler, its pruners, several objectives; asha: random's configurations,
    stopped while they train, by Ray Tune; pbt: random's configurations as a population that Ray
    Tune changes while it trains (xgboost). What asha, pbt and a scheduler stop depends on timing:
    the result says so."""
    n_trials: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    """Configurations tried for each model; a grid always tries all (of more than a million, as
    many as budget says)."""
    cv_folds: Annotated[int, Field(ge=2, le=10_000)] = 5
    """Cross-validation folds (leave_one_site_out has one a site instead)."""
    scoring_metric: str | Annotated[list[str], Field(min_length=1)] = "csmf_accuracy"
    """What is maximised; with search_method optuna a list asks for the Pareto front of several."""
    search_spaces: Annotated[dict[ModelName, ModelSearchSpace], _SpacesOrPaths] = {}
    """Model → its space, or the path of a YAML file with it; or one path of a folder that holds
    a <model>.yaml file for each. A model without an entry is searched in its default space."""
    lag: Annotated[int, Field(ge=1, le=10_000)] = 8
    """How many configurations may be under way: trial t is chosen, and stopped, knowing exactly the
    results of the trials up to t - lag. Larger keeps more workers busy, smaller learns faster."""
    sampler: Sampler = "tpe"
    """Optuna's sampler (search_method optuna); gp needs the extra va-tuning[gp]."""
    selection: Selection = "best"
    """Which complete trial is chosen: the best one; one_standard_error: the simplest whose score
    lies within one standard error (of the difference, over folds) of it; cod_within_standard_error:
    of those, the one with the highest COD accuracy."""
    scheduler: Literal["asha", "hyperband", "median", "none"] = "none"
    """Ray Tune stops Optuna's configurations while they train (search_method optuna, one
    objective): asha; hyperband: asha with several first looks; median: those below the median of
    the others."""
    free_knowledge: bool = False
    """Score, beside each configuration asked, smaller values of n_estimators that its fit goes
    through, eight at most, and tell the sampler of the best one (trees under bayesian and optuna;
    grid and random share fits anyway). They count neither as n_trials nor as max_trials; each takes
    0.1 to 0.3 s of scoring. With asha or a scheduler, whose trials are scored while they grow, one
    that is complete becomes the best configuration that it went through."""
    early_stopping: EarlyStoppingConfig = EarlyStoppingConfig()
    """Giving up poor configurations after some folds; a rule's name alone is enough:
    `early_stopping: none`. With asha, pbt or a scheduler it is none."""

    @model_validator(mode="before")
    @classmethod
    def _scheduler_stops(cls, content: Any) -> Any:
        if isinstance(content, dict) and ray_tune.searches(content):
            return {"early_stopping": "none", **content}
        return content

    @field_validator("early_stopping", mode="before")
    @classmethod
    def _rule_alone(cls, value: object) -> object:
        if value is False or value in ("no", "off"):
            return {"rule": "none"}
        return {"rule": value} if isinstance(value, str) else value

    @field_validator("scoring_metric")
    @classmethod
    def _known_metrics(cls, value: str | list[str]) -> str | list[str]:
        names = [value] if isinstance(value, str) else value
        unknown = [name for name in names if name not in METRICS]
        if unknown:
            raise ValueError(f"must be among {', '.join(METRICS)}; got {plain(unknown[0])}")
        if len(set(names)) < len(names):
            raise ValueError(f"objectives must be distinct, got {listed(names)}")
        return value

    @model_validator(mode="after")
    def _fits_the_method(self) -> Self:
        several = len(self.objectives) > 1
        if problem := ray_tune.problem(self):
            raise ValueError(problem)
        if self.early_stopping.rule == "race" and self.search_method not in ("grid", "random"):
            raise ValueError(
                "early_stopping: race needs search_method: grid or random, which know beforehand "
                f"how many configurations there are; got {self.search_method}"
            )
        if self.search_method != "optuna":
            if several:
                raise ValueError("several objectives need search_method: optuna")
            if self.sampler != "tpe":
                raise ValueError(f"sampler: {self.sampler} needs search_method: optuna")
            if self.early_stopping.rule in ("median", "wilcoxon"):
                raise ValueError(
                    f"early_stopping: {self.early_stopping.rule} needs search_method: optuna"
                )
        elif several and self.early_stopping.rule in ("median", "wilcoxon"):
            raise ValueError(
                "Optuna's pruners judge one objective: use early_stopping paired or none"
            )
        elif several and self.sampler not in MULTI_OBJECTIVE_SAMPLERS:
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
    def method_label(self) -> str:
        """The method as results name it: ``optuna+asha`` is optuna under the scheduler asha."""
        return (
            self.search_method
            if self.scheduler == "none"
            else f"{self.search_method}+{self.scheduler}"
        )

    @property
    def on_ray_tune(self) -> bool:
        """Whether Ray Tune runs the trials, and timing therefore decides which of them are
        stopped."""
        return ray_tune.searches(self.model_dump(include={"search_method", "scheduler"}))


Fraction = Annotated[float, Field(ge=0, le=1)]


class ValidationConfig(Closed):
    """Which populations a configuration is tested on, and how a CSMF is made of its
    probabilities."""

    scheme: Scheme = "dirichlet"
    """dirichlet: stratified folds, their held-out deaths resampled to cause fractions drawn from
    Dirichlet(1, …, 1); shift: the same, with fractions as `shift` states them; leave_one_site_out:
    train on all sites but one, validate on that one; stratified: held-out deaths composed as in
    training."""
    n_draws: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Populations drawn for dirichlet and shift, shared by the folds; the same for every
    configuration."""
    shift: dict[str, Fraction | Annotated[list[Fraction], Field(min_length=2, max_length=2)]] = {}
    """Cause → its expected fraction, or [least, largest]; the others keep their proportions
    (scheme shift)."""
    csmf_estimators: Annotated[list[EstimatorName], Field(min_length=1)] = list(ESTIMATORS)
    """Estimators to choose from, with each configuration, at no refit: count (most probable
    causes), mean (mean probability), em and mixture (composition inferred, with shrinkage)."""
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of each cause's deaths that the search never sees: default and tuned model, fitted on
    the others, are tested on them. The model that is kept is then fitted on all."""

    @model_validator(mode="after")
    def _fits_the_scheme(self) -> Self:
        if (self.scheme == "shift") != bool(self.shift):
            raise ValueError("scheme shift and the key shift need each other")
        for cause, stated in self.shift.items():
            if isinstance(stated, list) and stated[0] > stated[1]:
                raise ValueError(
                    f"shift.{plain(cause, 80)}: must be [least, largest], got {stated}"
                )
        least = sum(low for low, _ in self.ranges.values())
        if least > 1 + 1e-9:
            raise ValueError(f"shift: the least fractions must sum to at most 1, got {least:g}")
        if len(set(self.csmf_estimators)) < len(self.csmf_estimators):
            raise ValueError(f"csmf_estimators must be distinct, got {shown(self.csmf_estimators)}")
        if self.holdout and self.scheme == "leave_one_site_out":
            raise ValueError(
                "holdout does not test other sites: with leave_one_site_out use `va-tuning compare`"
            )
        return self

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Cause → least and largest fraction."""
        return {c: (s[0], s[1]) if isinstance(s, list) else (s, s) for c, s in self.shift.items()}


class Budget(Closed):
    """When the search ends at the latest and what it may use. None of it changes a trial's
    result."""

    timeout: Duration | None = None
    """Wall time of the search, e.g. 2h; models share it evenly. What has finished by then
    counts."""
    max_trials: Annotated[int, Field(ge=1)] | None = None
    """Trials of each model at most, a grid's too."""
    cpu_seconds: Annotated[FiniteFloat, Field(gt=0)] | None = None
    """Seconds of fitting, all models together."""
    max_concurrent_trials: Annotated[int, Field(ge=1)] | None = None
    """Configurations under way at once; none: as many as there are CPUs for."""
    memory_per_task: MemorySize | None = None
    """Memory that Ray reserves for one fit, or for one trial of Ray Tune, e.g. 2Gi; none: not
    limited."""
    cpus_per_trial: Annotated[int, Field(ge=1)] = 1
    """CPUs of one trial of Ray Tune (asha, pbt, scheduler), which grows as many folds side by side;
    other searches make a task of each fold."""


class ExperimentConfig(Closed):
    """One experiment: data, models, how to search, how to validate, where results go."""

    name: Annotated[str, Field(max_length=LONGEST_NAME, pattern=f"^{EXPERIMENT_NAME}$")]
    """Lower-case letters, digits and '-', at most 40: RayJob and ConfigMap names are built from
    it."""
    data: DataConfig
    """The coded verbal autopsies."""
    models: Annotated[list[ModelName], Field(min_length=1)]
    """Which models to tune."""
    tuning: HyperparameterSearchConfig = HyperparameterSearchConfig()
    """How to search."""
    validation: ValidationConfig = ValidationConfig()
    """How to validate."""
    budget: Budget = Budget()
    """When to end."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 42
    """Same file, same seed: same trials."""
    results: Annotated[str, AfterValidator(results_address)] = "va-results"
    """Where results go: a folder, or an s3://, gs://, az:// or file:// URL."""

    @model_validator(mode="after")
    def _data_have_an_address(self) -> Self:
        try:
            _ = self.data.source is None or data_address(self.data.source)
        except ValueError as error:
            raise ValueError(f"data.source: {error}") from None
        return self

    @model_validator(mode="after")
    def _distinct_models(self) -> Self:
        if len(set(self.models)) < len(self.models):
            raise ValueError(f"models must be distinct, got {shown(self.models)}")
        unused = set(self.tuning.search_spaces) - set(self.models)
        if unused:
            raise ValueError(
                f"tuning.search_spaces: {sorted(unused)[0]} is not among models "
                f"{shown(self.models)}"
            )
        return self

    @model_validator(mode="after")
    def _fits_ray_tune(self) -> Self:
        problems = ray_tune.problems(self.tuning, self.models, self.budget)
        if problems:
            raise ValueError("\n  ".join(problems))
        return self

    def space(self, model: ModelName) -> SearchSpace:
        """Return the checked search space of one model."""
        return self._declared(model).bind(FAMILIES[model].Parameters)

    def _declared(self, model: ModelName) -> ModelSearchSpace:
        chosen = self.tuning.search_spaces.get(model)
        return chosen or ModelSearchSpace.model_validate(FAMILIES[model].default_space)

    def document(self) -> dict[str, Any]:
        """The experiment as an experiment file again, with defaults and search spaces filled in."""
        content = self.model_dump(mode="json")
        content["tuning"]["search_spaces"] = {
            model: self._space_document(model) for model in self.models
        }
        return content

    def _space_document(self, model: ModelName) -> dict[str, Any]:
        declared = self._declared(model)
        parameters = {}
        for name, parameter in self.space(model).parameters.items():
            as_written = parameter.model_copy(update={"when": declared.parameters[name].when})
            parameters[name] = as_written.model_dump(
                mode="json", exclude_none=isinstance(parameter, Range)
            )
        return {**parameters, "forbid": declared.forbid}

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides which trials are run and how they score.

        Budget and places are left out: they may change between runs that continue each other. So is
        the data's address, as the data itself has a digest.
        """
        content = self.document()
        del content["budget"], content["results"], content["data"]["source"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
