"""Looking through everything of an experiment for damage, and mending what can be mended without
a fit."""

from collections.abc import Iterator
from contextlib import suppress

from tuner_job.errors import StoreError, UnreadableError
from tuner_job.results.choose import models_of
from tuner_job.results.claim import damaged_documents
from tuner_job.results.commits import Commits
from tuner_job.results.damage import Damage
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.start import NAME as START
from tuner_job.results.start import damaged_starts

ASIDE = ".damaged"
"""Folder below an experiment for what was damaged: nothing lists it, and nothing is lost."""

_STAY = ("experiment.yaml", "provenance.json", START)


def find_damage(store: ExperimentStore) -> list[Damage]:
    """Read every object of an experiment; return what is not whole. Nothing is written."""
    models = models_of(store)
    found = [*damaged_documents(store), *damaged_starts(store, models)]
    for model in models:
        commits = Commits(store.store, store.experiment, model)
        found += [
            *store.damaged_numbered(model),
            *commits.damage(),
            *_lost_model(store, model, commits),
        ]
    return found


def mend(store: ExperimentStore, found: list[Damage]) -> list[Damage]:
    """Set damaged objects aside, so that a run makes them again; return what only a run can mend.

    ``experiment.yaml``, ``provenance.json`` and ``start_from.json`` stay: they say whose results
    these are.
    """
    for damage in found:
        if damage.path.rpartition("/")[2] not in _STAY:
            _set_aside(store, damage.path)
    for model in models_of(store):
        Commits(store.store, store.experiment, model).copy()
    return find_damage(store)


def _lost_model(store: ExperimentStore, model: str, commits: Commits) -> Iterator[Damage]:
    commit = commits.newest()
    if (
        commit
        and commit.summary
        and isinstance(found := store.committed_model(model, commit.summary), Damage)
    ):
        yield found


def _set_aside(store: ExperimentStore, path: str) -> None:
    below = path.removeprefix(f"{store.experiment}/")
    with suppress(UnreadableError):
        if (content := store.store.get(path)) is not None:
            store.store.put(f"{store.experiment}/{ASIDE}/{below}", content)
    with suppress(StoreError):
        store.store.delete(path)
