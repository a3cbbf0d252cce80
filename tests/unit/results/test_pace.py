"""How long a search will take is known from a quarter of it on, whatever its models take.

The driver runs real studies on workers whose clock is simulated, so nothing depends on how fast
this machine is.
"""

import heapq
import random
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.search.simulation import SPACE, assessment_of, outcome
from tuner_job.config.budget import Budget
from tuner_job.execution.drive import Driver
from tuner_job.execution.runner import FinishedTask, Runner
from tuner_job.results import monitor
from tuner_job.results.monitor import Limits, TuningMonitor
from tuner_job.results.pace import Pace, StudyPace
from tuner_job.search.early_stopping import NeverStop, PairedTest, StoppingRule
from tuner_job.search.effort import Effort
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.study import Study
from tuner_job.search.trial import AssessmentTask

N_FOLDS = 5
CHILD = {"xgboost": 20.0, "random_forest": 12.0, "logistic_regression": 2.0}
"""Seconds of a typical fit on two thousand deaths, each with a spread of its own."""
SPREAD = {"xgboost": 0.6, "random_forest": 0.7, "logistic_regression": 1.5}


class Clock:
    """Workers that take as long as they say."""

    def __init__(self, n_slots: int, seconds: Callable[[str, Any], float], handing: float = 0.0):
        self.n_slots, self.now = n_slots, 0.0
        self._seconds, self._handing = seconds, handing
        self._assessing = 0.01 if handing else 0.5
        self._free = [0.0] * n_slots
        self._under_way: list[tuple[float, int, FinishedTask]] = []
        self._n = 0

    @property
    def n_running(self) -> int:
        return len(self._under_way)

    def submit_fits(self, study: str, model: str, tasks: list[Any]) -> None:
        for task in tasks:
            self._submit(study, task, self._seconds(study, task))

    def submit_assessment(self, study: str, task: Any) -> None:
        self._submit(study, task, self._assessing)

    def _submit(self, study: str, task: Any, seconds: float) -> None:
        begin = max(self.now, heapq.heappop(self._free))
        end = begin + seconds + self._handing
        heapq.heappush(self._free, end)
        told = FinishedTask(study, task, _told(study, task), seconds)
        self._n += 1
        heapq.heappush(self._under_way, (end, self._n, told))

    def wait(self, timeout: float) -> list[FinishedTask]:
        self.now, _, told = heapq.heappop(self._under_way)
        return [told]


def _told(study: str, task: Any) -> list[Any]:
    """What fits and assessments tell: configurations differ about as much as folds of one do."""
    if isinstance(task, AssessmentTask):
        return [assessment_of(scores) for scores in task.points]
    level = random.Random(f"{study} {task.trials[0]}").gauss(0.75, 0.02)
    noise = random.Random(f"{study} {task.trials[0]} {task.fold}").gauss(0, 0.012)
    return [outcome(level + 0.02 * task.fold + noise, task.fold, True)]


def study(name: str, n_trials: int, seed: int, rule: StoppingRule | None = None) -> Study:
    plan = StudyPlan(
        name=name, model=name.split()[0], objectives=["csmf_accuracy"], path=None,
        n_folds=N_FOLDS, lag=8, max_trials=n_trials, assessed=True,
    )  # fmt: skip
    return Study(plan, RandomSampler(SPACE, seed), rule or NeverStop())


def readings(studies: list[Study], clock: Clock) -> tuple[float, list[tuple[float, float | None]]]:
    """How long the search took, and (time, time left as it was told) at each end of a task."""
    pace, told = Pace(), list[tuple[float, float | None]]()
    for one in studies:
        pace.studies[one.name] = StudyPace(
            one.model, one.n_fits_at_once, partial(one.effort, one._plan.max_trials or 0)
        )

    def on_task(name: str, seconds: float, n_slots: int) -> None:
        pace.note(name, seconds, n_slots, clock.now)
        told.append((clock.now, pace.search_left(clock.now)))

    driver = Driver(studies, cast(Runner, clock), Budget(), lambda *_: None, on_task=on_task)
    driver.run()
    return clock.now, told


def share_right(whole: float, told: list[tuple[float, float | None]]) -> float:
    """Share of the readings, evenly over time from a quarter of it on, that are within a factor of
    1.5."""
    right = []
    for i in range(200):
        at = whole * (0.25 + 0.75 * i / 200)
        left = [max(0.0, one - (at - then)) for then, one in told if then <= at and one][-1:]
        right.append(any(1 / 1.5 < one / (whole - at) < 1.5 for one in left))
    return sum(right) / len(right)


def heavy(seed: int) -> Callable[[str, Any], float]:
    """Seconds of a fit: the same for all folds of a configuration, very different between them."""

    def seconds(name: str, task: Any) -> float:
        model = name.split()[0]
        if name.endswith("default"):
            return CHILD[model] / 2
        drawn = random.Random(f"{seed} {model} {task.trials[0]}")
        return CHILD[model] * drawn.lognormvariate(0, SPREAD[model])

    return seconds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_slots", "stops", "least"),
    [(1, False, 0.9), (2, False, 0.9), (8, False, 0.9), (2, True, 0.9), (8, True, 0.75)],
)
def test_nine_of_ten_readings_are_right_within_half(
    n_slots: int, stops: bool, least: float
) -> None:
    shares = []
    for seed in range(6):
        studies = []
        for model in CHILD:
            rule = PairedTest(0.01, N_FOLDS, n_values=2) if stops else NeverStop()
            studies += [study(f"{model} default", 1, 0), study(model, 30, seed, rule)]
        shares.append(share_right(*readings(studies, Clock(n_slots, heavy(seed)))))
    assert sum(shares) / len(shares) >= least


