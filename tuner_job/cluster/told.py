"""What experiments have told in the release's store: read where their pods and RayJobs are gone,
too."""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import OF_EXPERIMENTS, ConfigMap
from tuner_job.cluster.storage import open_results, results_in, results_of
from tuner_job.cluster.template import Template, read_template
from tuner_job.errors import ClusterError, StoreError
from tuner_job.records import ProgressRecord
from tuner_job.results.progress import read_all_progress
from tuner_job.results.run_log import read_log
from tuner_job.results.store import Store

_log = logging.getLogger(__name__)
_MOST_LISTED = 2000
"""Experiments of a store that are looked at for a list."""
_PATIENCE = timedelta(seconds=3)
"""Whoever asks how it is going does not wait for a store that is away."""


@dataclass(frozen=True)
class Release:
    """A release on a cluster, and an address that its store's keys may go to; None: only where
    the release's own Services are."""

    kube: Kube
    name: str
    endpoint: str | None = None
    say: Callable[[str], None] = lambda line: None


@contextmanager
def results_opened(release: Release, name: str) -> Iterator[Store]:
    """Have the store in which the results of an experiment are.

    Raises
    ------
    ClusterError, StoreError
        It cannot be reached.
    """
    kube = release.kube
    template = read_template(kube, release.name)
    results = results_of(kube, name, template.results)
    with open_results(kube, template, results, release.endpoint, release.say) as store:
        yield store


@dataclass
class Told:
    """What is told of experiments, by name; and why nothing is, where it cannot be read."""

    progress: dict[str, ProgressRecord] = field(default_factory=dict)
    reason: str = ""


def told_of(release: Release, name: str) -> Told:
    """Read what one experiment has told; a store that cannot be read is a reason, not an error."""
    told = Told()
    try:
        with results_opened(release, name) as store:
            told.progress = read_all_progress(Store(store.url, _PATIENCE), [name])
    except (ClusterError, StoreError) as error:
        told.reason = str(error)
        _log.info("%s: what it has told cannot be read: %s", name, error)
    return told


def told_of_all(release: Release, names: Collection[str]) -> Told:
    """Read what these experiments have told, and those that only the release's store knows."""
    told = Told()
    try:
        template = read_template(release.kube, release.name)
    except ClusterError as error:
        _not_read(told, error)
        return told
    for url, there in _places(release.kube, template, names).items():
        try:
            told.progress |= _told_at(release, template, url, there)
        except (ClusterError, StoreError) as error:  # the other places tell all the same
            _not_read(told, error)
    return told


def _told_at(
    release: Release, template: Template, url: str, names: Collection[str]
) -> dict[str, ProgressRecord]:
    with open_results(release.kube, template, url, release.endpoint, release.say) as opened:
        store = Store(opened.url, _PATIENCE)
        others = store.folders() if url == template.results else []
        return read_all_progress(store, sorted({*names, *others})[:_MOST_LISTED])


def _not_read(told: Told, error: Exception) -> None:
    told.reason = told.reason or str(error)
    _log.info("what experiments have told cannot be read: %s", error)


def log_told(release: Release, name: str, tail: int | None) -> list[str]:
    """Read what an experiment has said, from its results.

    Raises
    ------
    ClusterError
        There is nothing, or it cannot be read.
    """
    try:
        with results_opened(release, name) as store:
            lines, where = read_log(store, name, tail), f"{store.url}/{name}"
    except (ClusterError, StoreError) as error:
        raise ClusterError(f"experiment {name}: no pod has its log any more; {error}") from None
    if not lines:
        raise ClusterError(
            f"namespace {release.kube.namespace}: no pod has a log of experiment {name}, and "
            f"{where} holds none; see va-tuning list"
        )
    return lines


def _places(kube: Kube, template: Template, names: Collection[str]) -> dict[str, list[str]]:
    """Where the results of experiments are → their names; the release's own place is among them."""
    said = _said(kube, template.results)
    places: dict[str, list[str]] = {template.results.rstrip("/"): []}
    for name in names:
        places.setdefault(said.get(name, template.results).rstrip("/"), []).append(name)
    return places


def _said(kube: Kube, otherwise: str) -> dict[str, str]:
    """Experiment → where its ConfigMap says that its results go."""
    try:
        found = kube.list(ConfigMap, OF_EXPERIMENTS)
    except ClusterError as error:  # one may not list them: the release's place is the usual one
        _log.info("experiments' ConfigMaps cannot be listed: %s", error)
        return {}
    said: dict[str, str] = {}
    for one in found:
        try:
            said[one.metadata.name] = results_in(one, kube.namespace, otherwise)
        except ClusterError as error:
            _log.info("%s", error)
    return said
