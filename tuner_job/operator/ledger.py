"""Which runs there are and how they ended: kept in a ConfigMap, so that the end of each is told
once it is decided, the same words each time, whatever is deleted or restarted meanwhile.

A run is a RayJob, known by its uid. It is noted while it is there; when it has ended, or is gone,
its end is written here before anybody is told of it, and only then is it told. So every message
about one end is the same, and a run that `cancel` or `kubectl delete` removed is missed. What was
told stays noted as long as the RayJob is there.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ValidationError

from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import COMPONENT, ConfigMap, Object
from tuner_job.records import BestSoFar

_log = logging.getLogger(__name__)

End = Literal["", "done", "failed", "cancelled"]


class Entry(BaseModel):
    """One run."""

    name: str
    results: str = ""
    """Where its results go; empty: not known yet."""
    began: str = ""
    end: End = ""
    """Empty: it has not ended."""
    ended: str = ""
    reason: str = ""
    best: BestSoFar | None = None
    done: int | None = None
    planned: int | None = None
    paused: bool = False
    """Its RayJob is being deleted, and this is not its end."""
    told: bool = False
    """Whoever is to hear of its end has, or nobody is."""


class Ledger:
    """The runs of a release.

    Parameters
    ----------
    name
        Of the ConfigMap.
    labels
        It has these.
    """

    def __init__(self, kube: Kube, name: str, labels: Mapping[str, str]):
        self._kube, self._name = kube, name
        self._labels = {**labels, COMPONENT: "operator"}
        self._found: ConfigMap | None = None
        self.entries: dict[str, Entry] = {}

    @property
    def since(self) -> datetime | None:
        """When runs began to be noted: what had ended before is not told."""
        return self._found.metadata.creation_timestamp if self._found else None

    def load(self) -> None:
        """Read it, or make an empty one."""
        found = self._kube.get(ConfigMap, self._name)
        if found is None:  # the chart makes it; somebody has deleted it
            metadata: Object = {"name": self._name, "labels": self._labels}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
            found = self._kube.create(ConfigMap, body)
        self._found = found
        self.entries = dict(_read(self._found.data))

    def save(self) -> None:
        """Write what has changed since it was read.

        Raises
        ------
        RefusedError
            With status 409: somebody else has written it meanwhile.
        """
        data = {
            uid: entry.model_dump_json(exclude_defaults=True) for uid, entry in self.entries.items()
        }
        found = self._found
        if found is None or data == found.data:
            return
        changes: Object = dict.fromkeys(found.data) | data  # null: it goes
        version = {"resourceVersion": found.metadata.resource_version}
        self._found = self._kube.patch(found, {"metadata": version, "data": changes})

    def pause(self, uid: str, paused: bool = True) -> None:
        """Note that a RayJob is going to be deleted without this being its run's end, or that it
        stays after all."""
        entry = self.entries.get(uid)
        if entry and entry.paused != paused:
            entry.paused = paused
            self.save()


def _read(data: Mapping[str, str]) -> Iterable[tuple[str, Entry]]:
    for uid, text in data.items():
        try:
            yield uid, Entry.model_validate_json(text)
        except ValidationError:
            _log.warning("the note of run %s cannot be read; it is made anew", uid)
