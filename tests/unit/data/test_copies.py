"""Which rows of a file are copies of one another."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tuner_job.data import copies
from tuner_job.data.columns import Column
from tuner_job.data.copies import find_copies, repeated_identifiers
from tuner_job.data.dataset import VaDataset


def columns_of(cells: np.ndarray) -> dict[str, Column]:
    """Columns of codes; -1 is missing."""
    values = tuple(str(value) for value in range(int(cells.max(initial=0)) + 1))
    return {f"q{j}": Column(column.astype(np.int32), values) for j, column in enumerate(cells.T)}


def groups_of(rows: list[tuple[int, ...]]) -> list[int]:
    first = {}
    for row in rows:
        first.setdefault(row, len(first))
    return [first[row] for row in rows]


def coin_flips(n_rows: int, n_columns: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, size=(n_rows, n_columns))


TABLES = st.tuples(st.integers(0, 12), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.int32, shape, elements=st.integers(-1, 1))
)


@given(TABLES, st.booleans())
def test_equal_rows_and_no_others_are_found(cells: np.ndarray, all_collide: bool) -> None:
    codes = list(cells.T)
    with pytest.MonkeyPatch.context() as patch:
        if all_collide:
            patch.setattr(copies, "_hashes", lambda codes, n: np.zeros(n, dtype=np.uint64))
        first = copies._first_equal(codes, len(cells))
    rows = [tuple(row) for row in cells.tolist()]
    assert first.tolist() == [rows.index(row) for row in rows]


def test_copies_are_one_group_and_are_counted() -> None:
    originals = coin_flips(40, 30)
    rows = np.r_[0:40, 0:40, 0:5]
    y = np.arange(40)[rows] % 3
    groups, notes = find_copies(columns_of(originals[rows]), y, len(rows))
    assert groups.tolist() == rows.tolist()
    assert notes == [
        "45 rows are copies of 40 other deaths, the same in all 30 columns and the cause: copies "
        "of one death are kept together, in training or in validation."
    ]


def test_rows_that_differ_in_the_cause_or_one_cell_are_no_copies() -> None:
    originals = coin_flips(1, 30).repeat(3, axis=0)
    originals[2, 29] = -1
    groups, notes = find_copies(columns_of(originals), np.array([0, 1, 0]), 3)
    assert (groups.tolist(), notes) == ([0, 1, 2], [])


def test_few_columns_make_rows_equal_by_chance_which_is_said() -> None:
    y = np.arange(300) % 2
    groups, notes = find_copies(columns_of(coin_flips(300, 5)), y, 300)
    assert groups.tolist() == list(range(300))
    assert notes == [
        "237 rows equal an earlier one in all 5 columns and the cause, in 2 causes: about as "
        "many as chance makes, so they are taken for different deaths."
    ]


def test_causes_of_few_deaths_are_looked_at_together() -> None:
    """Each alone is expected to have a pair or two."""
    y = np.arange(160) % 4
    groups, notes = find_copies(columns_of(coin_flips(160, 9)), y, 160)
    assert groups.tolist() == list(range(160))
    assert [note.split(":")[0] for note in notes] == [
        "3 rows equal an earlier one in all 9 columns and the cause, in 2 causes"
    ]
    copied = np.r_[0:160, np.flatnonzero(y == 3)]
    groups, notes = find_copies(columns_of(coin_flips(160, 9)[copied]), y[copied], len(copied))
    assert [note.split(" of ")[0].split(" in ")[0] for note in notes] == [
        "41 rows are copies",
        "2 rows equal an earlier one",
    ]
    assert np.array_equal(groups[160:], groups[:160][y == 3])


def test_a_cause_decides_for_itself() -> None:
    """Chance among the many deaths of one cause says nothing of the few of another."""
    cells = np.r_[coin_flips(400, 10), coin_flips(10, 10, seed=2).repeat(2, axis=0)]
    y = np.repeat([0, 1], [400, 20])
    groups, notes = find_copies(columns_of(cells), y, len(y))
    sizes = Counter(groups.tolist())
    assert [sizes[group] for group in groups[:400]] == [1] * 400
    assert [sizes[group] for group in groups[400:]] == [2] * 20
    assert [note.split(",")[0] for note in notes] == [
        "10 rows are copies of 10 other deaths",
        "74 rows equal an earlier one in all 10 columns and the cause",
    ]


@pytest.mark.parametrize(("n_columns", "are_copies"), [(60, True), (3, False)])
def test_a_cause_of_one_death_again_and_again(n_columns: int, are_copies: bool) -> None:
    """Its own answers seem certain; those of all deaths tell whether chance makes them."""
    cells = np.r_[coin_flips(60, n_columns), coin_flips(1, n_columns, seed=3).repeat(12, axis=0)]
    groups, _ = find_copies(columns_of(cells), np.repeat([0, 1], [60, 12]), 72)
    assert (len(set(groups[60:].tolist())) == 1) is are_copies


def test_nothing_at_all_has_no_copies() -> None:
    groups, notes = find_copies({}, np.empty(0, dtype=np.int32), 0)
    assert (len(groups), notes) == (0, [])


def data_of(n_rows: int, groups: list[int] | None = None) -> VaDataset:
    rows = np.zeros(n_rows, dtype=np.int32)
    X = np.ones((n_rows, 2), dtype=np.float32)
    known = {} if groups is None else {"copies": np.array(groups, dtype=np.int32)}
    return VaDataset(X, rows, rows, ("a",), ("all",), (), **known)


def test_a_data_set_keeps_copies_and_has_them_in_its_digest_if_there_are_any() -> None:
    plain, copied = data_of(4), data_of(4, [0, 1, 0, 2])
    assert (plain.copies.tolist(), plain.n_different) == ([0, 1, 2, 3], 4)
    assert (copied.take(np.array([2, 0, 3])).copies.tolist(), copied.n_different) == ([0, 0, 2], 3)
    assert data_of(4, [3, 0, 2, 1]).digest == plain.digest != copied.digest
    assert data_of(4, [5, 0, 5, 1]).digest == copied.digest != data_of(4, [0, 0, 1, 2]).digest
    assert copied.take(np.array([1, 2, 3])).digest == plain.take(np.array([1, 2, 3])).digest
    assert plain.digest == ("2c7fd2ac9b568609f0a465f9412541df0e9275133d07f4803b2c00c01b80a3d1"), (
        "digests of earlier versions"
    )


def test_rows_with_the_identifier_of_another_row_are_counted() -> None:
    codes = np.array([0, 1, 0, 2, 0, 1, -1, -1], np.int32)
    (note,) = repeated_identifiers(Column(codes, ("a", "b", "c")), "pid")
    assert note.startswith("3 rows have the identifier of an earlier row in column pid: ")
    assert repeated_identifiers(Column(codes[[0, 1, 3, 6, 7]], ("a", "b", "c")), "pid") == []
