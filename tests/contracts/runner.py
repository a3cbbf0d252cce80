"""What every runner must do: a test class of one takes `RunnerContract` and gives a fixture."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tuner_job.errors import RunError
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution.fold_task import SharedData, assess_trial, fit_final, score_fold
from tuner_job.execution.runner import FinishedTask, Runner
from tuner_job.records import TrialRecord
from tuner_job.search.trial import AssessmentTask, FoldOutcome, FoldTask

MODEL = "logistic_regression"
PARAMS = {"C": 0.1, "penalty": "l2", "solver": "liblinear"}
N_FOLDS = 3
TURNS = 600  # of waiting, a tenth of a second each: a limit that a busy machine does not reach


def shared_data() -> SharedData:
    """Deaths of three causes, each with a sign of its own."""
    rng = np.random.default_rng(4)
    y = np.repeat(np.arange(3, dtype=np.int32), 40)
    X = (rng.random((120, 6)) < 0.2 + 0.5 * (np.arange(6) % 3 == y[:, None])).astype(np.float32)
    folds = np.arange(120, dtype=np.int32) % N_FOLDS
    protocol = ScoringProtocol("dirichlet", 10)
    methods, objectives = ("count", "mean"), ("csmf_accuracy",)
    return SharedData("contract", X, y, folds, 3, 7, protocol, methods, objectives)


def fit(fold: int, batch: int = 0, **params: Any) -> FoldTask:
    return FoldTask(batch, fold, {**PARAMS, **params}, (), (0,), (batch,))


def record(**params: Any) -> TrialRecord:
    return TrialRecord(trial=0, batch=0, params={**PARAMS, **params}, state="complete", folds=[])


def wait_for(runner: Runner, n_tasks: int) -> list[FinishedTask]:
    found: list[FinishedTask] = []
    for _ in range(TURNS):
        found += runner.wait(0.1)
        if len(found) >= n_tasks:
            return found
    raise AssertionError(f"{len(found)} of {n_tasks} tasks came back")


def same(one: FoldOutcome, other: FoldOutcome) -> bool:
    ignored = {"fit_seconds", "diagnostics"}
    return one.record.model_dump(exclude=ignored) == other.record.model_dump(exclude=ignored)


class RunnerContract:
    """Tests of `tuner_job.execution.runner.Runner`."""

    @pytest.fixture
    def data(self) -> SharedData:
        return shared_data()

    @pytest.fixture
    def runner(self, data: SharedData) -> Runner:
        raise NotImplementedError

    def test_every_task_comes_back_once_with_what_its_fit_told(
        self, runner: Runner, data: SharedData
    ) -> None:
        tasks = [fit(fold, batch) for batch in range(2) for fold in range(N_FOLDS)]
        for task in tasks:
            runner.submit_fits("study", MODEL, [task])
        assert runner.n_running == len(tasks)
        assert runner.n_slots >= 1
        found = wait_for(runner, len(tasks))
        assert runner.n_running == 0
        key = lambda task: (task.batch, task.fold)  # noqa: E731
        assert sorted(key(one.task) for one in found) == sorted(map(key, tasks))
        for one in found:
            assert isinstance(one.task, FoldTask)
            assert (one.study, one.error) == ("study", None)
            (told,), (alone,) = one.told, score_fold(data, MODEL, one.task)
            assert isinstance(told, FoldOutcome)
            assert same(told, alone)
            P = runner.fetch(told.point).P_validation
            np.testing.assert_array_equal(P, alone.point.P_validation)

    def test_of_fits_that_go_together_each_comes_back(self, runner: Runner) -> None:
        runner.submit_fits("study", MODEL, [fit(fold) for fold in range(N_FOLDS)])
        assert runner.n_running == 1
        found = wait_for(runner, N_FOLDS)
        assert sorted(one.task.fold for one in found if one.task.fold is not None) == [0, 1, 2]

    def test_a_fit_that_fails_says_why_and_harms_no_other(self, runner: Runner) -> None:
        runner.submit_fits("study", MODEL, [fit(0, C=-1.0), fit(1)])
        found = {one.task.fold: one for one in wait_for(runner, 2)}
        assert (found[0].told, found[1].error) == ([], None)
        assert "C" in str(found[0].error)
        assert len(found[1].told) == 1

    def test_trials_are_assessed_from_what_their_folds_left(
        self, runner: Runner, data: SharedData
    ) -> None:
        runner.submit_fits("study", MODEL, [fit(fold) for fold in range(N_FOLDS)])
        by_fold = sorted(wait_for(runner, N_FOLDS), key=lambda one: one.task.fold or 0)
        points = tuple(told.point for one in by_fold for told in outcomes(one))
        runner.submit_assessment("study", AssessmentTask(0, (0, 1), (points, points)))
        (found,) = wait_for(runner, 1)
        expected = assess_trial(data, [runner.fetch(point) for point in points])
        assert found.error is None
        assert list(found.told) == [expected, expected]

    def test_what_is_cancelled_does_not_come_back(self, runner: Runner) -> None:
        for fold in range(N_FOLDS):
            runner.submit_fits("cancelled", MODEL, [fit(fold)])
        runner.cancel_all()
        assert runner.n_running == 0
        runner.submit_fits("later", MODEL, [fit(0)])
        assert [one.study for one in wait_for(runner, 1)] == ["later"]

    def test_chosen_trials_are_fitted_on_all_rows(self, runner: Runner, data: SharedData) -> None:
        fitted: Callable[[str], bytes] = runner.start_final({MODEL: record()})
        assert fitted(MODEL) == fit_final(data, MODEL, PARAMS)

    def test_a_last_fit_that_fails_is_a_sentence(self, runner: Runner) -> None:
        fitted = runner.start_final({MODEL: record(C=-1.0)})
        with pytest.raises(RunError, match=MODEL):
            fitted(MODEL)


class WorkersContract(RunnerContract):
    """Also that of a runner whose workers are processes, which can die."""

    LONG = FoldTask(0, 0, {"n_estimators": 3000, "max_depth": 3}, (3000,), (0,), (0,))
    """A fit of seconds, so that a worker can be found at it."""

    def kill_workers(self, runner: Runner) -> int:
        """Kill the workers that have something to do; return how many there were."""
        raise NotImplementedError

    def test_a_worker_that_is_killed_costs_time_only(
        self, runner: Runner, data: SharedData
    ) -> None:
        runner.submit_fits("study", "xgboost", [self.LONG])
        for _ in range(TURNS):
            assert not runner.wait(0.1), "the fit ended before a worker could be killed"
            if self.kill_workers(runner):
                break
        (found,), (alone,) = wait_for(runner, 1), score_fold(data, "xgboost", self.LONG)
        (told,) = outcomes(found)
        assert same(told, alone)

    def test_fits_that_go_together_do_not_share_the_death_of_their_worker(
        self, runner: Runner
    ) -> None:
        short = FoldTask(1, 0, {"n_estimators": 2, "max_depth": 3}, (2,), (0,), (1,))
        runner.submit_fits("study", "xgboost", [self.LONG, short])
        for _ in range(TURNS):
            assert not runner.wait(0.1), "they ended before their worker could be killed"
            if runner.n_running > 1:  # they have been given workers of their own
                break
            self.kill_workers(runner)
        found = wait_for(runner, 2)
        assert [one.error for one in found] == [None, None]

    def test_a_fit_whose_workers_all_die_says_so_and_later_ones_have_theirs(
        self, runner: Runner
    ) -> None:
        n_slots = runner.n_slots
        runner.submit_fits("study", "xgboost", [self.LONG])
        found: list[FinishedTask] = []
        for _ in range(TURNS):
            found += runner.wait(0.1)
            if found:
                break
            self.kill_workers(runner)
        assert [one.told for one in found] == [[]]
        assert re.search("worker .*died|worker was killed by SIGKILL", str(found[0].error))
        for fold in range(N_FOLDS):
            runner.submit_fits("later", MODEL, [fit(fold)])
        assert [one.error for one in wait_for(runner, N_FOLDS)] == [None] * N_FOLDS
        assert runner.n_slots == n_slots


def outcomes(finished: FinishedTask) -> Sequence[FoldOutcome]:
    return [told for told in finished.told if isinstance(told, FoldOutcome)]
