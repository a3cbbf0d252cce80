"""What is known of how good a chosen configuration really is."""

import numpy as np
import pytest

from tests.unit.evaluation.test_best import study
from tuner_job.experiment.choice import pooled_optimism


def test_a_pool_is_as_lucky_as_its_members_are_by_weight() -> None:
    members = [
        study("xgboost", [0.8, 0.7], optimism=0.04),
        study("random_forest", [0.8, 0.7], optimism=0.01),
        study("naive_bayes", [0.8, 0.7], optimism=None),
    ]
    assert pooled_optimism(members, np.array([1.0, 0.0, 0.0])) == pytest.approx(0.04)
    assert pooled_optimism(members, np.array([0.5, 1.0, 0.5])) == pytest.approx(0.015)


def test_of_members_that_were_not_chosen_it_is_not_known() -> None:
    members = [study(model, [0.8, 0.7], optimism=None) for model in ("xgboost", "naive_bayes")]
    assert pooled_optimism(members, np.array([0.5, 0.5])) is None
