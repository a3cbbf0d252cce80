"""A search on Ray from start to end: connect, share the data, drive the studies, disconnect."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from tuner_job.config.decisive import digest_of
from tuner_job.config.experiment import ModelName
from tuner_job.errors import RunError
from tuner_job.execution.drive import Driver
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.ray_runner import RayRunner
from tuner_job.execution.ray_start import ray_running
from tuner_job.experiment.recorder import Recorder
from tuner_job.problem import Prepared
from tuner_job.process.interruption import held_back
from tuner_job.records import StopReason, TrialRecord
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.writer import BackgroundWriter
from tuner_job.search.study import Study


@dataclass(frozen=True)
class Session:
    """A search that has ended, with Ray still there to fit the chosen configurations."""

    reason: StopReason
    given_up: Mapping[str, RunError]
    """Models whose search was given up, because most of their trials fail."""
    _runner: RayRunner
    _whole: SharedData | None
    """All rows, where the search did not see them all."""

    def start_final(self, choices: Mapping[ModelName, TrialRecord]) -> Callable[[ModelName], bytes]:
        """Begin to fit each model's chosen trial on all rows; the function returned waits for a
        model's bytes."""
        return self._runner.start_final(choices, self._whole)


@contextmanager
def search(
    prepared: Prepared,
    store: ExperimentStore,
    studies: Sequence[Study],
    stored: Mapping[ModelName, Sequence[TrialRecord]],
    monitor: TuningMonitor,
    n_workers: int | None,
    should_stop: Callable[[], bool],
) -> Iterator[Session]:
    """Run the studies; every finished trial is in the store when the block is entered."""
    config, data = prepared.config, searched_data(prepared)
    with ray_running(n_workers, data.X.nbytes):
        runner = RayRunner(data, config.budget.memory_per_task)
        with held_back(), BackgroundWriter() as writer:
            known = {str(model): records for model, records in stored.items()}
            recorder = Recorder(
                store, writer, runner, monitor, prepared.folds, config.tuning, known
            )
            driver = Driver(studies, runner, config.budget, recorder.record, should_stop)
            started = time.monotonic()
            reason, given_up = driver.run(), driver.given_up
            if config.tuning.on_ray_tune and reason == "finished":
                from tuner_job.execution.ray_tune.run import (
                    search_models,
                )  # takes a second that others need not wait

                used = (time.monotonic() - started, driver.cpu_seconds)
                to_search = {
                    model: records for model, records in stored.items() if model not in given_up
                }
                reason, more = search_models(
                    prepared, store.url, to_search, runner, recorder.record, used, should_stop
                )
                given_up |= more
        yield Session(reason, given_up, runner, _whole(prepared, data))


def searched_data(prepared: Prepared) -> SharedData:
    """What the fits of a search read."""
    config, dataset = prepared.config, prepared.search_data
    return SharedData(
        key=f"{dataset.digest}/{digest_of(config.document())}",
        X=dataset.X,
        y=dataset.y,
        folds=prepared.folds,
        n_classes=dataset.n_causes,
        seed=config.seed,
        protocol=prepared.protocol,
        methods=tuple(config.validation.csmf_estimators),
    )


def _whole(prepared: Prepared, searched: SharedData) -> SharedData | None:
    if not prepared.held_out.any():
        return None
    dataset = prepared.dataset
    no_folds = np.zeros(dataset.n_samples, dtype=np.int32)
    return replace(searched, key=dataset.digest, X=dataset.X, y=dataset.y, folds=no_folds)
