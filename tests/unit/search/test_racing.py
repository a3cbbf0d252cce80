import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.search.simulation import N_FOLDS, SPACE, make_study, outcome
from tuner_job.config.experiment import HyperparameterSearchConfig
from tuner_job.search.early_stopping import PairedTest, StoppingRule
from tuner_job.search.racing import expected_tests, race
from tuner_job.search.samplers import make_stopping_rule, make_tuner
from tuner_job.search.samplers.fixed import FixedTuner
from tuner_job.search.samplers.grid import GridTuner
from tuner_job.search.samplers.random import RandomTuner
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldTask

N_BATCHES, LAG, LEVEL = 30, 2, 0.2


def test_only_record_holders_that_are_judged_share_the_level() -> None:
    assert expected_tests(n_folds=5, n_batches=6, lag=2) == pytest.approx(
        4 * (1 / 4 + 1 / 5 + 1 / 6)
    )
    assert expected_tests(n_folds=5, n_batches=3, lag=2) == 0


def test_so_many_record_holders_are_judged_in_random_order() -> None:
    rng = np.random.default_rng(0)
    counts = []
    for _ in range(4000):
        scores = rng.permutation(N_BATCHES)
        counts.append(sum(scores[b] > scores[:b].max() for b in range(LAG + 1, N_BATCHES)))
    assert np.mean(counts) == pytest.approx(expected_tests(2, N_BATCHES, LAG), abs=0.06)


def winner_lost(scores: NDArray[np.float64], rule: StoppingRule) -> bool:
    """Search configurations with these fold scores, (n_configurations, n_folds), in order."""
    study = Study(
        "s", "m", FixedTuner([{"a": i} for i in range(len(scores))]), rule,
        objectives=["csmf_accuracy"], path=None, n_folds=scores.shape[1], lag=LAG, max_trials=None,
    )  # fmt: skip
    while task := study.next_task():
        assert isinstance(task, FoldTask)
        study.record(task, [outcome(float(scores[task.trials[0], task.fold]), task.fold)])
    assert study.best
    return study.best.number != scores.mean(axis=1).argmax()


def test_the_winner_is_lost_at_most_as_often_as_stated_where_the_paired_level_promises_less() -> (
    None
):
    rng = np.random.default_rng(1)
    tables = [
        rng.normal(0, 0.02, (N_BATCHES, 1))
        + rng.normal(0, 0.03, (N_BATCHES, N_FOLDS))
        + rng.normal(0, 0.1, N_FOLDS)
        for _ in range(150)
    ]
    raced = np.mean([winner_lost(t, race(LEVEL, N_FOLDS, 1, N_BATCHES, LAG)) for t in tables])
    paired = np.mean([winner_lost(t, PairedTest(LEVEL, N_FOLDS)) for t in tables])
    assert raced <= LEVEL
    assert paired > LEVEL


def test_values_out_of_the_race_shorten_the_fits_of_later_folds() -> None:
    study = make_study(
        GridTuner(SPACE, "rounds", 1), rule=race(0.2, N_FOLDS, 1, 12, 2), lag=2, max_trials=None
    )
    fits: dict[tuple[int, int], tuple[object, ...]] = {}
    rng = np.random.default_rng(0)
    while task := study.next_task():
        assert isinstance(task, FoldTask)
        fits[task.batch, task.fold] = task.values
        values = [task.values[position] for position in task.wanted]
        scores = [
            0.8 + rng.normal(0, 0.01) - 0.3 * (rounds == 30) for rounds in values
        ]  # 30 rounds are too many
        study.record(task, [outcome(score, task.fold) for score in scores])
    later = {values for (batch, fold), values in fits.items() if batch > 3 and fold > 0}
    assert (10, 20) in later, "the largest value falls after the first fold, the others go on"
    assert (10, 20, 30) not in later
    assert {values for (_, fold), values in fits.items() if fold == 0} == {(10, 20, 30)}


@pytest.mark.parametrize("method", ["grid", "random"])
def test_the_experiment_file_s_race_counts_the_batches_whatever_the_budget(method: str) -> None:
    config = HyperparameterSearchConfig.model_validate(
        {
            "search_method": method,
            "n_trials": 20,
            "lag": 2,
            "early_stopping": {"rule": "race", "level": 0.05},
        }
    )
    tuner = make_tuner(config, SPACE, "rounds", 1)
    assert isinstance(tuner, GridTuner | RandomTuner)
    rule = make_stopping_rule(config, N_FOLDS, 1, tuner)
    assert isinstance(rule, PairedTest)
    assert rule.level == pytest.approx(0.05 / expected_tests(N_FOLDS, tuner.n_batches, 2))


def test_random_draws_are_shuffled_for_a_race() -> None:
    def drawn(shuffled: bool) -> Sequence[str]:
        return [
            repr(batch) for batch in iter(RandomTuner(SPACE, "rounds", 20, 1, shuffled).ask, None)
        ]

    assert drawn(shuffled=True) != drawn(shuffled=False)
    assert sorted(drawn(shuffled=True)) == sorted(drawn(shuffled=False))


def test_a_race_of_a_trillion_batches_is_weighed_at_once() -> None:
    near = [expected_tests(5, n, 8) for n in (999_999, 1_000_000, 1_000_001, 2_000_000)]
    assert near == sorted(near)
    assert near[3] - near[1] == pytest.approx(4 * math.log(2), rel=1e-5)
    assert expected_tests(5, 10**12, 8) - near[1] == pytest.approx(4 * math.log(10**6), rel=1e-5)
    assert expected_tests(5, 10**12, 10**9) == pytest.approx(4 * math.log(10**3), rel=1e-5)
