"""What is stored of the experiments that one starts from."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel

from tuner_job.errors import StoreError
from tuner_job.records import KnownRecord, StartRecord
from tuner_job.results.damage import Damage, DamagedError, parse_record, read_whole
from tuner_job.results.experiment_store import ExperimentStore

NAME = "start_from.json"
_R = TypeVar("_R", bound=BaseModel)
_RESTORE = (
    "it says which trials of other experiments are known here: restore it, or begin anew under "
    "another `name`"
)


def read_start(store: ExperimentStore) -> StartRecord | None:
    """Read what an experiment starts from; None if that was not settled yet.

    Raises
    ------
    DamagedError, StoreError
        It is damaged, or was removed.
    """
    record = _read(store, NAME, StartRecord)
    if record is None and any(read_known(store, model) for model in store.models()):
        raise StoreError(f"{store.url}/{NAME}: is missing: {_RESTORE}")
    return record


def settle_start(store: ExperimentStore, record: StartRecord) -> StartRecord:
    """Write what an experiment starts from; what is there already stays, and is returned."""
    store.store.create(store.path(NAME), record.model_dump_json(indent=1).encode())
    return read_start(store) or record


def read_known(store: ExperimentStore, model: str) -> KnownRecord | None:
    """Read how many trials of a model are known; None if they are not all there yet.

    Raises
    ------
    DamagedError
    """
    return _read(store, f"{model}/{NAME}", KnownRecord)


def save_known(store: ExperimentStore, model: str, record: KnownRecord) -> None:
    """Say that all known trials of a model are there."""
    store.store.put(store.path(f"{model}/{NAME}"), record.model_dump_json(indent=1).encode())


def damaged_starts(store: ExperimentStore, models: Sequence[str]) -> list[Damage]:
    """Find what is there of this, and not whole."""
    found: list[object] = [_find(store, NAME, StartRecord)]
    found += [_find(store, f"{model}/{NAME}", KnownRecord) for model in models]
    return [one for one in found if isinstance(one, Damage)]


def _read(store: ExperimentStore, name: str, record: type[_R]) -> _R | None:
    found = _find(store, name, record)
    if isinstance(found, Damage):
        raise DamagedError(found)
    return found


def _find(store: ExperimentStore, name: str, record: type[_R]) -> _R | Damage | None:
    return read_whole(
        store.store, store.path(name), lambda content: parse_record(content, record), _RESTORE
    )
