"""What goes some time after an experiment's end: RayJobs, with their Jobs, and ConfigMaps.

KubeRay leaves RayJobs on an installed cluster alone for ever. Results are never touched. Only what
has the labels of experiments goes, and only as it was looked at.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import ConfigMap, RayJob
from tuner_job.operator.asked import digest_of
from tuner_job.operator.ends import end_of
from tuner_job.operator.ledger import Ledger
from tuner_job.operator.noting import is_noted
from tuner_job.operator.resource import GROUP, TuningExperiment
from tuner_job.operator.status import TERMINAL, now

_log = logging.getLogger(__name__)
UNUSED = f"{GROUP}/unused-since"
"""Annotation of a ConfigMap: when its RayJob was first seen to be gone."""


@dataclass(frozen=True)
class Cleaner:
    """Deletes what is over.

    Attributes
    ----------
    retention
        Seconds that it stays; None: for ever.
    """

    kube: Kube
    ledger: Ledger
    retention: float | None

    def clean_job(
        self, job: RayJob, experiment: ConfigMap | None, of: TuningExperiment | None
    ) -> None:
        """Delete a RayJob that has ended long enough ago, and its ConfigMap.

        Parameters
        ----------
        of
            The object that it was made for, if it was.
        """
        if self.retention is None or job.metadata.deletion_timestamp:
            return
        if not is_noted(self.ledger, job):
            return
        if of and not _is_said(of, job):
            return
        stays = max(self.retention, job.spec.ttl_seconds_after_finished)
        if not end_of(job)[0] or not is_over(self._end(job), stays):
            return
        self.kube.delete(job)
        goes_too = experiment and experiment.metadata.is_owned_by(job.metadata.uid)
        if experiment and experiment.is_of(job.metadata.name) and not goes_too:
            self.kube.delete(experiment)
        _log.info("experiment %s: its RayJob and ConfigMap are removed", job.metadata.name)

    def clean_experiment(self, experiment: ConfigMap, jobs: Mapping[str, RayJob]) -> None:
        """Delete a ConfigMap whose RayJob has been gone long enough, or note since when it is."""
        since = experiment.metadata.annotations.get(UNUSED)
        if experiment.metadata.name in jobs:
            if since:
                self._mark(experiment, None)
        elif self.retention is None:
            return
        elif since is None:
            self._mark(experiment, now())
        elif is_over(since, self.retention):
            self.kube.delete(experiment)
            _log.info("experiment %s: its ConfigMap is removed", experiment.metadata.name)

    def clean_object(self, asked_for: TuningExperiment) -> bool:
        """Delete an object that asks for it, with all that was made for it; return whether it
        goes."""
        stays, end = asked_for.spec.ttl_seconds_after_finished, asked_for.status
        if stays is None or asked_for.state not in TERMINAL:
            return False
        ran = end.get("rayJob", {})
        if ran and ran.get("spec") != digest_of(asked_for):  # it asks for something else now
            return False
        entry = self.ledger.entries.get(ran.get("uid", ""))
        if (entry and not entry.end) or not is_over(end.get("completionTime", ""), stays):
            return False
        self.kube.delete(asked_for)
        _log.info("experiment %s: its object is removed", asked_for.metadata.name)
        return True

    def _end(self, job: RayJob) -> str:
        return self.ledger.entries[job.metadata.uid].ended

    def _mark(self, experiment: ConfigMap, since: str | None) -> None:
        self.kube.patch(experiment, {"metadata": {"annotations": {UNUSED: since}}})


def _is_said(of: TuningExperiment, job: RayJob) -> bool:
    """Whether an object says of its RayJob that it has ended: one that is suspended goes on with
    another."""
    named = of.status.get("rayJob", {}).get("uid")
    return of.state in (*TERMINAL, "Suspended") and named == job.metadata.uid


def is_over(since: str, stays: float) -> bool:
    """Whether a moment is so many seconds ago; what is no moment is not."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds() >= stays
    except (ValueError, TypeError):  # somebody else has written there
        return False
