"""A folder of a model's that has an object a trial: its records, errors or probabilities."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from tuner_job.process.collection import no_collection
from tuner_job.records import DEFAULT_TRIAL, GONE, TrialRecord, share_names, without_what_is_gone
from tuner_job.results.damage import Damage, parse_record, read_whole
from tuner_job.results.packs import FEWEST, Copy, read_packs, write_packs
from tuner_job.results.store import Store

RUN_AGAIN = "`va-tuning tune` with the experiment's file"
_READERS = 16
_TOGETHER = 64  # trials that a thread reads on end: to hand over each takes as long as a file does
_PART = 900  # fewer than what services list in one answer
_TRIED = 4  # one after the other: in object storage each is waited for
_SET_ASIDE = "`va-tuning check --repair` sets it aside"
_NUMBERED = re.compile(r"(default|[0-9]{6,18})\.(json|npz)")
"""Our own names: a sync client's copies and other files do not matter."""
_GONE = re.compile(f'"({"|".join(sorted(GONE))})"'.encode())
_T = TypeVar("_T")


@dataclass(frozen=True)
class Listing:
    """What stands in a folder of trials, as it was listed once.

    Attributes
    ----------
    own
        Trial → path of its object, in the trials' order.
    versions
        Path → version of all objects.
    """

    own: dict[int, str]
    versions: Mapping[str, str]

    def version(self, trial: int) -> str | None:
        """Version of a trial's object; None if there is none, or nobody knows."""
        return self.versions[self.own[trial]] or None if trial in self.own else None


