"""``progress.json``: how an experiment is going, for everybody who can read its results."""

import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from tuner_job.records import ProgressRecord
from tuner_job.results.damage import Damage, parse_record, read_whole
from tuner_job.results.store import Store
from tuner_job.units import human_duration

_log = logging.getLogger(__name__)
PROGRESS = "progress.json"
_READERS = 16
_REMEDY = "the next run writes it anew"
_NEARLY = 1.0
"""Seconds that are told as hardly any."""


def write_progress(store: Store, record: ProgressRecord, folder: str | None = None) -> None:
    """Write how an experiment is going over what was there.

    Parameters
    ----------
    folder
        Below the store's address; empty: right there; None: the experiment's name.

    Raises
    ------
    StoreError
    """
    path = _path(record.experiment if folder is None else folder)
    store.put(path, record.model_dump_json(indent=1).encode())


def read_progress(store: Store, folder: str) -> ProgressRecord | None:
    """Read how an experiment is going; None if nothing says so, as before version 0.6.0, or if it
    is damaged, which is logged.

    Parameters
    ----------
    folder
        The experiment's name; empty where the store's address is the experiment's own.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    found = find_progress(store, folder)
    if isinstance(found, Damage):
        _log.info(found.sentence)
        return None
    return found


def read_all_progress(store: Store, names: Collection[str]) -> dict[str, ProgressRecord]:
    """Read how experiments are going, by name, of all that say so.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    with ThreadPoolExecutor(_READERS) as readers:
        found = list(readers.map(lambda name: read_progress(store, name), names))
    return {name: one for name, one in zip(names, found, strict=True) if one}


def find_progress(store: Store, folder: str) -> "ProgressRecord | Damage | None":
    """Read how an experiment is going, or say what is wrong with it."""
    return read_whole(
        store, _path(folder), lambda content: parse_record(content, ProgressRecord), _REMEDY
    )


def in_words(record: ProgressRecord) -> str:
    """Say in one line how far each model is, and how long it takes to the end."""
    models = [
        f"{model} {one.done}{'' if one.planned is None else f' of {one.planned}'}, best "
        f"{'–' if one.best_score is None else f'{one.best_score:.4f}'}"
        for model, one in record.models.items()
    ]
    left = [] if record.state != "running" else [time_left(record.seconds_left)]
    return f"{record.stage or record.state}: {'; '.join([*models, *left])}"


def time_left(seconds: float | None) -> str:
    """Say how long it takes to the end."""
    if seconds is None:
        return "time left not known yet"
    return "nearly done" if seconds < _NEARLY else f"about {human_duration(seconds)} left"


def _path(folder: str) -> str:
    return f"{folder}/{PROGRESS}" if folder else PROGRESS
