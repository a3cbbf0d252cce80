"""What an experiment's results are results of: written once, and held against each run that goes
on."""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from tuner_job.config.decisive import differences, joined
from tuner_job.errors import ConfigError, StoreError
from tuner_job.files.yaml_file import parse_yaml
from tuner_job.records import ExperimentSummary, Provenance
from tuner_job.results.damage import Damage, DamagedError, parse_record, read_whole, tell
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.new_name import to_paste
from tuner_job.results.progress import find_progress
from tuner_job.results.trial_folder import RUN_AGAIN
from tuner_job.wording import listed

_log = logging.getLogger(__name__)
_Document = tuple[str, Mapping[str, Any]]
"""The digest under which an experiment began, and the experiment as an experiment file."""


def claim(
    store: ExperimentStore, document: Mapping[str, Any], provenance: Provenance
) -> Callable[[], None]:
    """Write what this experiment is, or check that it continues what was written before.

    Parameters
    ----------
    document
        The experiment, as an experiment file.

    Returns
    -------
    Writes what has changed: to be called by whoever alone runs the experiment. It checks once more,
    since others may have run it meanwhile.

    Raises
    ------
    StoreError
        Another experiment, or the same one on other data, has results under this name.
    """
    path = store.path("experiment.yaml")
    if store.store.create(path, _written(provenance.experiment_digest, document)):
        _write_provenance(store, provenance)
    else:
        found, stated = _find_document(store), _read_provenance(store)
        _check(store, found, document, stated, provenance)
        _tell_damage(found, stated)

    def write() -> None:
        found, stated = _find_document(store), _read_provenance(store)
        changed = _check(store, found, document, stated, provenance)
        _write_provenance(store, provenance)
        if changed is not None:
            store.store.put(path, changed)

    return write


def _write_provenance(store: ExperimentStore, provenance: Provenance) -> None:
    """Write what made the results, unless that is known: then it must have been the same data."""
    if store.create_provenance(provenance):
        return
    stated = _read_provenance(store)
    if isinstance(stated, Provenance):
        _check_data(store, stated, provenance)
    else:
        store.save_provenance(provenance)


def _check(
    store: ExperimentStore,
    found: Damage | _Document | None,
    document: Mapping[str, Any],
    stated: Damage | Provenance | None,
    now: Provenance,
) -> bytes | None:
    """Check that this continues what is there; return the document that is to stand in its
    place."""
    earlier = stated if isinstance(stated, Provenance) else None
    changed = _check_document(store, found, document, now, earlier)
    _check_data(store, earlier, now)
    return changed


def _tell_damage(found: Damage | _Document | None, stated: Damage | Provenance | None) -> None:
    if isinstance(stated, Damage):
        tell([stated])
    if isinstance(found, Damage):
        _log.warning(
            f"{found.address}: is damaged: {found.reason}; provenance.json tells, so it is written "
            "anew"
        )


def _check_data(store: ExperimentStore, earlier: Provenance | None, now: Provenance) -> None:
    if earlier and earlier.data_digest != now.data_digest:
        raise StoreError(
            f"{store.url}: holds results on other data (digest {earlier.data_digest[:12]}, now "
            f"{now.data_digest[:12]}); choose another `name` or another `results` location"
        )


def read_document(store: ExperimentStore) -> Mapping[str, Any] | None:
    """Read the experiment as an experiment file; None if it is damaged, which is told, or not
    there."""
    found = read_whole(
        store.store, store.path("experiment.yaml"), _parse_document, f"{RUN_AGAIN} writes it anew"
    )
    if isinstance(found, Damage):
        tell([found])
        return None
    return found and found[1]


def damaged_documents(store: ExperimentStore) -> list[Damage]:
    """Find what is there of the documents beside the models, and not whole."""
    read: dict[str, Callable[[bytes], Any]] = {
        "experiment.yaml": _parse_document,
        "provenance.json": lambda content: parse_record(content, Provenance),
        "summary.json": lambda content: parse_record(content, ExperimentSummary),
    }
    remedy = f"{RUN_AGAIN} writes it anew"
    found: list[object] = [
        read_whole(store.store, store.path(name), parse, remedy) for name, parse in read.items()
    ]
    found.append(find_progress(store.store, store.experiment))
    return [one for one in found if isinstance(one, Damage)]


def _read_provenance(store: ExperimentStore) -> Provenance | Damage | None:
    remedy = "it is written anew, and nothing says whether the trials are of these data"
    return read_whole(
        store.store,
        store.path("provenance.json"),
        lambda content: parse_record(content, Provenance),
        remedy,
    )


def _find_document(store: ExperimentStore) -> Damage | _Document | None:
    remedy = "nothing says whose results stand beside it: move them away, or choose another `name`"
    return read_whole(store.store, store.path("experiment.yaml"), _parse_document, remedy)


def _check_document(
    store: ExperimentStore,
    found: Damage | _Document | None,
    document: Mapping[str, Any],
    provenance: Provenance,
    earlier: Provenance | None,
) -> bytes | None:
    """Hold the document against the one that is there; return what is to stand in its place."""
    if isinstance(found, Damage):
        if earlier is None or earlier.experiment_digest != provenance.experiment_digest:
            raise DamagedError(found)
        return _written(provenance.experiment_digest, document)
    if found is not None:
        digest, before = found
        if changed := differences(before, document):
            told, lines = _with_its_version(earlier, provenance), ""
            if earlier and earlier.data_digest == provenance.data_digest:
                lines = to_paste(store, before, document)
            raise StoreError(_taken(store, listed(changed), told, lines))
        if any(_extent(before)[key] != value for key, value in _extent(document).items()):
            # under the digest that it began with, by which an earlier version knows it again
            return _written(digest, joined(before, document))
    return None


def _taken(store: ExperimentStore, changed: str, way_out: str, lines: str) -> str:
    """Say that a name is taken, and how a new experiment has the trials that are there."""
    offer = (
        "; with these two lines it starts from the trials that are here, as far as they lie in its "
        f"search space:\n{lines}"
    )
    return (
        f"{store.url}: holds results of another experiment ({changed}); {way_out}choose another "
        f"`name` or another `results` location{offer if lines else ''}"
    )


def _with_its_version(earlier: Provenance | None, now: Provenance) -> str:
    """Name the version that began an experiment, if it is another one, as a way out."""
    began = earlier and earlier.versions.get("va-tuning")
    if not began or began == now.versions.get("va-tuning"):
        return ""
    return f"finish it with va-tuning {began}, which began it, or "


def _extent(document: Mapping[str, Any]) -> dict[str, Any]:
    """What may change in an experiment that goes on, and is worth being kept."""
    tuning = document.get("tuning") or {}
    return {
        "models": document.get("models"),
        "n_trials": tuning.get("n_trials"),
        "selection": tuning.get("selection"),
    }


def _written(digest: str, document: Mapping[str, Any]) -> bytes:
    return f"# digest: {digest}\n{yaml.safe_dump(dict(document), sort_keys=False)}".encode()


def _parse_document(content: bytes) -> _Document:
    """What ``experiment.yaml`` says; ValueError in words that follow "is damaged:"."""
    if not content.strip(b"\0 \r\n\t"):
        raise ValueError("it is empty")
    try:
        text = content.decode()
        document = parse_yaml(text, "experiment.yaml")
    except (UnicodeDecodeError, ConfigError):
        text, document = "", {}
    stated = re.match(r"# digest: (\S+)\n", text)
    if not stated or "results" not in document:  # the last key that is written
        raise ValueError("it is cut off, or no experiment that va-tuning wrote")
    return stated[1], document
