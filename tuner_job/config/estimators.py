"""The section ``estimators`` of an experiment file: classes of other packages as models."""

import difflib
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import packages_distributions, version
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tuner_job.models import FAMILIES, MODELS, Families
from tuner_job.models.estimators.family import EstimatorFamily
from tuner_job.models.estimators.making import Recipe, Scalar, parameters_of
from tuner_job.own_code.reference import parse
from tuner_job.own_code.sources import imported
from tuner_job.schema import Closed
from tuner_job.search_space import ModelSearchSpace
from tuner_job.wording import listed, plain, shown

NAME = r"[a-z][a-z0-9_]{0,39}"
_TAKEN = frozenset({"logs", "con", "prn", "aux", "nul", *(f"com{n}" for n in range(10))})
"""Names that a folder of results has already, or that no file may have on Windows."""

_VERSIONED = ("va-tuning", "numpy", "scikit-learn", "xgboost-cpu", "xgboost", "optuna", "ray")

Reference = Annotated[str, Field(min_length=1, max_length=200)]


class EstimatorConfig(Closed):
    """An estimator: anything with `fit`, `predict_proba`, `get_params` and `set_params`."""

    model_config = ConfigDict(validate_by_name=False, serialize_by_alias=True)

    classes: Annotated[
        Reference | Annotated[list[Reference], Field(min_length=1, max_length=20)],
        Field(alias="class"),
    ]
    """Which: package.module.Class, package.module:name, or module:name of an own module.py that
    stands beside this file; a function that returns an estimator too. A list makes a pipeline of
    them, whose parameters are named as scikit-learn's make_pipeline names them:
    binarizer__threshold."""
    fixed: Annotated[dict[Annotated[str, Field(max_length=100)], Any], Field(max_length=100)] = {}
    """Parameters that have these values in every fit, the untuned default's too."""
    path: Annotated[str, Field(max_length=100)] | None = None
    """A parameter that says how far a fit goes, a whole number: n_estimators, max_iter. Its values
    are scored along one fit where that is found to give the same, else by a fit each."""

    def recipe(self, sources: Mapping[str, str]) -> Recipe:
        """How it is made."""
        given = self.classes
        classes = (given,) if isinstance(given, str) else tuple(given)
        return Recipe(classes, dict(self.fixed), self.path, dict(sources))


def trusted_by(
    estimators: Mapping[str, EstimatorConfig], sources: Mapping[str, str]
) -> tuple[str, ...]:
    """Modules whose code somebody runs who runs an experiment with these estimators."""
    return tuple(sorted(_named(estimators.values(), sources) | set(sources)))


def versions_of(
    estimators: Iterable[EstimatorConfig], sources: Mapping[str, str]
) -> dict[str, str]:
    """Versions of what decides a trial, by distribution, as far as it is installed: the house's
    libraries, and the packages that estimators and own modules name."""
    named = _named(estimators, sources)
    modules = packages_distributions() if named else {}
    found = {}
    for name in [*_VERSIONED, *sorted({dist for top in named for dist in modules.get(top, ())})]:
        with suppress(ImportError):  # one of xgboost and xgboost-cpu is installed
            found[name] = version(name)
    return found


def _named(estimators: Iterable[EstimatorConfig], sources: Mapping[str, str]) -> set[str]:
    """Packages that classes come from, and that own modules import."""
    recipes = [one.recipe(sources) for one in estimators]
    named = {parse(text).module.partition(".")[0] for recipe in recipes for text in recipe.classes}
    for text in sources.values():
        named |= set(imported(text))
    return named - set(sys.stdlib_module_names)


class AnyModel:
    """Says in the JSON Schema that a model is one of the house or one of `estimators`."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "anyOf": [
                {"enum": list(MODELS), "type": "string"},
                {"pattern": f"^{NAME}$", "type": "string"},
            ]
        }


def any_parameters(space: ModelSearchSpace) -> type[BaseModel]:
    """Parameters of an estimator that is not imported: those that its space names."""
    return parameters_of(dict.fromkeys(space.parameters, (Scalar, None)))


def catalogue(estimators: Mapping[str, EstimatorConfig], sources: Mapping[str, str]) -> Families:
    """Every family that an experiment may name: those of the house, and its estimators."""
    own: Families = {
        name: EstimatorFamily(name, one.recipe(sources)) for name, one in estimators.items()
    }
    return {**FAMILIES, **own}


def problems(
    estimators: Mapping[str, EstimatorConfig],
    models: Iterable[str],
    spaces: Mapping[str, Iterable[str]],
) -> list[str]:
    """Say what is wrong with names; nothing is imported.

    Parameters
    ----------
    spaces
        Model → the parameters that are searched.
    """
    models, found = list(models), []
    known = [*MODELS, *estimators]
    for name in models:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            found.append(
                f"models: must be among {listed(known, most=20)}, or be named in estimators; got "
                f"{shown(name, 80)}{hint}"
            )
    for name, one in estimators.items():
        key = f"estimators.{plain(name, 80)}"
        if name in MODELS:
            found.append(f"{key}: is the name of a model that every experiment has; choose another")
        elif not re.fullmatch(NAME, name) or name in _TAKEN:
            found.append(
                f"{key}: must be lower-case letters, digits and '_', at most 40, that begin with a "
                "letter, and no name that files cannot have"
            )
        elif name not in models:
            found.append(f"{key}: is not among models {shown(models)}")
        both = sorted(set(one.fixed) & set(spaces.get(name, ())))
        found += [f"{key}.fixed.{plain(b, 80)}: is searched too; leave it out of one" for b in both]
    return found
