"""Events of a `TuningExperiment`: each is made once, because its name says what it tells."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from tuner_job.cluster.kube import Kube, RefusedError
from tuner_job.cluster.objects import Event, Object
from tuner_job.operator.resource import TuningExperiment
from tuner_job.operator.status import TERMINAL, condition_of, now
from tuner_job.wording import plain

_log = logging.getLogger(__name__)
_CONFLICT = 409
BETWEEN = 60.0
"""Seconds between two Events about a better score of one experiment."""


class Events:
    """Tells what has happened to experiments, in the cluster's own Events."""

    def __init__(self, kube: Kube, clock: Callable[[], float] = time.monotonic):
        self._kube, self._clock = kube, clock
        self._improved: dict[str, float] = {}

    def tell(self, about: TuningExperiment, status: Object) -> None:
        """Tell what a new status says beyond the one that is there."""
        before, state = about.status, status["state"]
        run = status.get("rayJob", {}).get("uid", "")[:8] or about.metadata.uid[:8]
        if state == "Running" and before.get("state") != "Running":
            self._make(about, f"started.{run}", "Started", "the search is under way")
        if _is_better(before.get("best"), status.get("best")) and self._is_time(about):
            best = status["best"]
            said = f"{best['model']} trial {best['trial']} scores {best['score']:.4g}"
            self._make(about, f"best.{best['trial']}.{run}", "BestImproved", said)
        if state in TERMINAL and before.get("state") != state:
            reason = "Succeeded" if state == "Succeeded" else "Failed"
            self._make(about, f"{state.lower()}.{run}", reason, _of_end(status))

    def _is_time(self, about: TuningExperiment) -> bool:
        uid, now_ = about.metadata.uid, self._clock()
        if now_ - self._improved.get(uid, -BETWEEN) < BETWEEN:
            return False
        self._improved[uid] = now_
        return True

    def _make(self, about: TuningExperiment, name: str, reason: str, message: str) -> None:
        try:
            self._kube.create(Event, self._body(about, name, reason, message))
        except RefusedError as error:
            if error.status != _CONFLICT:  # it was told
                _log.warning("%s", error)

    def _body(self, about: TuningExperiment, name: str, reason: str, message: str) -> Object:
        when, metadata = now(), about.metadata
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata.name}.{name}", "namespace": self._kube.namespace},
            "involvedObject": about.reference() | {"namespace": self._kube.namespace},
            "reason": reason,
            "message": plain(message, 900),
            "type": "Warning" if reason == "Failed" else "Normal",
            "source": {"component": "va-tuning"},
            "firstTimestamp": when,
            "lastTimestamp": when,
            "count": 1,
        }


def _is_better(before: Mapping[str, Any] | None, best: Mapping[str, Any] | None) -> bool:
    if best is None:
        return False
    return before is None or best["score"] > before.get("score", float("-inf"))


def _of_end(status: Object) -> str:
    if status["state"] != "Succeeded":
        said = condition_of(status, "Failed")
        return f"{status['state'].lower()}: {said['message'] or 'see its log'}"
    best = status.get("best")
    found = f"best: {best['model']} with {best['score']:.4g}; " if best else ""
    return f"{found}results: {status.get('results', '')}"
