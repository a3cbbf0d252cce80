"""The experiment file: one YAML, the same on a laptop and in a ConfigMap."""

from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic.json_schema import GenerateJsonSchema

from tuner_job.address import data_address, results_address
from tuner_job.config.budget import Budget
from tuner_job.config.comparison import ComparisonConfig
from tuner_job.config.ray_tune_rules import problems
from tuner_job.config.tuning import HyperparameterSearchConfig, ModelName
from tuner_job.config.validation import ValidationConfig
from tuner_job.data.config import DataConfig
from tuner_job.models import FAMILIES
from tuner_job.schema import EXPERIMENT_NAME, LONGEST_NAME, Closed
from tuner_job.search_space import ModelSearchSpace, Range, SearchSpace
from tuner_job.wording import shown


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
    comparison: ComparisonConfig = ComparisonConfig()
    """What `va-tuning compare` compares."""

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
    def _shift_is_stated(self) -> Self:
        if "shift" in (self.comparison.protocols or ()) and not self.validation.shift:
            raise ValueError(
                "comparison.protocols: shift needs validation.scheme: shift, and the fractions in "
                "validation.shift"
            )
        return self

    @model_validator(mode="after")
    def _fits_ray_tune(self) -> Self:
        if found := problems(self.tuning, self.models, self.budget):
            raise ValueError("\n  ".join(found))
        return self

    def space(self, model: ModelName) -> SearchSpace:
        """Return the checked search space of one model."""
        if model not in self.bound_spaces:
            self.bound_spaces[model] = self._declared(model).bind(FAMILIES[model].Parameters)
        return self.bound_spaces[model]

    @cached_property
    def bound_spaces(self) -> dict[ModelName, SearchSpace]:
        """Those that `space` has made: binding a large one takes a while."""
        return {}

    def _declared(self, model: ModelName) -> ModelSearchSpace:
        chosen = self.tuning.search_spaces.get(model)
        return chosen or ModelSearchSpace.model_validate(FAMILIES[model].default_space)

    def document(self) -> dict[str, Any]:
        """The experiment as an experiment file again, with defaults and search spaces filled in.

        What `va-tuning compare` makes of the same file is no part of it.
        """
        content = self.model_dump(mode="json", exclude={"comparison"})
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


def json_schema(version: str) -> dict[str, Any]:
    """The JSON Schema of experiment files; it differs between versions, and says of which it is."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:va-tuning:experiment:{version}",
        **ExperimentConfig.model_json_schema(),
    }
