"""A model most of whose trials fail is searched no further; the others are."""

from collections import deque
from typing import cast

from tests.unit.execution.test_packing import SPACE, outcome
from tuner_job.config.budget import Budget
from tuner_job.execution.drive import Driver
from tuner_job.execution.runner import FinishedTask, Runner
from tuner_job.search.early_stopping import NeverStop
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldTask

N_TRIALS = 20


class OneFails:
    """A worker on which every fit of xgboost fails."""

    n_slots = 2

    def __init__(self) -> None:
        self._queue: deque[tuple[str, list[FoldTask]]] = deque()

    @property
    def n_running(self) -> int:
        return len(self._queue)

    def submit_fits(self, study: str, model: str, tasks: list[FoldTask]) -> None:
        self._queue.append((study, tasks))

    def wait(self, timeout: float) -> list[FinishedTask]:
        study, tasks = self._queue.popleft()
        error = "ValueError: no" if study == "xgboost" else None
        return [
            FinishedTask(study, task, [] if error else [outcome(task)], 1.0, error)
            for task in tasks
        ]


def study(model: str) -> Study:
    return Study(
        StudyPlan(
            name=model,
            model=model,
            objectives=["csmf_accuracy"],
            path=None,
            n_folds=2,
            lag=2,
            max_trials=N_TRIALS,
        ),
        RandomSampler(SPACE, 1),
        NeverStop(),
    )


def test_the_others_go_on() -> None:
    fails, works = study("xgboost"), study("random_forest")
    driver = Driver([fails, works], cast(Runner, OneFails()), Budget(), lambda *_: None)
    assert driver.run() == "finished"
    assert works.counts["complete"] == N_TRIALS
    assert 5 <= fails.counts["failed"] < N_TRIALS
    assert list(driver.given_up) == ["xgboost"]
    assert "trials failed, the last one with ValueError: no" in str(driver.given_up["xgboost"])
