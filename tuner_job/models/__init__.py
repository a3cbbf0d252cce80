"""Model families, one a file, behind one protocol.

Importing this loads neither xgboost nor scikit-learn: validating an experiment needs no fit.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tuner_job.errors import ConfigError
from tuner_job.models.base import UNKNOWN_RANK, FoldData, ModelFamily, Params, PathPoint, Predictor
from tuner_job.models.logistic_regression import LogisticRegression
from tuner_job.models.naive_bayes import NaiveBayes
from tuner_job.models.random_forest import RandomForest
from tuner_job.models.xgboost import XGBoost
from tuner_job.wording import shown

__all__ = [
    "ENSEMBLE",
    "FAMILIES",
    "MODELS",
    "Families",
    "FoldData",
    "ModelFamily",
    "Params",
    "PathPoint",
    "Predictor",
    "get_family",
    "rank_of",
]

_LAST = 1000
"""Rank of several models together."""

Families = Mapping[str, ModelFamily]
"""Model families by their names in an experiment file."""

FAMILIES: Families = MappingProxyType(
    {
        family.name: family
        for family in (XGBoost(), RandomForest(), LogisticRegression(), NaiveBayes())
    }
)
"""Those that every experiment has; its `estimators` are more."""

ENSEMBLE = "ensemble"
"""The model that is made of the others' probabilities, at no fit: no family, and not searched."""

MODELS = (*FAMILIES, ENSEMBLE)
"""Every model that an experiment file may name."""


def get_family(name: str, families: Families = FAMILIES) -> ModelFamily:
    """Return the family called `name`.

    Parameters
    ----------
    families
        Those there are: of an experiment, its estimators too.

    Raises
    ------
    ConfigError
        If there is none; the message lists those there are.
    """
    if name == ENSEMBLE:
        raise ConfigError(
            f"{ENSEMBLE} has no search space: it is made of what the other models' searches choose"
        )
    if name not in families:
        raise ConfigError(f"a model must be one of {', '.join(families)}; found {shown(name)}")
    return families[name]


def rank_of(model: str) -> int:
    """Place of a model from the simplest to the most complex; see `ModelFamily.rank`."""
    if model == ENSEMBLE:
        return _LAST
    return FAMILIES[model].rank if model in FAMILIES else UNKNOWN_RANK
