import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.unit.evaluation import oracle
from tuner_job.evaluation import metrics
from tuner_job.evaluation.assessment import Predictions
from tuner_job.evaluation.baselines import baseline_scores
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.folds import (
    count_folds,
    in_row_order,
    stratified,
    train_probe,
)
from tuner_job.evaluation.intervals import over_rows
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.records import CsmfEstimator

COUNT = CsmfEstimator(method="count")


def one_hot(assigned: list[int], n_classes: int) -> np.ndarray:
    return np.eye(n_classes)[assigned]


def score(y: np.ndarray, P: np.ndarray) -> dict[str, float]:
    """All metrics of deaths as they are, each counted for its most probable cause."""
    part = Predictions(Deaths(y), P, None)
    samples = part.samples(ScoringProtocol())
    return part.scores(COUNT, samples, part.estimate([COUNT], samples)[0])


def test_csmf_accuracy_by_hand() -> None:
    # true fractions .5 .3 .2, predicted .4 .4 .2: 1 - .2 / (2 × .8)
    y = np.array([0] * 5 + [1] * 3 + [2] * 2)
    found = score(y, one_hot([0, 0, 0, 0, 1, 1, 1, 1, 2, 2], 3))
    assert found["csmf_accuracy"] == pytest.approx(0.875)
    assert found["cccsmf_accuracy"] == pytest.approx((0.875 - 0.6321205588) / 0.3678794412)
    assert found["cod_accuracy"] == pytest.approx(0.9)


def test_a_cause_that_the_sample_lacks_still_counts() -> None:
    y, P = np.array([0, 0, 1, 1]), one_hot([0, 2, 1, 1], 3)
    assert score(y, P)["csmf_accuracy"] == pytest.approx(1 - 0.5 / 2), (
        "the least frequent cause has fraction 0"
    )


def test_ccc_is_the_mean_over_causes_present_with_the_whole_list_as_n() -> None:
    y, P = np.array([0, 0, 1, 1]), one_hot([0, 2, 1, 1], 3)
    assert score(y, P)["ccc"] == pytest.approx(np.mean([(0.5 - 1 / 3) / (2 / 3), 1.0]))
    hit = P.argmax(axis=1) == y
    by_cause = metrics.ccc_by_cause(metrics.sensitivity(y, np.ones((1, 4)), hit, 3))[0]
    assert by_cause == pytest.approx([0.25, 1.0, np.nan], nan_ok=True)


def test_partial_ccc_looks_at_the_three_most_probable() -> None:
    P = np.array([[0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]])
    assert score(np.array([2, 3]), P)["pccc3"] == pytest.approx((0.5 - 0.75) / 0.25)
    assert score(np.array([0, 1]), P[:, :3])["pccc3"] == 1


@given(st.integers(2, 8), st.integers(1, 60), st.integers(0, 10_000))
def test_bounds_perfection_and_the_formulas(n_classes: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # few different numbers, so that causes are equally probable
    y, P = rng.integers(0, n_classes, n), rng.integers(1, 4, (n, n_classes)) / 4
    found = score(y, P)
    assert -1e-12 <= found["csmf_accuracy"] <= 1
    assert found == pytest.approx(oracle.scores(y, P), abs=1e-12)
    assert set(found) == set(metrics.METRICS)
    for name, value in score(y, one_hot(y.tolist(), n_classes)).items():
        assert value == pytest.approx(1), name


@given(
    arrays(np.int64, st.integers(4, 80), elements=st.integers(0, 5)),
    st.integers(2, 4),
    st.integers(0, 99),
)
def test_stratified_folds_are_even_in_size_and_in_every_cause(
    y: np.ndarray, n_folds: int, seed: int
) -> None:
    folds = stratified(y, n_folds, seed)
    sizes = np.bincount(folds, minlength=n_folds)
    assert sizes.max() - sizes.min() <= 1
    for cause in np.unique(y):
        per_fold = np.bincount(folds[y == cause], minlength=n_folds)
        assert per_fold.max() - per_fold.min() <= 1
    assert np.array_equal(folds, stratified(y, n_folds, seed))


def test_parts_of_folds_go_back_to_their_rows() -> None:
    rows, folds = np.arange(14.0).reshape(7, 2), np.array([2, 0, 1, 0, 2, 2, 1], dtype=np.int32)
    parts = [rows[folds == fold] for fold in range(count_folds(folds))]
    assert len(parts) == 3
    np.testing.assert_array_equal(in_row_order(parts, folds), rows)
    assert in_row_order([part.astype(np.float32) for part in parts], folds).dtype == np.float32


def test_the_train_probe_is_as_large_as_the_validation_rows_and_has_the_causes_proportions() -> (
    None
):
    y = np.repeat([0, 1, 2], [400, 300, 100])
    train = np.arange(0, 800, 1)[:640]
    probe = train_probe(y, train, 160, 1)
    assert set(probe) <= set(train)
    assert abs(len(probe) - 160) <= 1
    assert np.bincount(y[probe])[0] / len(probe) == pytest.approx(400 / 640, abs=0.02)


@pytest.mark.slow
def test_intervals_cover_what_other_samples_give() -> None:
    rng = np.random.default_rng(3)
    confusion = 0.5 * np.eye(6) + 0.5 / 6
    truth = np.array([0.3, 0.25, 0.2, 0.1, 0.1, 0.05])

    def sample() -> tuple[np.ndarray, np.ndarray]:
        y = rng.choice(6, 400, p=truth)
        return y, np.eye(6)[
            [rng.choice(6, p=confusion[cause] / confusion[cause].sum()) for cause in y]
        ]

    y, P = sample()
    intervals = over_rows([Predictions(Deaths(y), P, None)], COUNT, seed=1)
    for name, interval in intervals.items():
        assert interval.estimate == pytest.approx(score(y, P)[name])
        assert interval.low < interval.estimate < interval.high <= 1
        others = [score(*sample())[name] for _ in range(60)]
        spread = float(np.std(others))
        assert (interval.high - interval.low) / 2 == pytest.approx(1.96 * spread, rel=0.35)


def test_baselines_by_hand() -> None:
    y, folds = np.array([0, 0, 1, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
    scores = baseline_scores(y, folds, 2, ScoringProtocol())
    assert scores["copy_train"]["csmf_accuracy"] == 1
    assert scores["uniform"]["csmf_accuracy"] == pytest.approx(
        1 - (2 * (2 / 3 - 1 / 2)) / (2 * 2 / 3)
    )
    assert scores["majority"] == pytest.approx(
        {"csmf_accuracy": 1 - (2 / 3) / (4 / 3), "cod_accuracy": 2 / 3}
    )