class TrialFolder:
    """The objects below `top`, a path in the store, named by the numbers of trials.

    A `parse` is called with an object's content and the number in its name; it raises ValueError,
    in words that follow "is damaged:".
    """

    def __init__(self, store: Store, top: str):
        self._store, self._top = store, top

    def path(self, trial: int, ending: str) -> str:
        """Path of a trial's object."""
        return f"{self._top}/{trial_name(trial)}.{ending}"

    def read(
        self, trial: int, ending: str, parse: Callable[[bytes, int], _T]
    ) -> "_T | Damage | None":
        """Read a trial's object; None if there is none."""
        return self._read(trial, self.path(trial, ending), parse)

    def there(self) -> "dict[int, str] | Damage":
        """Trial → path of its object, in the trials' order; or the file in this folder's way."""
        return self._own_among(self._store.paths(self._top, self._cuts()))

    def listing(self) -> "Listing | Damage":
        """What there is, with versions; or the file in this folder's way."""
        versions = self._store.versions(self._top, self._cuts())
        own = self._own_among(list(versions))
        return own if isinstance(own, Damage) else Listing(own, versions)

    def _cuts(self) -> list[str]:
        return [f"{self._top}/{trial_name(trial)}" for trial in range(_PART, 10**6, _PART)]

    def _own_among(self, paths: Sequence[str]) -> "dict[int, str] | Damage":
        if misplaced := self._file_among(paths):
            return misplaced
        own: dict[int, str] = {}
        for path in paths:
            if (trial := self._number(path)) is not None:
                own[trial] = path
        return dict(sorted(own.items()))

    def read_all(self, parse: Callable[[bytes, int], _T]) -> list[tuple[int, "_T | Damage"]]:
        """Read what there is, with the trials' numbers and in their order."""
        own = self.there()
        return [(DEFAULT_TRIAL, own)] if isinstance(own, Damage) else self.read_these(own, parse)

    def read_packed(
        self, listing: Listing, parse: Callable[[bytes, int], _T], pack: bool = False
    ) -> list[tuple[int, "_T | Damage"]]:
        """Read what was listed as `read_all` does, records of very many trials from packs.

        Parameters
        ----------
        pack
            Put together what is in none.
        """
        own, versions = listing.own, listing.versions
        if len(own) < FEWEST:
            return self.read_these(own, parse)
        found: dict[int, _T | Damage] = {}
        with no_collection():
            for path, content in read_packs(self._store, self._top, versions, pack):
                if (trial := self._number(path)) is not None and own.get(trial) == path:
                    with suppress(ValueError):  # then the object itself says what is wrong with it
                        found[trial] = parse(content, trial)
            rest = [trial for trial in own if trial not in found]
            size = FEWEST if pack else len(own)
            for at in range(0, len(rest), size):
                group = Listing({trial: own[trial] for trial in rest[at : at + size]}, versions)
                read, copies = self._read_copies(group, parse)
                found |= read
                if pack and len(copies) >= FEWEST / 2:
                    pack = write_packs(self._store, self._top, copies)
        return [(trial, found[trial]) for trial in own if trial in found]

    def _read_copies(
        self, listing: Listing, parse: Callable[[bytes, int], _T]
    ) -> "tuple[dict[int, _T | Damage], dict[str, Copy]]":
        """Read some trials one by one; return them, and what of them may be packed."""
        copies: dict[str, Copy] = {}

        def keep(content: bytes, trial: int) -> _T:
            parsed = parse(content, trial)
            if version := listing.version(trial):
                copies[listing.own[trial]] = Copy(version, content)
            return parsed

        return dict(self.read_these(listing.own, keep)), copies

    def read_these(
        self, own: Mapping[int, str], parse: Callable[[bytes, int], _T]
    ) -> list[tuple[int, "_T | Damage"]]:
        """Read some of what is `there`; what has gone in between is left out."""
        trials = list(own)
        first, rest = trials[:_TRIED], trials[_TRIED:]
        size = min(max(len(rest) // _READERS, 1), _TOGETHER)

        def read(group: list[int]) -> list[tuple[int, _T | Damage | None]]:
            return [(trial, self._read(trial, own[trial], parse)) for trial in group]

        with no_collection():
            found, waiting = [], True
            for trial in first:
                began, computed = time.perf_counter(), time.thread_time()
                found += read([trial])
                computed, took = time.thread_time() - computed, time.perf_counter() - began
                waiting = waiting and computed < took / 2
            if not waiting:  # several readers would hinder each other
                found += read(rest)
            else:
                groups = [rest[start : start + size] for start in range(0, len(rest), size)]
                with ThreadPoolExecutor(_READERS) as readers:
                    found += [one for group in readers.map(read, groups) for one in group]
            return [(trial, one) for trial, one in found if one is not None]

    def _number(self, path: str) -> int | None:
        """Trial of an object; None if it is none of ours."""
        found = _NUMBERED.fullmatch(path.removeprefix(f"{self._top}/"))
        if not found:
            return None
        return DEFAULT_TRIAL if found[1] == "default" else int(found[1])

    def file_in_its_way(self) -> Damage | None:
        """The file that stands where this folder must, so that nothing can be written here."""
        return self._file_among(self._store.paths(self._top))

    def _file_among(self, paths: Sequence[str]) -> Damage | None:
        for path in paths:
            if not path.startswith(f"{self._top}/"):
                reason = "it is a file, not a folder"
                return Damage(f"{self._store.url}/{path}", path, reason, _SET_ASIDE)
        return None

    def _read(
        self, trial: int, path: str, parse: Callable[[bytes, int], _T]
    ) -> "_T | Damage | None":
        which = "the untuned default" if trial == DEFAULT_TRIAL else f"trial {trial}"
        remedy = f"{RUN_AGAIN} runs {which} again"
        return read_whole(self._store, path, lambda content: parse(content, trial), remedy)


def trial_name(trial: int) -> str:
    """Return what stands for a trial's number in the names of its objects."""
    return "default" if trial == DEFAULT_TRIAL else f"{trial:06d}"


def parse_trial(content: bytes, number: int, metrics: Sequence[str] = ()) -> TrialRecord:
    """Read the record of a trial.

    Parameters
    ----------
    number
        Which trial it must be.
    metrics
        Of which a complete trial must have scores.

    Raises
    ------
    ValueError
        In words that follow "is damaged:".
    """
    record = parse_record(_without_what_is_gone(content), TrialRecord)
    if record.trial != number:
        raise ValueError(f"it is trial {record.trial}'s")
    if record.state == "complete" and record.duplicate_of is None:
        names = record.scores.keys()
        if not record.folds or not all(fold.validation.keys() == names for fold in record.folds):
            raise ValueError("it says that the trial is complete, and lacks scores")
        if lacking := [metric for metric in metrics if metric not in record.scores]:
            raise ValueError(f"it is of another experiment: it has no {lacking[0]}")
    return share_names(record)


def _without_what_is_gone(content: bytes) -> bytes:
    """A record as it would be written today."""
    if not _GONE.search(content):
        return content
    try:
        held = json.loads(content.decode())
    except (ValueError, RecursionError):
        return content
    return json.dumps(without_what_is_gone(held)).encode()


def replaces(record: TrialRecord, there: TrialRecord) -> bool:
    """Whether a trial is to stand in place of one with its number: of another configuration, or
    on other folds; or it is complete, and that one failed, or lacks a metric."""
    if record.params != there.params or _on_other_folds(record, there):
        return True
    if record.state != "complete" or record.duplicate_of is not None:
        return False
    if there.state != "complete":
        return there.state == "failed"
    return bool(record.scores.keys() - there.scores.keys())


def _on_other_folds(one: TrialRecord, other: TrialRecord) -> bool:
    """Whether two trials cannot have run on the same folds, however many of them each went
    through."""
    return not (one.may_have_run_on(other.fold_sizes) or other.may_have_run_on(one.fold_sizes))
