"""A run of this process: an experiment that a thread of it works on."""

import threading
from contextlib import AbstractContextManager, nullcontext

from tuner_job.api.run import OnProgress, Run
from tuner_job.config.estimators import trusted_by
from tuner_job.errors import RunError
from tuner_job.experiment.run import run_experiment
from tuner_job.problem import Prepared
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.store import Store

_PATIENCE = 60.0
"""Seconds that a run which was told to stop has for what it is writing."""


class LocalRun(Run):
    """Runs an experiment in a thread.

    Parameters
    ----------
    prepared
        The experiment, found to be sound.
    n_workers
        Processes that fit models on this machine; None: one a CPU.
    take_over
        Stop whoever runs this experiment now.
    """

    def __init__(self, prepared: Prepared, n_workers: int | None, take_over: bool):
        config = prepared.config
        super().__init__(config.name)
        self.store = ExperimentStore(Store(config.results), config.name)
        self.trust = trusted_by(config.estimators, config.own_modules)
        self._error: BaseException | None = None
        self._stop = threading.Event()

        def work() -> None:
            try:
                run_experiment(
                    prepared,
                    n_workers=n_workers,
                    should_stop=self._stop.is_set,
                    take_over=take_over,
                )
            except BaseException as error:  # raised where it is waited for
                self._error = error

        self._thread = threading.Thread(target=work, name=f"run-{config.name}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """``running``, ``done``, ``failed`` or ``cancelled``."""
        if self._thread.is_alive():
            return "running"
        if self._error is None:
            return "done"
        return "cancelled" if self._stop.is_set() else "failed"

    def _opened(self) -> AbstractContextManager[ExperimentStore]:
        return nullcontext(self.store)

    def _has_ended(self) -> bool:
        self._thread.join(0.2)
        if self._thread.is_alive():
            return False
        if self._error is not None:
            raise self._error
        return True

    def wait(self, timeout: float | None = None, on_progress: OnProgress | None = None) -> Run:
        """Wait until it has ended; Ctrl-C, or a notebook's stop button, stops it."""
        try:
            return super().wait(timeout, on_progress)
        except KeyboardInterrupt:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Stop it, and wait until what is finished is written."""
        self._stop.set()
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            raise RunError(f"{self.name}: does not stop within {_PATIENCE:g} s")
