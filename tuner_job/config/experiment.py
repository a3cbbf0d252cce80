"""The experiment file: one YAML, the same on a laptop and in a ConfigMap."""

from collections.abc import Mapping, Set
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator
from pydantic.json_schema import GenerateJsonSchema

from tuner_job.address import data_address, results_address
from tuner_job.config.budget import Budget
from tuner_job.config.comparison import ComparisonConfig
from tuner_job.config.estimators import AnyModel, EstimatorConfig, any_parameters, catalogue
from tuner_job.config.estimators import problems as estimator_problems
from tuner_job.config.ray_tune_rules import problems
from tuner_job.config.tuning import FamilyName, HyperparameterSearchConfig, ModelName
from tuner_job.config.validation import ValidationConfig
from tuner_job.data.config import DataConfig
from tuner_job.models import ENSEMBLE, Families, ModelFamily
from tuner_job.schema import EXPERIMENT_NAME, LONGEST_NAME, Closed
from tuner_job.search_space import ModelSearchSpace, Range, SearchSpace
from tuner_job.wording import shown

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _without_slash(address: str) -> str:
    """Check the address of an experiment, and leave out a slash at its end."""
    return results_address(address).rstrip("/") or "/"


class ExperimentConfig(Closed):
    """One experiment: data, models, how to search, how to validate, where results go."""

    name: Annotated[str, Field(max_length=LONGEST_NAME, pattern=f"^{EXPERIMENT_NAME}$")]
    """Lower-case letters, digits and '-', at most 40: RayJob and ConfigMap names are built from
    it."""
    data: DataConfig
    """The coded verbal autopsies."""
    models: Annotated[list[Annotated[ModelName, AnyModel]], Field(min_length=1)]
    """Which models to tune. `ensemble` is made of all the others, two or more: a product of
    their probabilities, with an exponent each that is fitted out of fold, at no fit of a model."""
    estimators: dict[str, EstimatorConfig] = {}
    """Models of other packages, or of own modules beside this file, by names of one's own that
    stand among `models` then; each needs a search space."""
    tuning: HyperparameterSearchConfig = HyperparameterSearchConfig()
    """How to search."""
    validation: ValidationConfig = ValidationConfig()
    """How to validate."""
    budget: Budget = Budget()
    """When to end."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 42
    """Same file, same seed: same trials."""
    start_from: list[Annotated[str, AfterValidator(_without_slash)]] = []
    """Earlier experiments (RESULTS/NAME: a folder, or an s3://, gs://, az:// or file:// URL) on the
    same data, folds and validation: what of their trials lies in the search space is known, and is
    not fitted again. Relative paths are taken as those of `results` are."""
    results: Annotated[str, AfterValidator(results_address)] = "va-results"
    """Where results go: a folder, or an s3://, gs://, az:// or file:// URL."""
    comparison: ComparisonConfig = ComparisonConfig()
    """What `va-tuning compare` compares."""
    code: dict[Annotated[str, Field(max_length=80)], Digest] = {}
    """Own module → SHA-256 of its text. It need not be written: it is filled in from the modules
    that stand beside the file. Where it is, a module that has changed is refused."""
    _own_modules: dict[str, str] = PrivateAttr(default_factory=dict)
    _catalogue: dict[str, ModelFamily] = PrivateAttr(default_factory=dict)
    _left: frozenset[str] = frozenset()

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
        if ENSEMBLE in self.models and len(self.families) < 2:
            raise ValueError(
                f"models: {ENSEMBLE} is made of two or more other models, got {shown(self.models)}"
            )
        spaces = {name: one.parameters for name, one in self.tuning.search_spaces.items()}
        if found := estimator_problems(self.estimators, self.models, spaces):
            raise ValueError("\n  ".join(found))
        unused = set(self.tuning.search_spaces) - set(self.models)
        if unused:
            raise ValueError(
                f"tuning.search_spaces: {sorted(unused)[0]} is not among models "
                f"{shown(self.models)}"
            )
        return self

    @model_validator(mode="after")
    def _starts_from_others(self) -> Self:
        for n, address in enumerate(self.start_from):
            if address in self.start_from[:n]:
                raise ValueError(f"start_from: must be distinct, got {shown(address)} twice")
        if self.start_from and self.tuning.on_ray_tune:
            raise ValueError(
                f"start_from: is not for search_method: {self.tuning.search_method}, which "
                "compares trials while they train, and a known trial does not; use another one"
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
        if found := problems(self.tuning, self.families, self.budget, self.catalogue):
            raise ValueError("\n  ".join(found))
        return self

    @property
    def own_modules(self) -> Mapping[str, str]:
        """Own module → its text, as it was when the experiment was loaded."""
        return MappingProxyType(self._own_modules)

    def with_own_modules(self, sources: Mapping[str, str]) -> Self:
        """Return the same experiment with the texts of the own modules that it names."""
        copied = self.model_copy()
        copied._own_modules, copied._catalogue = dict(sources), {}
        return copied

    @property
    def families(self) -> list[FamilyName]:
        """The models that are searched and fitted: all but the ensemble."""
        return [model for model in self.models if model != ENSEMBLE]

    def leaving(self, models: Set[str]) -> Self:
        """Return the same experiment, with estimators that are not to be imported: their search
        spaces are taken as they are."""
        copied = self.with_own_modules(self._own_modules)
        copied._left = frozenset(models)
        return copied

    @property
    def catalogue(self) -> Families:
        """Every family that it may name: those of the house, and its estimators."""
        if not self._catalogue:
            self._catalogue.update(catalogue(self.estimators, self._own_modules))
        return self._catalogue

    def family(self, model: FamilyName) -> ModelFamily:
        """Return the family of one model."""
        return self.catalogue[model]

    def space(self, model: FamilyName) -> SearchSpace:
        """Return the checked search space of one model; an estimator is imported for it."""
        if model not in self.bound_spaces:
            declared = self._declared(model)
            left = model in self._left
            schema = any_parameters(declared) if left else self.family(model).Parameters
            self.bound_spaces[model] = declared.bind(schema)
        return self.bound_spaces[model]

    @cached_property
    def bound_spaces(self) -> dict[FamilyName, SearchSpace]:
        """Those that `space` has made: binding a large one takes a while."""
        return {}

    def _declared(self, model: FamilyName) -> ModelSearchSpace:
        chosen = self.tuning.search_spaces.get(model)
        if chosen is None and model in self.estimators:
            raise ValueError("is needed: an estimator has no default space")
        return chosen or ModelSearchSpace.model_validate(self.family(model).default_space)

    def document(self) -> dict[str, Any]:
        """The experiment as an experiment file again, with defaults and search spaces filled in.

        What `va-tuning compare` makes of the same file is no part of it.
        """
        left_out = {
            "comparison",
            *(key for key in ("estimators", "code") if not getattr(self, key)),
        }
        content = self.model_dump(mode="json", exclude=left_out)
        content["tuning"]["search_spaces"] = {
            model: self._space_document(model) for model in self.families
        }
        return content

    def _space_document(self, model: FamilyName) -> dict[str, Any]:
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
