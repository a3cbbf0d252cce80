import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tuner_job.evaluation.selection import optimism, within_one_standard_error

SCORES = arrays(
    np.float64, st.tuples(st.integers(2, 8), st.integers(2, 6)), elements=st.floats(0, 1, width=16)
)


def test_a_configuration_that_is_best_in_every_fold_owes_nothing_to_the_choice() -> None:
    scores = np.random.default_rng(1).uniform(0.4, 0.6, (20, 5))
    scores[7] += 0.3
    assert optimism(scores) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("n_configurations", [2, 10, 50, 200])
def test_of_configurations_that_differ_by_noise_alone_it_is_the_expected_maximum(
    n_configurations: int,
) -> None:
    rng, n_folds, n_repeats = np.random.default_rng(2), 5, 2_000
    noise = rng.normal(size=(n_repeats, n_configurations, n_folds))
    expected = noise.mean(axis=2).max(axis=1).mean()  # by which the best mean is too high
    estimated = np.mean([optimism(scores) for scores in noise])
    # cut at 0, so a little above; most where few compete
    assert expected - 0.03 < estimated < expected + 0.25
    assert estimated == pytest.approx(expected, rel=0.1) or n_configurations == 2


@given(SCORES)
def test_optimism_is_never_negative_and_does_not_depend_on_the_level(scores: np.ndarray) -> None:
    found = optimism(scores)
    assert found is not None
    assert found >= 0
    assert found <= np.ptp(scores) + 1e-12
    assert optimism(np.round(scores * 1024) / 1024) == pytest.approx(
        optimism(np.round(scores * 1024) / 1024 + 1)
    )


@pytest.mark.parametrize("shape", [(1, 5), (5, 1)])
def test_there_is_none_without_a_choice_or_without_folds(shape: tuple[int, int]) -> None:
    assert optimism(np.zeros(shape)) is None


def test_the_simplest_within_one_standard_error_is_chosen() -> None:
    best, near, far = (
        [0.8, 0.7, 0.75],
        [0.81, 0.71, 0.70],
        [0.6, 0.6, 0.6],
    )  # near is .01 ± .02 behind
    assert within_one_standard_error(np.array([best, near, far]), [3, 2, 1]) == 1
    assert within_one_standard_error(np.array([best, near, far]), [1, 2, 3]) == 0
    assert within_one_standard_error(np.array([near, best, near]), [(1, 0), (3, 0), (1, 0)]) == 0


@given(SCORES, st.integers(0, 100))
def test_nothing_simpler_is_as_near(scores: np.ndarray, seed: int) -> None:
    complexity = np.random.default_rng(seed).permutation(len(scores)).tolist()
    chosen = within_one_standard_error(scores, complexity)
    behind = scores[scores.mean(axis=1).argmax()] - scores
    room = behind.std(axis=1, ddof=1) / np.sqrt(scores.shape[1]) - behind.mean(axis=1)
    assert room[chosen] >= -1e-12
    assert all(room[i] < 1e-12 for i in range(len(room)) if complexity[i] < complexity[chosen])


def test_differences_are_paired_so_folds_that_are_all_hard_or_easy_do_not_widen_the_choice() -> (
    None
):
    hard_and_easy = np.array([0.2, 0.9, 0.5])
    assert within_one_standard_error(np.array([hard_and_easy, hard_and_easy - 0.05]), [2, 1]) == 0
