"""Taking note of runs: which there are, which have ended, which are gone."""

import logging
from collections.abc import Callable, Container, Iterable
from datetime import UTC, datetime, timedelta

from tuner_job.cluster.objects import RayJob
from tuner_job.operator.ends import end_of, end_of_gone
from tuner_job.operator.ledger import End, Entry, Ledger
from tuner_job.operator.results import AwayError, Results
from tuner_job.operator.status import now, written
from tuner_job.records import ProgressRecord
from tuner_job.wording import plain

_log = logging.getLogger(__name__)
_LONGEST = 300  # characters of a reason
_PATIENCE = timedelta(days=1)
"""How long the store may be away before a run that is gone counts as cancelled."""


def note(
    ledger: Ledger,
    jobs: Iterable[RayJob],
    results_of: Callable[[str], str],
    results: Results,
    wanted: bool,
    kept: Container[str] = (),
) -> None:
    """Bring a ledger up to date, and write it if anything has changed.

    Parameters
    ----------
    jobs
        All that there are of the release's experiments.
    results_of
        Experiment → where its results go; empty: not known.
    wanted
        Whether anybody is to be told of ends.
    kept
        Runs that are looked up here although their RayJob is gone and all is told.
    """
    there = {job.metadata.uid: job for job in jobs}
    for uid, job in there.items():
        entry = ledger.entries.setdefault(uid, entry_of(job, ledger.since))
        entry.results = entry.results or results_of(job.metadata.name)
        if not (entry.end or entry.paused):
            end, why = end_of(job)
            if end:
                last = results.at_the_end(entry.results, entry.name)
                _end(entry, end, why, last, job.status.end_time)
    for uid in set(ledger.entries) - set(there):
        if ledger.entries[uid].paused:
            if uid not in kept:  # until then it shows that this was no end
                del ledger.entries[uid]
        elif not ledger.entries[uid].end:
            _note_gone(uid, ledger.entries[uid], results)
        elif ledger.entries[uid].told and uid not in kept:
            del ledger.entries[uid]
    for entry in ledger.entries.values():
        entry.told = entry.told or (bool(entry.end) and not wanted)
    ledger.save()


def is_noted(ledger: Ledger, job: RayJob) -> bool:
    """Whether the end of a RayJob is written down, so that it may go."""
    entry = ledger.entries.get(job.metadata.uid)
    return entry is not None and bool(entry.end)


def mark_told(ledger: Ledger, uid: str) -> None:
    """Note that whoever is to hear of an end has."""
    ledger.entries[uid].told = True
    ledger.save()


def entry_of(job: RayJob, since: datetime | None) -> Entry:
    """Begin the note of a run; one that had ended before runs were noted, `since`, is not told."""
    made = job.metadata.creation_timestamp
    entry = Entry(name=job.metadata.name, began=written(made) if made else "")
    end, _ = end_of(job)
    ended = job.status.end_time or made
    if end and since and ended and ended < since:
        entry.end, entry.told, entry.ended = end, True, written(ended)
    return entry


def _note_gone(uid: str, entry: Entry, results: Results) -> None:
    """Decide the end of a run whose RayJob is gone, if the store can be asked."""
    try:
        last = results.last_words(entry.results, entry.name)
    except AwayError as error:
        entry.ended = entry.ended or now()
        if datetime.fromisoformat(entry.ended) > datetime.now(UTC) - _PATIENCE:
            _log.info("%s", error)
            return
        last = None
    _end(entry, *end_of_gone(uid, entry.began, last), last)


def _end(
    entry: Entry,
    end: End,
    why: str,
    last: ProgressRecord | None,
    when: datetime | None = None,
) -> None:
    entry.end, entry.reason = end, plain(why, _LONGEST)
    entry.ended = entry.ended or (written(when) if when else now())
    if last:
        entry.best, entry.done, entry.planned = last.best, last.done, last.planned
    _log.info("experiment %s: %s%s", entry.name, end, f": {entry.reason}" if why else "")
