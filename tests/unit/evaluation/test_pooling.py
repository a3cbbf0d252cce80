"""Pooling several models' probabilities."""

import numpy as np
import pytest

from tuner_job.evaluation.calibration import FLOOR
from tuner_job.evaluation.pooling import MOST_EXPONENT, Pool, pool_out_of_fold, prior_of
from tuner_job.types import Causes, Floats

N_ROWS, N_CLASSES = 600, 4


def softmax(Z: Floats) -> Floats:
    E = np.exp(Z)
    return np.asarray(E / E.sum(axis=1, keepdims=True))


@pytest.fixture
def known() -> tuple[Causes, list[Floats], Floats]:
    """Causes, two calibrated views of them and one that says nothing, and the folds."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, N_CLASSES, N_ROWS)
    views = [
        rng.normal(size=(N_ROWS, N_CLASSES)) + strength * np.eye(N_CLASSES)[y]
        for strength in (1.5, 1.0)
    ]
    parts = [softmax(strength * view) for strength, view in zip((1.5, 1.0), views, strict=True)]
    noise = softmax(rng.normal(size=(N_ROWS, N_CLASSES)))
    return y, [*parts, noise], np.arange(N_ROWS) % 5


def loss(y: Causes, P: Floats) -> float:
    return -float(np.log(P[np.arange(len(y)), y]).mean())


def test_equal_exponents_are_the_geometric_mean() -> None:
    parts = [np.array([[0.5, 0.5, 0.0], [0.9, 0.05, 0.05]]), np.array([[0.2, 0.8, 0.0], [1, 0, 0]])]
    product = np.sqrt(np.maximum(parts[0], FLOOR) * np.maximum(parts[1], FLOOR))
    expected = product / product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(Pool.equal(2, 3).apply(parts), expected)


def test_what_says_nothing_counts_for_little_and_no_other_exponents_fit_better(
    known: tuple[Causes, list[Floats], Floats],
) -> None:
    y, parts, _ = known
    fitted = Pool.fit(y, parts)
    exponents = fitted.exponents
    assert exponents[:2] == pytest.approx([1, 1], abs=0.25), "independent views multiply"
    assert exponents[2] < 0.25
    best = loss(y, fitted.apply(parts))
    assert best < loss(y, Pool.equal(3, N_CLASSES).apply(parts)) - 0.05
    for step in np.vstack([np.eye(3), -np.eye(3)]) * 0.05:
        moved = np.maximum(exponents + step, 0)
        assert loss(y, Pool(moved, fitted.prior).apply(parts)) >= best - 1e-6


def test_who_is_too_sure_gets_a_smaller_exponent(
    known: tuple[Causes, list[Floats], Floats],
) -> None:
    y, parts, _ = known
    sure = parts[0] ** 2
    pair = Pool.fit(y, [sure / sure.sum(axis=1, keepdims=True), parts[1]]).exponents
    assert pair == pytest.approx(Pool.fit(y, parts[:2]).exponents * [0.5, 1], abs=0.02)


def test_the_training_csmf_counts_once() -> None:
    rng = np.random.default_rng(1)
    prior = np.array([0.7, 0.2, 0.1])
    y = rng.choice(3, 3000, p=prior)
    views = [rng.normal(size=(len(y), 3)) + np.eye(3)[y] for _ in range(3)]
    parts = [softmax(np.log(prior) + view) for view in views]
    exact = softmax(np.log(prior) + np.sum(views, axis=0))
    np.testing.assert_allclose(Pool(np.ones(3), prior).apply(parts), exact, atol=1e-4)
    fitted = Pool.fit(y, parts)
    assert fitted.exponents == pytest.approx(np.ones(3), abs=0.15)
    assert fitted.apply(parts).mean(axis=0) == pytest.approx(prior_of(y, 3), abs=0.015)


def test_a_fold_s_causes_have_no_say_in_how_it_is_pooled(
    known: tuple[Causes, list[Floats], Floats],
) -> None:
    y, parts, folds = known
    out = folds == 2
    other = np.where(out, (y + 1) % N_CLASSES, y)
    before, after = (pool_out_of_fold(causes, parts, folds) for causes in (y, other))
    np.testing.assert_array_equal(before[out], after[out])
    assert not np.allclose(before[~out], after[~out]), "the other folds do learn of it"
    of_others = Pool.fit(y[~out], [P[~out] for P in parts])
    np.testing.assert_array_equal(before[out], of_others.apply([P[out] for P in parts]))


def test_nothing_but_wrong_models_still_gives_probabilities() -> None:
    y = np.array([0, 1] * 10)
    wrong = np.eye(2)[1 - y]
    assert np.isfinite(Pool.fit(y, [wrong, wrong]).apply([wrong, wrong])).all()
    right = np.eye(2)[y]
    fitted = Pool.fit(y, [right, right])
    assert (fitted.exponents <= MOST_EXPONENT).all()
    np.testing.assert_allclose(fitted.apply([right, right]).sum(axis=1), 1)
