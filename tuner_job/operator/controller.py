"""One look at all experiments of a release, from the cluster's own lists: nothing rests on what an
earlier look remembered."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import EXPERIMENT, OF_EXPERIMENTS, ConfigMap, RayJob, parsed_yaml
from tuner_job.cluster.template import Template, find_template, template_of
from tuner_job.errors import VaTuningError
from tuner_job.operator.cleaning import Cleaner, is_over
from tuner_job.operator.events import Events
from tuner_job.operator.ledger import Ledger
from tuner_job.operator.marks import is_marked, mark
from tuner_job.operator.notify import Receiver
from tuner_job.operator.noting import mark_told, note
from tuner_job.operator.resource import TuningExperiment
from tuner_job.operator.results import Results
from tuner_job.operator.runs import Found, Runs
from tuner_job.operator.status import TERMINAL, Outcome, merge_patch, told
from tuner_job.public import is_remote

_log = logging.getLogger(__name__)
_INSTANCE = "app.kubernetes.io/instance"
_TEMPLATE_SECONDS = 20.0
"""After which the release's template is read again."""
_LAST_WORDS = 60.0
"""Seconds after an experiment's end in which its progress is read again: a store may be slow."""


@dataclass(frozen=True)
class Settings:
    """Of which release, and how.

    Attributes
    ----------
    release
        What the names of its objects begin with.
    instance
        Its name, as labels have it.
    retention
        Seconds that what is over stays; None: for ever.
    """

    release: str
    instance: str
    retention: float | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Of the release's experiments."""
        return OF_EXPERIMENTS | {_INSTANCE: self.instance}


