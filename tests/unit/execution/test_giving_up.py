"""A model most of whose trials fail is searched no further; the others are."""

from dataclasses import replace
from typing import cast

from tests.unit.execution.test_packing import SPACE, OneWorker
from tuner_job.config.budget import Budget
from tuner_job.execution.drive import Driver
from tuner_job.execution.runner import FinishedTask, Runner
from tuner_job.search.early_stopping import NeverStop
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.study import Study
from tuner_job.search.trial import Trial

N_TRIALS = 20


class OneFails(OneWorker):
    """A worker on which every fit of xgboost fails."""

    n_slots = 2

    def wait(self, timeout: float) -> list[FinishedTask]:
        return [
            replace(one, told=[], error="ValueError: no") if one.study == "xgboost" else one
            for one in super().wait(timeout)
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
    driver = Driver([fails, works], cast(Runner, OneFails(1.0)), Budget(), lambda *_: None)
    assert driver.run() == "finished"
    assert works.counts["complete"] == N_TRIALS
    assert 5 <= fails.counts["failed"] < N_TRIALS
    assert list(driver.given_up) == ["xgboost"]
    assert "trials failed, the last one with ValueError: no" in str(driver.given_up["xgboost"])


def test_it_does_not_matter_which_trials_end_first() -> None:
    one = study("xgboost")
    driver = Driver([one], cast(Runner, OneFails(1.0)), Budget(), lambda *_: None)
    one.trials = [Trial(number, number, {}) for number in range(12)]
    for trial in one.trials[5:10]:
        trial.fail("quickly")
    driver._give_up_if_most_fail(one)
    assert not driver.given_up, "of those before them nothing is known yet"
    for trial in one.trials[:5]:
        trial.state = "complete"
    driver._give_up_if_most_fail(one)
    assert not driver.given_up
    one.trials[10].fail("the sixth")
    driver._give_up_if_most_fail(one)
    assert "6 of 11 trials failed, the last one with the sixth" in str(driver.given_up["xgboost"])
