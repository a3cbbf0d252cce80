"""Very short fits go to a worker together; what they tell stays the same."""

from collections import deque
from dataclasses import replace
from typing import Any, cast

import pytest

from tests.contracts.runner import shared_data
from tuner_job.config.budget import Budget
from tuner_job.execution import fold_task
from tuner_job.execution.drive import PACKED, Driver
from tuner_job.execution.runner import FinishedTask, Runner
from tuner_job.records import FoldRecord
from tuner_job.search.early_stopping import NeverStop
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldOutcome, FoldTask
from tuner_job.search_space import ModelSearchSpace, SearchSpace

SPACE = SearchSpace(
    ModelSearchSpace.model_validate({"max_depth": {"low": 1, "high": 10_000}}).parameters, []
)
N_FOLDS, N_TRIALS, LAG = 5, 20, 20


def outcome(task: FoldTask) -> FoldOutcome:
    scores = {"csmf_accuracy": task.params["max_depth"] / 10_000}
    return FoldOutcome(
        FoldRecord(
            fold=task.fold,
            n_validation=1,
            validation=scores,
            train=scores,
            fit_seconds=0.0,
            judged=list(scores.values()),
        ),
        object(),
    )


class OneWorker:
    """Ends what was submitted in turn; each fit lasts so many seconds."""

    n_slots = 1

    def __init__(self, seconds: float):
        self.sizes: list[int] = []
        self._seconds = seconds
        self._queue: deque[tuple[str, list[FoldTask]]] = deque()

    @property
    def n_running(self) -> int:
        return len(self._queue)

    def submit_fits(self, study: str, model: str, tasks: list[FoldTask]) -> None:
        self.sizes.append(len(tasks))
        self._queue.append((study, tasks))

    def wait(self, timeout: float) -> list[FinishedTask]:
        study, tasks = self._queue.popleft()
        return [FinishedTask(study, task, [outcome(task)], self._seconds) for task in tasks]


def drive(seconds: float, max_concurrent: int | None = None) -> tuple[OneWorker, list[float]]:
    study = Study(
        StudyPlan(
            name="study",
            model="xgboost",
            objectives=["csmf_accuracy"],
            path=None,
            n_folds=N_FOLDS,
            lag=LAG,
            max_trials=N_TRIALS,
        ),
        RandomSampler(SPACE, 1),
        NeverStop(),
    )
    worker = OneWorker(seconds)
    budget = Budget(max_concurrent_trials=max_concurrent)
    Driver([study], cast(Runner, worker), budget, lambda *_: None).run()
    return worker, [trial.scores[0] for trial in study.trials]


def test_only_short_fits_are_packed_and_their_scores_are_the_same():
    long, expected = drive(1.0)
    short, found = drive(0.001)
    assert set(long.sizes) == {1}
    assert max(short.sizes) == PACKED
    assert sum(short.sizes) == sum(long.sizes) == N_TRIALS * N_FOLDS
    assert found == expected
    assert len(set(found)) > 10


def test_nothing_is_known_of_the_first_fit():
    assert drive(0.001)[0].sizes[:2] == [1, 1]


def test_a_pack_begins_no_more_trials_than_may_run():
    worker, _ = drive(0.001, max_concurrent=1)
    assert max(worker.sizes) < PACKED
    assert sum(worker.sizes) == N_TRIALS * N_FOLDS


def test_a_fit_that_fails_leaves_the_others_of_its_pack_alone(monkeypatch: pytest.MonkeyPatch):
    def score_fold(data: Any, model: str, task: FoldTask) -> list[FoldOutcome]:
        if task.fold == 1:
            raise ValueError("no such fold")
        return [replace(outcome(task), point=f"P {task.fold}")]

    monkeypatch.setattr(fold_task, "score_fold", score_fold)
    tasks = [FoldTask(0, fold, {"max_depth": 1}, (), (0,), (0,)) for fold in range(3)]
    told, points = fold_task.score_together(shared_data(), "xgboost", tasks)
    assert [[record.fold for record in records] for records, _, _ in told] == [[0], [], [2]]
    assert [bool(failure and "no such fold" in failure) for _, _, failure in told] == [
        False,
        True,
        False,
    ]
    assert points == ["P 0", None, "P 2"]
