"""What every split must hold, where deaths have copies and where they have none."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_job.evaluation.folds import (
    NEVER,
    count_folds,
    group_copies,
    hold_out,
    in_row_order,
    stratified,
    validated,
)
from tuner_job.evaluation.sites import leave_one_site_out, too_small


@st.composite
def copied(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Causes and groups of rows in any order: (n_rows,) each."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=30))
    causes = draw(st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)))
    order = np.array(draw(st.permutations(range(sum(sizes)))))
    return np.repeat(causes, sizes)[order], np.repeat(np.arange(len(sizes)), sizes)[order]


def together(parts: np.ndarray, copies: np.ndarray) -> bool:
    """Whether all rows of a group are in one part."""
    return all(len(set(parts[copies == group].tolist())) == 1 for group in np.unique(copies))


@given(copied(), st.integers(2, 6), st.integers(0, 99))
def test_folds_keep_copies_together_and_are_even(
    rows: tuple[np.ndarray, np.ndarray], n_folds: int, seed: int
) -> None:
    y, copies = rows
    folds = stratified(y, n_folds, seed, copies)
    assert together(folds, copies)
    assert np.array_equal(folds, stratified(y, n_folds, seed, copies))
    if len(np.unique(copies)) >= n_folds:
        assert set(folds.tolist()) == set(range(n_folds))
    for cause in np.unique(y):
        per_fold = np.bincount(folds[y == cause], minlength=n_folds)
        assert per_fold.max() - per_fold.min() <= np.bincount(copies[y == cause]).max()


@given(copied(), st.sampled_from([0.1, 0.2, 0.5]), st.integers(0, 99))
def test_a_hold_out_keeps_copies_together_and_takes_its_share(
    rows: tuple[np.ndarray, np.ndarray], share: float, seed: int
) -> None:
    y, copies = rows
    chosen = hold_out(y, share, seed, copies)
    assert together(chosen, copies)
    assert not hold_out(y, 0.0, seed, copies).any()
    for cause in np.unique(y):
        of_cause = y == cause
        most = max(1.0, np.bincount(copies[of_cause]).max() / 2)
        assert abs(chosen[of_cause].sum() - share * of_cause.sum()) <= most + 1


@given(copied(), st.integers(2, 6), st.integers(0, 99))
def test_without_copies_folds_are_what_they_were(
    rows: tuple[np.ndarray, np.ndarray], n_folds: int, seed: int
) -> None:
    y, different = rows[0], np.arange(len(rows[0]))[::-1]
    assert np.array_equal(stratified(y, n_folds, seed, different), stratified(y, n_folds, seed))
    assert np.array_equal(hold_out(y, 0.3, seed, different), hold_out(y, 0.3, seed))


def test_folds_of_earlier_versions() -> None:
    y = np.array([0, 0, 1, 2, 1, 0, 2, 0, 1, 1])
    assert stratified(y, 3, 42).tolist() == [1, 0, 1, 0, 2, 0, 2, 2, 1, 0]
    assert np.flatnonzero(hold_out(y, 0.3, 42)).tolist() == [1, 3, 9]


def test_many_copies_among_many_deaths_leave_folds_even() -> None:
    rng = np.random.default_rng(1)
    copies = np.r_[np.arange(900), rng.integers(0, 300, size=600)]
    y = (np.arange(900) % 7)[copies]
    sizes = np.bincount(stratified(y, 5, 1, copies))
    assert sizes.max() - sizes.min() <= 1
    assert abs(hold_out(y, 0.2, 1, copies).mean() - 0.2) < 0.005


def test_groups_are_numbered_by_their_first_rows() -> None:
    first, sizes, group = group_copies(np.array([7, 3, 7, 5, 3, 7]))
    assert (first.tolist(), sizes.tolist()) == ([0, 1, 3], [3, 2, 1])
    assert group.tolist() == [0, 1, 0, 2, 1, 0]


def test_rows_that_no_fold_holds_out_have_no_place() -> None:
    folds = np.array([1, NEVER, 0, 1, NEVER], dtype=np.int32)
    assert count_folds(folds) == 2
    assert in_row_order([np.array([2.0]), np.array([0.0, 3.0])], folds).tolist() == [0, 2, 3]
    assert validated(folds).tolist() == [True, False, True, True, False]


def sites_of(counts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    site = np.repeat(np.arange(len(counts)), counts)
    return np.arange(len(site)) % 2, site


def test_each_site_is_held_out_once() -> None:
    y, site = sites_of([10, 12, 30])
    found = leave_one_site_out(y, site, np.arange(len(y)))
    assert np.array_equal(found.folds, site)
    assert (found.untested, found.n_elsewhere) == ({}, 0)


def test_sites_too_small_are_trained_on_alone() -> None:
    y, site = sites_of([9, 10, 20, 30, 40])
    y[site == 2] = 1
    copies = np.arange(len(y))
    copies[site == 3] = copies[site == 3][0] + (np.arange(30) % 8)
    found = leave_one_site_out(y, site, copies)
    assert [found.folds[site == one].tolist()[0] for one in range(5)] == [NEVER, 0, NEVER, NEVER, 1]
    assert found.untested == {0: "9 deaths", 2: "1 cause", 3: "8 different deaths"}


def test_a_death_with_a_copy_at_another_site_is_not_tested_on() -> None:
    y, site = sites_of([14, 14, 14])
    copies = np.arange(len(y))
    copies[14] = 0
    copies[40] = 41
    found = leave_one_site_out(y, site, copies)
    assert np.flatnonzero(found.folds == NEVER).tolist() == [0, 14]
    assert (found.n_elsewhere, found.untested) == (2, {})
    copies[14:20] = np.arange(6)
    found = leave_one_site_out(y, site, copies)
    assert found.untested == dict.fromkeys([0, 1], "8 deaths without a copy elsewhere")
    assert (count_folds(found.folds), found.n_elsewhere) == (1, 0)


@given(copied(), st.integers(0, 99))
def test_no_site_is_tested_on_a_copy_of_what_it_was_trained_on(
    rows: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    y, copies = (np.tile(part, 4) for part in rows)
    copies = copies + np.repeat([0, 1000, 2000, 2000], len(rows[0]))
    site = np.random.default_rng(seed).integers(0, 3, size=len(y))
    found = leave_one_site_out(y, site, copies)
    for fold in range(int(found.folds.max()) + 1):
        out = found.folds == fold
        assert not set(copies[out].tolist()) & set(copies[~out].tolist())
        assert too_small(y[out], copies[out]) is None


@pytest.mark.parametrize(
    ("y", "copies", "why"),
    [
        ([0, 1] * 5, range(10), None),
        ([0, 1] * 5, [0, 1, *range(8)], "8 different deaths"),
        ([1], [0], "1 death"),
        ([1] * 10, range(10), "1 cause"),
    ],
)
def test_what_it_takes_to_test_on_a_site(
    y: list[int], copies: Sequence[int], why: str | None
) -> None:
    assert too_small(np.array(y), np.array(copies)) == why
