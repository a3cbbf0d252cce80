"""What a commit says of how far a search went."""

import pytest

from tuner_job.records import TrialRecord
from tuner_job.results.commits import Asked, Commit, runs_of


@pytest.mark.parametrize(
    ("now", "before", "more"),
    [
        (Asked(trials=9), Asked(trials=5), True),
        (Asked(trials=5), Asked(trials=9), False),
        (Asked(trials=5), Asked(), False),
        (Asked(), Asked(trials=5), True),
        (Asked(timeout=60), Asked(timeout=60), False),
        (Asked(timeout=90), Asked(timeout=60), True),
        (Asked(timeout=60), Asked(timeout=60, cpu_seconds=5), True),
    ],
)
def test_a_search_may_go_further_where_a_limit_was_raised_or_taken_away(
    now: Asked, before: Asked, more: bool
) -> None:
    assert now.exceeds(before) == more


def test_numbers_are_written_as_runs() -> None:
    assert runs_of([7, 0, 1, 2, 5]) == [(0, 2), (5, 5), (7, 7)]
    assert runs_of([]) == []


def test_a_commit_knows_its_trials_whatever_follows() -> None:
    records = [
        TrialRecord(trial=n, batch=0, params={}, state="failed", folds=[]) for n in (-1, 0, 1, 2, 4)
    ]
    commit = Commit(params={}, trials=[(0, 0), (2, 2)])
    assert [one.trial for one in commit.of(records)] == [-1, 0, 2]
