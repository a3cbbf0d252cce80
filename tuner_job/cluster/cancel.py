"""Stopping an experiment, and removing all that is its own."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tuner_job.cluster.follow import find_job, wait_for
from tuner_job.cluster.kube import Kube, RefusedError
from tuner_job.cluster.objects import ConfigMap, OwnerReference, RayJob
from tuner_job.cluster.state import ENDED, state_of
from tuner_job.errors import ClusterError
from tuner_job.results.store import Store
from tuner_job.wording import counted, plain

_log = logging.getLogger(__name__)

_SECONDS = 60  # for KubeRay to stop a job
_TRIES = 20  # to delete what KubeRay keeps writing to
_LAST_WORDS = 15.0  # seconds in which a job that was stopped may still write
_CONFLICT = 409
_AT_ONCE = 8
_SHORT = {"TuningExperiment": "tune"}
"""What kubectl calls a kind, for short."""


def cancel(kube: Kube, name: str) -> None:
    """Stop an experiment that is ours, and wait until it is gone; its results stay.

    Raises
    ------
    ClusterError
        There is none, it is somebody else's, or it does not go.
    """
    job = find_job(kube, name)
    if job is None:
        raise ClusterError(
            f"namespace {kube.namespace}: no experiment {name} runs or ran here; see va-tuning list"
        )
    delete_ours(kube, job, name)
    wait_until_gone(kube, job)


class ReplacedError(ClusterError):
    """Another object of that name is there now."""


def delete_ours(kube: Kube, found: RayJob | ConfigMap, name: str) -> None:
    """Delete exactly what was read, although KubeRay may write to it meanwhile; if it has gone,
    that is as well.

    Raises
    ------
    ReplacedError
        There is another one by now, or it does not come to rest.
    ClusterError
        It is somebody else's by now.
    """
    uid, current = found.metadata.uid, found
    for _ in range(_TRIES):
        current.must_be_of(name, kube.namespace)
        try:
            return kube.delete(current)
        except RefusedError as error:
            if error.status == 404:
                return None
            if error.status != _CONFLICT:
                raise
        again = kube.get(type(found), name)
        if again is None:
            return None
        if again.metadata.uid != uid:
            break
        current = again
    raise ReplacedError(
        f"namespace {kube.namespace}: {found.KIND} {name} was replaced by somebody else just now, "
        "or changes all the time; it is left alone: look at it and try again"
    )


def wait_until_gone(kube: Kube, going: RayJob | ConfigMap) -> None:
    """Wait until an object that is being deleted is gone; another one may have its name then.

    Raises
    ------
    ClusterError
        It is not, in time.
    """
    name, uid = going.metadata.name, going.metadata.uid

    def is_gone() -> bool:
        found = kube.get(type(going), name)
        return found is None or found.metadata.uid != uid

    if wait_for(is_gone, _SECONDS):
        return
    if isinstance(going, RayJob):
        raise ClusterError(
            f"namespace {kube.namespace}: KubeRay must stop {name} within {_SECONDS} s of its "
            "deletion; it has not: see KubeRay's log"
        )
    raise ClusterError(
        f"namespace {kube.namespace}: ConfigMap {name} must go within {_SECONDS} s of its RayJob's "
        "deletion; it has not: try again"
    )


@dataclass(frozen=True)
class Belongings:
    """All that is an experiment's own."""

    name: str
    job: RayJob | None
    experiment: ConfigMap | None
    store: Store
    objects: list[str] = field(repr=False)
    """Below the experiment in the store."""

    @property
    def stays_with(self) -> OwnerReference | None:
        """What else than a RayJob owns the ConfigMap, which goes when that goes, and no sooner."""
        owners = self.experiment.metadata.owner_references if self.experiment else []
        return next((one for one in owners if one.kind != RayJob.KIND), None)

    def __str__(self) -> str:
        parts = [f"RayJob {self.name} ({state_of(self.job)})"] if self.job else []
        parts += [f"ConfigMap {self.name}"] if self.experiment and not self.stays_with else []
        parts += (
            [f"{counted(len(self.objects), 'object')} below {self.store.url}/{self.name}"]
            if self.objects
            else []
        )
        kept = f"; {self.what_stays}" if self.stays_with else ""
        return (", ".join(parts) or "nothing") + kept

    @property
    def what_stays(self) -> str:
        """Say what is left, and how that is removed; empty if nothing is."""
        if not (owner := self.stays_with):
            return ""
        short = _SHORT.get(owner.kind, owner.kind.lower())
        return (
            f"ConfigMap {self.name} stays with {plain(owner.kind)} {plain(owner.name)}: "
            f"kubectl delete {plain(short)} {plain(owner.name)} removes both"
        )


def belongings(kube: Kube, name: str, store: Store) -> Belongings:
    """Find all that belongs to an experiment.

    Raises
    ------
    ClusterError
        Something of that name is somebody else's, or there is no such experiment.
    """
    job = find_job(kube, name)
    experiment = kube.get(ConfigMap, name)
    if experiment:
        experiment.must_be_of(name, kube.namespace)
    objects = below(store, name)
    if not (job or experiment or f"{name}/experiment.yaml" in objects):
        raise ClusterError(
            f"namespace {kube.namespace}: there is no experiment {name}: neither a RayJob nor a "
            f"ConfigMap of it, nor {store.url}/{name}/experiment.yaml; nothing is removed"
        )
    return Belongings(name, job, experiment, store, objects)


def below(store: Store, name: str) -> list[str]:
    """Keys of all objects of an experiment; a server that lists others is not believed.

    Raises
    ------
    ClusterError
        It lists others.
    """
    keys = store.paths(name)
    for key in keys:
        parts = key.split("/")
        if parts[0] != name or len(parts) < 2 or {"", ".", ".."} & set(parts):
            raise ClusterError(
                f"{store.url}/{name}: the server must list objects below it only; it lists "
                f"{plain(key)}"
            )
    return keys


def purge(kube: Kube, found: Belongings) -> int:
    """Stop an experiment and remove all that is its own; return how many objects were removed from
    the store.

    The ConfigMap goes with its RayJob; that of a `TuningExperiment` stays with it.

    Raises
    ------
    ClusterError
        Something does not go.
    StoreError
        The store refuses.
    """
    runs = found.job is not None and state_of(found.job) not in ENDED
    if found.job:
        delete_ours(kube, found.job, found.name)
        wait_until_gone(kube, found.job)
    removed = _remove(found.store, found.name)
    _log.info("%s/%s: %d objects are removed", found.store.url, found.name, removed)
    if runs:
        time.sleep(_LAST_WORDS)
        removed += _remove(found.store, found.name)
    if found.experiment and not found.stays_with:
        if not found.experiment.metadata.owner_references:
            delete_ours(kube, found.experiment, found.name)
        wait_until_gone(kube, found.experiment)
    return removed


def _remove(store: Store, name: str) -> int:
    keys = below(store, name)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(store.delete, keys))
    if left := below(store, name):
        raise ClusterError(
            f"{store.url}/{name}: still holds {counted(len(left), 'object')}: something writes "
            "there; try again"
        )
    return len(keys)
