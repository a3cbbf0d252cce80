"""A cluster that is simulated: fold tasks end after simulated durations with scores from a
formula."""

import heapq
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from tuner_job.execution.runner import FinishedTask
from tuner_job.models.base import PathPoint
from tuner_job.records import FoldRecord
from tuner_job.search.early_stopping import StoppingRule
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.base import Sampler
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldOutcome, FoldTask, Trial
from tuner_job.search_space import Configuration, ModelSearchSpace, SearchSpace

METRIC = "csmf_accuracy"
N_FOLDS = 5
SPACE = SearchSpace(
    ModelSearchSpace.model_validate(
        {
            "depth": {"low": 2, "high": 12},
            "rate": {"low": 0.01, "high": 0.3, "log": True},
            "subsample": {"low": 0.5, "high": 1.0},
            "columns": {"low": 0.3, "high": 1.0},
            "penalty": {"low": 0.1, "high": 10.0, "log": True},
        }
    ).parameters,
    [],
)


def score_of(params: Configuration, fold: int) -> float:
    """Best at depth 6, rate 0.1; folds differ, and a little noise that depends on configuration
    and fold alone."""
    depth, rate, share = (float(params[name] or 0) for name in ("depth", "rate", "subsample"))
    noise = (share * 1e4 * (fold + 1)) % 1.0 - 0.5
    return 0.8 - 0.01 * abs(depth - 6) - abs(rate - 0.1) + 0.01 * fold + 0.02 * noise


def make_study(sampler: Sampler, rule: StoppingRule, n_trials: int, lag: int) -> Study:
    """The search that all measurements drive."""
    return Study(
        StudyPlan(
            name="study",
            model="xgboost",
            objectives=[METRIC],
            path=None,
            n_folds=N_FOLDS,
            lag=lag,
            max_trials=n_trials,
        ),
        sampler,
        rule,
    )


def release(study: Study, trial: Trial) -> None:
    """Do with a finished trial what must be done: forget its outcomes."""
    trial.release()


class SimulatedCluster:
    """What the driver uses of a runner, without processes; its own seconds are counted to be taken
    off.

    A task lasts 1 to 2 simulated seconds. One ends at a time, so that every completion costs the
    driver a whole turn.

    Attributes
    ----------
    seconds
        Spent in here.
    """

    def __init__(self, n_slots: int):
        self.n_slots, self.seconds, self.n_ended = n_slots, 0.0, 0
        self._clock, self._n_begun = 0.0, 0
        self._busy: list[tuple[float, int, str, FoldTask]] = []
        self._queue: deque[tuple[str, FoldTask]] = deque()

    @property
    def n_running(self) -> int:
        """Tasks handed over that have not ended."""
        return len(self._busy) + len(self._queue)

    def submit_fits(self, study: str, model: str, tasks: Sequence[FoldTask]) -> None:
        """Begin fits, or queue them for the next free slots."""
        started = time.perf_counter()
        self._queue.extend((study, task) for task in tasks)
        self._begin_waiting()
        self.seconds += time.perf_counter() - started

    def wait(self, timeout: float) -> list[FinishedTask]:
        """Go on to the end of the next task."""
        started = time.perf_counter()
        self._clock, _, study, task = heapq.heappop(self._busy)
        self._begin_waiting()
        self.n_ended += 1
        score = score_of(task.params, task.fold)
        record = FoldRecord(
            fold=task.fold,
            n_validation=1,
            validation={METRIC: score},
            train={METRIC: score},
            fit_seconds=1.0,
            judged=[score],
        )
        finished = FinishedTask(study, task, [FoldOutcome(record, task.fold)], 1.0)
        self.seconds += time.perf_counter() - started
        return [finished]

    def fetch(self, handle: Any) -> PathPoint:
        """Probabilities of one held-out row."""
        P = np.full((1, 2), 0.5)
        return PathPoint(P, P, 1.0)

    def cancel_all(self) -> None:
        """End what is running."""
        self._busy.clear()
        self._queue.clear()

    def _begin_waiting(self) -> None:
        while self._queue and len(self._busy) < self.n_slots:
            study, task = self._queue.popleft()
            self._n_begun += 1
            duration = 1.0 + (self._n_begun * 0.6180339887) % 1.0
            heapq.heappush(self._busy, (self._clock + duration, self._n_begun, study, task))
