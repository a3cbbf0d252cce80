import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tuner_job.evaluation import metrics
from tuner_job.evaluation.assessment import Part
from tuner_job.evaluation.baselines import baseline_scores
from tuner_job.evaluation.csmf import CsmfEstimator
from tuner_job.evaluation.folds import leave_one_site_out, stratified, train_probe
from tuner_job.evaluation.intervals import over_rows
from tuner_job.evaluation.protocols import ScoringProtocol


def one_hot(assigned: list[int], n_classes: int) -> np.ndarray:
    return np.eye(n_classes)[assigned]


def test_csmf_accuracy_by_hand() -> None:
    # true fractions .5 .3 .2, predicted .4 .4 .2: 1 - .2 / (2 × .8)
    y = np.array([0] * 5 + [1] * 3 + [2] * 2)
    P = one_hot([0, 0, 0, 0, 1, 1, 1, 1, 2, 2], 3)
    assert metrics.csmf_accuracy(y, P) == pytest.approx(0.875)
    assert metrics.cccsmf_accuracy(y, P) == pytest.approx((0.875 - 0.6321205588) / 0.3678794412)
    assert metrics.cod_accuracy(y, P) == pytest.approx(0.9)


def test_a_cause_that_the_sample_lacks_still_counts() -> None:
    y, P = np.array([0, 0, 1, 1]), one_hot([0, 2, 1, 1], 3)
    assert metrics.csmf_accuracy(y, P) == pytest.approx(1 - 0.5 / 2), (
        "the least frequent cause has fraction 0"
    )


def test_ccc_is_the_mean_over_causes_present_with_the_whole_list_as_n() -> None:
    y, P = np.array([0, 0, 1, 1]), one_hot([0, 2, 1, 1], 3)
    assert metrics.ccc(y, P) == pytest.approx(np.mean([(0.5 - 1 / 3) / (2 / 3), 1.0]))
    assert np.isnan(metrics.ccc_by_cause(y, P.argmax(axis=1), 3)[2])


def test_partial_ccc_looks_at_the_k_most_probable() -> None:
    P = np.array([[0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]])
    assert metrics.partial_ccc(np.array([2, 3]), P, k=3) == pytest.approx((0.5 - 0.75) / 0.25)
    assert metrics.partial_ccc(np.array([0, 1]), P, k=4) == 1


@given(st.integers(2, 8), st.integers(1, 60), st.integers(0, 10_000))
def test_bounds_and_perfection(n_classes: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, P = rng.integers(0, n_classes, n), rng.random((n, n_classes))
    assert -1e-12 <= metrics.csmf_accuracy(y, P) <= 1
    for name, value in metrics.score(y, one_hot(y.tolist(), n_classes)).items():
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


def test_leave_one_site_out_holds_each_site_out_once() -> None:
    site = np.array([2, 0, 0, 1, 2])
    assert leave_one_site_out(site).tolist() == [2, 0, 0, 1, 2]


def test_the_train_probe_is_as_large_as_the_validation_rows_and_has_the_causes_proportions() -> (
    None
):
    y = np.repeat([0, 1, 2], [400, 300, 100])
    train = np.arange(0, 800, 1)[:640]
    probe = train_probe(y, train, 160, 1)
    assert set(probe) <= set(train)
    assert abs(len(probe) - 160) <= 1
    assert np.bincount(y[probe])[0] / len(probe) == pytest.approx(400 / 640, abs=0.02)


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
    intervals = over_rows([Part(y, P, None)], CsmfEstimator(method="count"), seed=1)
    for name, interval in intervals.items():
        assert interval.estimate == pytest.approx(metrics.METRICS[name](y, P))
        assert interval.low < interval.estimate < interval.high <= 1
        others = [metrics.METRICS[name](*sample()) for _ in range(60)]
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
