"""Trials that were read before, kept in a file of this machine: only what is new, or another object
than it was, is read from the store."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from tuner_job.records import DEFAULT_TRIAL, FoldRecord, Scores, TrialRecord, Written, share_names
from tuner_job.results.claim import read_document
from tuner_job.results.damage import Damage
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.trial_folder import Listing, parse_trial

FULL = 2000
"""Trials of a model up to which each is kept as it is. Of more, each has one fold, the mean of all:
figures and tables show means, and what is in full is read again."""
_TOLD_EVERY = 0.3
_NOTHING: dict[str, Any] = {}
Told = Callable[[int, int], None]
"""Called with how many trials have been read, and of how many."""


class KeptTrials(ExperimentStore):
    """An experiment whose trials are read once.

    Parameters
    ----------
    folder
        Where they are kept; its name must be another one for another experiment.
    told
        Called now and then while trials are read.
    """

    def __init__(self, experiment: ExperimentStore, folder: Path, told: Told):
        super().__init__(experiment.store, experiment.experiment)
        self._kept, self._told = folder, told
        self._objectives: list[str] | None = None
        self._known: dict[str, list[TrialRecord]] = {}
        self.damaged: list[Damage] = []

    def read_trials(
        self, model: str, metrics: Sequence[str] = (), pack: bool = False
    ) -> tuple[list[TrialRecord], list[Damage]]:
        """Read every finished trial of a model; see `ExperimentStore.read_trials`."""
        if model not in self._known:
            self._known[model] = self._all_of(model)
        return self._known[model], []

    def _all_of(self, model: str) -> list[TrialRecord]:
        folder = self._folder(model, "trials")
        listing = folder.listing()
        if isinstance(listing, Damage):
            self.damaged.append(listing)
            return []
        own = listing.own
        file = self._kept / f"{quote(model, safe='')}.jsonl"
        known = {
            one.record.trial: one.record
            for one in _load(file)
            if one.version == listing.version(one.record.trial)
        }
        condense = len(own) > FULL
        new = {number: path for number, path in own.items() if number not in known}
        objectives = self._metrics() if condense else []
        counter = _Counter(len(known), len(own), self._told)

        def parse(content: bytes, number: int) -> TrialRecord:
            counter.count()
            record = parse_trial(content, number)
            return condensed(record, objectives) if condense else record

        found = folder.read_packed(Listing(new, listing.versions), parse)
        self.damaged += [one for _, one in found if isinstance(one, Damage)]
        fresh = {number: one for number, one in found if isinstance(one, TrialRecord)}
        versions = {number: listing.version(number) for number in fresh}
        _append(file, [_Kept(version=v, record=fresh[n]) for n, v in versions.items() if v])
        known |= fresh
        leading = {} if not condense else {n: own[n] for n in _leading(known.values())}
        whole = folder.read_these(leading, parse_trial)
        known |= {number: one for number, one in whole if isinstance(one, TrialRecord)}
        return [known[number] for number in sorted(known)]

    def _metrics(self) -> list[str]:
        """What is searched for, as the experiment's file says."""
        if self._objectives is None:
            tuning = (read_document(self) or {}).get("tuning")
            asked = tuning.get("scoring_metric") if isinstance(tuning, dict) else None
            several = asked if isinstance(asked, list) else [asked or "csmf_accuracy"]
            self._objectives = [str(one) for one in several]
        return self._objectives


class _Counter:
    def __init__(self, done: int, of: int, told: Told):
        self._done, self._of, self._told, self._last = done, of, told, time.monotonic()

    def count(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._last > _TOLD_EVERY:
            self._last = now
            self._told(self._done, self._of)


def condensed(record: TrialRecord, metrics: Sequence[str]) -> TrialRecord:
    """Leave of a trial what figures and tables of all trials show: one fold, the mean of all.

    Parameters
    ----------
    metrics
        That are searched for: no other is kept.
    """
    if record.trial == DEFAULT_TRIAL:
        return record
    fold = FoldRecord(
        fold=0,
        n_validation=sum(one.n_validation for one in record.folds),
        validation=_means([one.validation for one in record.folds], metrics),
        train=_means([one.train for one in record.folds], metrics),
        fit_seconds=record.fit_seconds,
    )
    scores = {name: record.scores[name] for name in metrics if name in record.scores}
    update = {
        "folds": [fold] if record.folds else [],
        "scores": scores,
        "csmf": _NOTHING,
        "curve": [],
        "schedule": [],
    }
    return _lean(record.model_copy(update=update))


def _lean(record: TrialRecord) -> TrialRecord:
    """Share what is the same in a hundred thousand records."""
    for one in (share_names(record), *record.folds):
        for name, value in one.__dict__.items():
            if value == {}:
                one.__dict__[name] = _NOTHING
    return record


def _means(scores: Sequence[Scores], metrics: Sequence[str]) -> Scores:
    found = {name: [one[name] for one in scores if name in one] for name in metrics}
    return {name: fmean(values) for name, values in found.items() if values}


def _leading(records: Iterable[TrialRecord]) -> set[int]:
    """Trials that are the best in some metric, of which a page may show every fold."""
    best: dict[str, TrialRecord] = {}
    for record in records:
        for metric, score in record.scores.items():
            before = best.get(metric)
            key = (score, record.trial >= 0, -record.trial)
            if before is None or key > (before.scores[metric], before.trial >= 0, -before.trial):
                best[metric] = record
    return {record.trial for record in best.values()}


class _Kept(Written):
    """A line of a file: a trial, as it was with this version of its object."""

    version: str
    record: TrialRecord


def _load(file: Path) -> Iterable[_Kept]:
    try:
        with file.open("rb") as lines:
            for line in lines:
                kept = _Kept.model_validate_json(line)
                _lean(kept.record)
                yield kept
    except FileNotFoundError:
        return
    except ValidationError:  # whoever wrote it was ended; the rest is read again
        file.unlink(missing_ok=True)


def _append(file: Path, fresh: Sequence[_Kept]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as lines:
        for one in fresh:
            lines.write(one.model_dump_json().encode() + b"\n")