class Controller:
    """Looks at all experiments of a release.

    Parameters
    ----------
    receiver
        Who is told of ends; None: nobody.
    """

    def __init__(
        self,
        kube: Kube,
        settings: Settings,
        results: Results,
        receiver: Receiver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._kube, self._settings, self._results = kube, settings, results
        self._receiver, self._clock = receiver, clock
        self._ledger = Ledger(kube, f"{settings.release}-operator", settings.labels)
        self._events = Events(kube, clock)
        self._runs = Runs(kube, self._template, self._ledger, results)
        self._cleaner = Cleaner(kube, self._ledger, settings.retention)
        self._known: tuple[str, Template] | None = None
        self._fresh_until = 0.0
        self._places: dict[str, tuple[str, str]] = {}

    def look(self) -> None:
        """Look at everything once, and do what is to be done.

        Raises
        ------
        ClusterError
            The cluster does not answer; what was done so far is done.
        """
        labels = self._settings.labels
        objects = self._kube.list(TuningExperiment)
        jobs = {job.metadata.name: job for job in self._kube.list(RayJob, labels) if _is_one(job)}
        experiments = {one.metadata.name: one for one in self._kube.list(ConfigMap, labels)}
        self._ledger.load()
        kept = {
            one.status.get("rayJob", {}).get("uid") for one in objects if one.state not in TERMINAL
        }
        places = {name: self._place(one) for name, one in experiments.items()}
        self._places = {name: one for name, one in self._places.items() if name in experiments}
        note(
            self._ledger,
            jobs.values(),
            lambda name: places.get(name, ""),
            self._results,
            self._receiver is not None,
            kept,
        )
        self._look_at(objects, jobs, experiments)
        self._mark_and_clean(objects, jobs, experiments)
        self._tell()
        self._results.tidy()
        self._runs.keep({one.metadata.uid for one in objects})

    def _look_at(
        self,
        objects: list[TuningExperiment],
        jobs: Mapping[str, RayJob],
        experiments: Mapping[str, ConfigMap],
    ) -> None:
        for one in objects:
            name = one.metadata.name
            with _told_and_left(name):
                if one.metadata.deletion_timestamp or self._cleaner.clean_object(one):
                    continue
                found = Found(one, jobs.get(name), experiments.get(name))
                self._say(one, self._runs.step(found))

    def _say(self, about: TuningExperiment, outcome: Outcome) -> None:
        """Write what is new of an experiment into its status."""
        name = about.metadata.name
        url = self._results_of(about)
        progress = None
        if outcome.state in TERMINAL and about.state != outcome.state:
            progress = self._results.at_the_end(url, name)
        elif outcome.state == "Running" or (outcome.state in TERMINAL and not _is_old(about)):
            progress = self._results.progress(url, name)
        status = told(about, outcome, progress, f"{url}/{name}" if url else "")
        if status == about.status:
            return
        self._events.tell(about, status)
        version = {"resourceVersion": about.metadata.resource_version}
        changes = merge_patch(about.status, status)
        self._kube.patch(about, {"metadata": version, "status": changes}, "status")

    def _results_of(self, about: TuningExperiment) -> str:
        """Where the results of an experiment go, or went."""
        entry = self._ledger.entries.get(about.status.get("rayJob", {}).get("uid", ""))
        if entry and entry.results:  # where its run writes, whatever is asked for by now
            return entry.results
        asked = str(about.spec.experiment.get("results", ""))
        if is_remote(asked):
            return asked.rstrip("/")
        said = str(about.status.get("results", "")).rpartition("/")[0]
        if said and about.state in TERMINAL:
            return said
        try:
            return self._template().results
        except VaTuningError:  # the release's template cannot be read
            return said

    def _mark_and_clean(
        self,
        objects: list[TuningExperiment],
        jobs: Mapping[str, RayJob],
        experiments: Mapping[str, ConfigMap],
    ) -> None:
        owners = {one.metadata.name: one for one in objects}
        for name, job in jobs.items():
            with _told_and_left(name):
                self._mark(job)
                of = owners.get(name)
                of = of if of and of.owns(job) else None
                self._cleaner.clean_job(job, experiments.get(name), of)
        for name, experiment in experiments.items():
            with _told_and_left(name):
                of = owners.get(name)
                if experiment.is_of(name) and (of is None or of.state in TERMINAL):
                    self._cleaner.clean_experiment(experiment, jobs)

    def _mark(self, job: RayJob) -> None:
        entry = self._ledger.entries.get(job.metadata.uid)
        if entry is None or (is_marked(job) and is_over(entry.ended, _LAST_WORDS)):
            return
        mark(self._kube, job, self._results.progress(entry.results, job.metadata.name))

    def _tell(self) -> None:
        """Tell the ends that nobody has heard of yet; at the first failure the others wait."""
        if self._receiver is None:
            return
        for uid, entry in list(self._ledger.entries.items()):
            if entry.end and not entry.told:
                if not self._receiver.is_due:
                    return
                if self._receiver.tell(self._kube.namespace, uid, entry):
                    mark_told(self._ledger, uid)

    def _template(self) -> Template:
        """The release's template, parsed again only where it has changed: that takes a while."""
        now = self._clock()
        if now < self._fresh_until and self._known:
            return self._known[1]
        found = find_template(self._kube, self._settings.release)
        version = found.metadata.resource_version
        if self._known is None or self._known[0] != version:
            self._known = (version, template_of(found, self._kube))
        self._fresh_until = now + _TEMPLATE_SECONDS
        return self._known[1]

    def _place(self, experiment: ConfigMap) -> str:
        """Where the results of an experiment go, by its ConfigMap; empty: it does not say."""
        metadata = experiment.metadata
        known = self._places.get(metadata.name)
        if known is None or known[0] != metadata.resource_version:
            known = (metadata.resource_version, _results_in(experiment))
            self._places[metadata.name] = known
        return known[1]


def _is_old(about: TuningExperiment) -> bool:
    """Whether all that there is to be said of an experiment was said."""
    return about.state in TERMINAL and is_over(about.status.get("completionTime", ""), _LAST_WORDS)


def _is_one(job: RayJob) -> bool:
    """Whether a RayJob is an experiment's."""
    return job.metadata.labels.get(EXPERIMENT) == job.metadata.name


def _results_in(experiment: ConfigMap) -> str:
    try:
        content: dict[str, Any] = parsed_yaml(experiment.data.get("experiment.yaml", ""), "it")
    except VaTuningError:
        return ""
    results = content.get("results")
    return results.rstrip("/") if isinstance(results, str) else ""


@contextmanager
def _told_and_left(name: str) -> Iterator[None]:
    """Go on with the next experiment whatever one of them meets; the next look tries again."""
    try:
        yield
    except VaTuningError as error:
        _log.warning("experiment %s: %s", name, error)
    except Exception:
        _log.exception("experiment %s: cannot be looked at", name)
