"""Very short fits share a trip to a worker: the scores are those of the fits alone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from tuner_job.config.budget import Budget
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution.drive import Driver
from tuner_job.execution.fold_task import SharedData, score_fold
from tuner_job.execution.local.pool import Pool
from tuner_job.execution.local.runner import LocalRunner
from tuner_job.execution.local.tasks import PoolTasks
from tuner_job.execution.runner import FinishedTask
from tuner_job.search.early_stopping import NeverStop
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldTask
from tuner_job.search_space import ModelSearchSpace, SearchSpace

pytestmark = pytest.mark.timeout(1500)

N_TRIALS, N_FOLDS = 40, 3
MODEL = "random_forest"
NO_FOREST = -1.0  # what scikit-learn refuses for `max_features`
SPACE = SearchSpace(
    ModelSearchSpace.model_validate(
        {
            "n_estimators": [1],
            "max_depth": {"low": 1, "high": 12},
            "max_features": [0.2, 0.5, 0.7, 1.0, NO_FOREST],
        }
    ).parameters,
    [],
)


class Watched(LocalRunner):
    """Notes how many fits went to a worker together; by its clock each takes a millisecond on
    any machine."""

    sizes: list[int]

    def submit_fits(self, study: str, model: str, tasks: Sequence[FoldTask]) -> None:
        self.sizes.append(len(tasks))
        super().submit_fits(study, model, tasks)

    def wait(self, timeout: float) -> list[FinishedTask]:
        return [replace(finished, seconds=0.001) for finished in super().wait(timeout)]


@pytest.fixture(scope="module")
def data() -> SharedData:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 120).astype(np.int32)
    X = (rng.normal(size=(120, 6)) + y[:, None]).astype(np.float32)
    folds = np.arange(120, dtype=np.int32) % N_FOLDS
    return SharedData(
        "packing", X, y, folds, 4, 5, ScoringProtocol(), ("count",), ("csmf_accuracy",)
    )


@pytest.fixture
def runner(data: SharedData) -> Iterator[Watched]:
    pool = Pool(2)
    runner = Watched(data, lambda: PoolTasks(pool, 2))
    runner.sizes = []
    yield runner
    pool.close()


def test_packed_fits_score_as_they_do_alone_and_fail_alone(
    data: SharedData, runner: Watched
) -> None:
    study = Study(
        StudyPlan(
            name="study",
            model=MODEL,
            objectives=["csmf_accuracy"],
            path=None,
            n_folds=N_FOLDS,
            lag=N_TRIALS,
            max_trials=N_TRIALS,
        ),
        RandomSampler(SPACE, 1),
        NeverStop(),
    )
    Driver([study], runner, Budget(), lambda *_: None).run()
    assert max(runner.sizes) > 1, "fits of milliseconds were packed"
    failed = {trial.number for trial in study.trials if trial.state == "failed"}
    assert failed == {
        trial.number for trial in study.trials if trial.params["max_features"] == NO_FOREST
    }
    assert 0 < len(failed) < N_TRIALS / 2
    for trial in study.trials:
        if trial.number in failed:
            assert trial.error
            assert "max_features" in trial.error
            continue
        assert trial.state == "complete"
        for fold in range(N_FOLDS):
            (alone,) = score_fold(data, MODEL, FoldTask(0, fold, trial.params, (), (0,), (0,)))
            assert trial.outcomes[fold].record.validation == alone.record.validation
