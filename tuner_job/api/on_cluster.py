"""A run on a Kubernetes cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from tuner_job.api.run import Run
from tuner_job.cluster.cancel import cancel
from tuner_job.cluster.follow import find_job
from tuner_job.cluster.state import ENDED, failure_of, state_of
from tuner_job.cluster.told import Release, results_opened
from tuner_job.errors import RunError
from tuner_job.results.experiment_store import ExperimentStore


class ClusterRun(Run):
    """An experiment that was submitted.

    Parameters
    ----------
    release
        Of the chart, on a cluster.
    """

    def __init__(self, release: Release, name: str):
        super().__init__(name)
        self._release = release

    @property
    def state(self) -> str:
        """As `va-tuning status` says it: ``queued``, ``running``, ``succeeded``, ``failed`` …;
        ``unknown`` where its RayJob is gone."""
        job = find_job(self._release.kube, self.name)
        return state_of(job) if job else "unknown"

    @contextmanager
    def _opened(self) -> Iterator[ExperimentStore]:
        with results_opened(self._release, self.name) as store:
            yield ExperimentStore(store, self.name)

    def _has_ended(self) -> bool:
        job = find_job(self._release.kube, self.name)
        if job is None:
            raise RunError(f"experiment {self.name}: was deleted; its finished trials are kept")
        state = state_of(job)
        if state in ENDED and state != "succeeded":
            raise RunError(
                f"experiment {self.name}: {state}: {failure_of(job) or 'no reason given'}"
            )
        return state == "succeeded"

    def cancel(self) -> None:
        """Delete its RayJob, and wait until that is gone; results stay."""
        cancel(self._release.kube, self.name)
