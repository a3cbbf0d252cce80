"""The controller's process: it looks whenever something may have changed, and every few seconds."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import ConfigMap, Listed, RayJob
from tuner_job.errors import ClusterError, VaTuningError
from tuner_job.operator.resource import TuningExperiment

_log = logging.getLogger(__name__)
PACE = 10.0
"""Seconds after which everything is looked at again, whether or not a watch says so."""
_SETTLES = 0.5  # seconds in which one change brings others
_LONGEST = 30.0  # seconds to the next try, where the cluster does not answer
_WATCH_AGAIN = 2.0


def run(kube: Kube, look: Callable[[], None], labels: Mapping[str, str], alive: Path) -> NoReturn:
    """Look for ever.

    Parameters
    ----------
    look
        Looks once at everything.
    labels
        Of what is watched, beside all `TuningExperiment` objects.
    alive
        A file that is touched after each look: what has not been in minutes hangs.
    """
    changed = threading.Event()
    watched: list[tuple[type[Listed], Mapping[str, str] | None]] = [
        (TuningExperiment, None),
        (RayJob, labels),
        (ConfigMap, labels),
    ]
    for kind, chosen in watched:
        arguments = (kube, kind, chosen, changed)
        threading.Thread(target=_watch, args=arguments, name=kind.KIND, daemon=True).start()
    pause = 1.0
    while True:
        changed.clear()
        try:
            look()
            pause = 1.0
        except VaTuningError as error:
            _log.warning("%s; tried again in %.0f s", error, pause)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST)
        alive.touch()
        if pause == 1.0:
            changed.wait(PACE)
            time.sleep(_SETTLES)


def _watch(
    kube: Kube, kind: type[Listed], labels: Mapping[str, str] | None, changed: threading.Event
) -> NoReturn:
    """Say that something may have changed; a watch that breaks off is begun again."""
    while True:
        try:
            for _ in kube.changes(kind, labels):
                changed.set()
        except ClusterError as error:
            _log.debug("the watch of %s broke off: %s", kind.KIND, error)
            time.sleep(_WATCH_AGAIN)
