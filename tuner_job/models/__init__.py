"""Model families, one a file, behind one protocol."""

from collections.abc import Mapping

from tuner_job.models.base import ModelFamily
from tuner_job.models.logistic_regression import LogisticRegression
from tuner_job.models.random_forest import RandomForest
from tuner_job.models.xgboost import XGBoost

FAMILIES: Mapping[str, ModelFamily] = {
    family.name: family for family in (XGBoost(), RandomForest(), LogisticRegression())
}
"""Every family by its name in an experiment file."""
