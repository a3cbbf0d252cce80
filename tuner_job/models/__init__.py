"""Model families, one a file, behind one protocol.

Importing this loads neither xgboost nor scikit-learn: validating an experiment needs no fit.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tuner_job.errors import ConfigError
from tuner_job.models.base import FoldData, ModelFamily, Params, PathPoint, Predictor
from tuner_job.models.growing import ContinuedFamily, GrowingFamily
from tuner_job.models.logistic_regression import LogisticRegression
from tuner_job.models.random_forest import RandomForest
from tuner_job.models.xgboost import XGBoost
from tuner_job.wording import shown

__all__ = [
    "CONTINUED",
    "FAMILIES",
    "GROWING",
    "FoldData",
    "ModelFamily",
    "Params",
    "PathPoint",
    "Predictor",
    "get_family",
]

FAMILIES: Mapping[str, ModelFamily] = MappingProxyType(
    {family.name: family for family in (XGBoost(), RandomForest(), LogisticRegression())}
)
"""Every family by its name in an experiment file."""

CONTINUED: Mapping[str, ContinuedFamily] = MappingProxyType({XGBoost.name: XGBoost()})
"""Families that population-based training can tune."""

GROWING: Mapping[str, GrowingFamily] = MappingProxyType(
    {**CONTINUED, RandomForest.name: RandomForest()}
)
"""Families whose fits pass through every smaller size; the others are judged fold by fold."""


def get_family(name: str) -> ModelFamily:
    """Return the family called `name`.

    Raises
    ------
    ConfigError
        If there is none; the message lists those there are.
    """
    if name not in FAMILIES:
        raise ConfigError(f"a model must be one of {', '.join(FAMILIES)}; found {shown(name)}")
    return FAMILIES[name]
