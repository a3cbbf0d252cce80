"""What to write in an experiment file whose name is taken by results of something else."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from tuner_job.config.decisive import incomparable
from tuner_job.config.tuning import SEARCH_METHODS
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.schema import LONGEST_NAME

_WIDE = 10_000
"""Characters of a line, so that none is broken."""


def to_paste(store: ExperimentStore, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Write the keys by which a new experiment starts from the one that is there, on the same data;
    empty where that could not give it a trial.

    Parameters
    ----------
    before, now
        Documents of the experiment that is there, and of the one that is asked for.
    """
    if incomparable(before, now) or not _may_give(before) or not _may_start(now):
        return ""
    if not set(store.models()) & set(now.get("models") or ()):
        return ""
    sources = [store.url, *(one for one in now.get("start_from") or () if one != store.url)]
    listed = yaml.safe_dump(sources, default_flow_style=True, allow_unicode=True, width=_WIDE)
    name = free_name(store.experiment, store.store.folders())
    return f"name: {name}\nstart_from: {listed.strip()}"


def free_name(name: str, taken: Sequence[str]) -> str:
    """Number a name so that it is none of those taken."""
    stem = re.sub(r"-[0-9]+$", "", name)
    number = 2
    while True:
        ending = f"-{number}"
        found = stem[: LONGEST_NAME - len(ending)].rstrip("-") + ending
        if found not in taken and found != name:
            return found
        number += 1


def _may_give(document: Mapping[str, Any]) -> bool:
    """Whether trials of an experiment are configurations."""
    return _method(document) != "pbt"


def _may_start(document: Mapping[str, Any]) -> bool:
    """Whether an experiment may start from another one."""
    method = SEARCH_METHODS.get(_method(document))
    return method is not None and not method.on_ray_tune


def _method(document: Mapping[str, Any]) -> str:
    return str((document.get("tuning") or {}).get("search_method"))