def test_short_tasks_are_handed_over_as_long_as_they_take() -> None:
    clock = Clock(2, lambda name, task: 0.01, handing=0.03)
    searched = [study("xgboost", 30, 0)]
    assert share_right(*readings(searched, clock)) >= 0.9


def test_a_model_that_has_no_pace_yet_has_that_of_its_default() -> None:
    pace = Pace()
    pace.studies["m default"] = StudyPace("m", 5, lambda: Effort(5, 0), is_default=True)
    pace.studies["m"] = StudyPace("m", 40, lambda: Effort(0, 100))
    assert pace.search_left(0.0) is None
    pace.note("m default", 10.0, 2, 5.0)
    assert pace.search_left(5.0) == pytest.approx(100 * 2.0 / 2)
    assert pace.search_left(8.0) == pytest.approx(100 * 2.0 / 2 - 3)
    pace.studies["other"] = StudyPace("other", 40, None)
    assert pace.search_left(8.0) is None, "nobody knows how many trials it will have"


def test_one_study_alone_cannot_use_every_slot() -> None:
    pace = Pace()
    pace.studies["m"] = StudyPace("m", 4, lambda: Effort(10, 80))
    pace.note("m", 10.0, 100, 1.0)
    assert pace.search_left(1.0) == pytest.approx(80 / 4)


class TestMonitor:
    @pytest.fixture
    def now(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        now = [1000.0]
        monkeypatch.setattr(monitor, "time", SimpleNamespace(monotonic=lambda: now[0]))
        return now

    def test_stages_follow_each_other_and_are_told(self, now: list[float]) -> None:
        told: list[str] = []
        found = TuningMonitor({"m": 8, "committed": 8}, lambda one: told.append(one.stage))
        assert (found.stage, found.seconds_left()) == ("loading", None)
        efforts = {"m default": Effort(0, 5), "m": Effort(0, 40)}
        found.follow(["m"], {
            name: StudyPace("m", 40, lambda name=name: efforts[name], name != "m")
            for name in efforts
        })  # fmt: skip
        assert list(found.models) == ["m"]
        now[0] += 7
        found.enter("search")
        efforts["m default"] = Effort(5, 0)
        now[0] += 5
        found.log_task("m default", 10.0, 2)
        found.log_trial("m/0", {}, 0.5)
        for stage in ("last fits", "report"):
            found.enter(stage)
        assert told == ["loading", "default", "search", "last fits", "report"]

    def test_the_last_fits_and_the_report_are_counted(self, now: list[float]) -> None:
        found = TuningMonitor({"m": 8})
        found.follow(["m"], {"m": StudyPace("m", 40, lambda: Effort(5, 40))})
        found.enter("search")
        now[0] += 5
        found.log_task("m", 50.0, 2)
        search = found.seconds_left()
        assert search is not None
        assert search > 40 * 10 / 2 + 10
        found.enter("last fits")
        last = found.seconds_left()
        assert last is not None
        assert last > 10, "a fit takes ten seconds"
        now[0] += 100
        assert found.seconds_left() == pytest.approx(4.0), "the report is still to be written"

    def test_the_last_fit_is_that_of_the_best_trial(self, now: list[float]) -> None:
        def last(slow: float = 1.0, limits: Limits | None = None, **best: float) -> float:
            found = TuningMonitor({"m": 8}, limits=limits or Limits())
            now[0] += 6 * slow
            found.follow(["m"], {"m": StudyPace("m", 40, lambda: Effort(5, 40))}, n_folds=5)
            found.enter("search")
            found.log_task("m", 50.0, 2)
            found.log_trial("m/3", {}, 0.9, **best)
            found.log_trial("m/4", {}, 0.8, fit_seconds=9000.0)
            found.enter("last fits")
            seconds = found.seconds_left()
            assert seconds is not None
            return seconds

        assert last(fit_seconds=200.0) - last(fit_seconds=100.0) == pytest.approx(1.25 * 100 / 5)
        fits = 1.25 * 100 / 5
        rest = last(fit_seconds=100.0) - fits
        assert last(slow=3.0, fit_seconds=100.0) - fits == pytest.approx(3 * rest)
        assert last(limits=Limits(timeout=9), fit_seconds=100.0) > fits + rest, "workers start anew"

    def test_a_budget_ends_the_search_sooner(self, now: list[float]) -> None:
        def left(limits: Limits) -> float:
            found = TuningMonitor({"m": 8}, limits=limits)
            now[0] += 6  # Ray starts
            found.enter("search")
            found.follow(["m"], {"m": StudyPace("m", 40, lambda: Effort(5, 1000))})
            now[0] += 5
            found.log_task("m", 10.0, 2)
            seconds = found.seconds_left()
            assert seconds is not None
            return seconds

        rest = left(Limits()) - 1000
        assert left(Limits(timeout=65)) - rest == pytest.approx(60 + 4), "workers start anew"
        assert left(Limits(cpu_seconds=110)) - rest == pytest.approx(50 + 4)
