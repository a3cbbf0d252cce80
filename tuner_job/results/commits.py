"""What the search of a model has committed: ``commits/0001.json``, created once, never replaced."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from tuner_job.records import DEFAULT_TRIAL, StudySummary, TrialRecord
from tuner_job.results.damage import Damage, DamagedError, parse_record, read_whole, tell
from tuner_job.results.store import Store
from tuner_job.schema import Closed

_log = logging.getLogger(__name__)

_NAME = re.compile(r"([0-9]{4,18})\.json")
_AGAIN = "`va-tuning tune` with the experiment's file commits again, from the trials that are there"


class Asked(Closed):
    """How far a search was to go when it was committed; None: nothing ended it there."""

    trials: int | None = None
    timeout: float | None = None
    cpu_seconds: float | None = None

    def exceeds(self, before: "Asked") -> bool:
        """Whether a search may go further than it was to."""
        pairs = [(getattr(self, name), getattr(before, name)) for name in Asked.model_fields]
        return any(then is not None and (now is None or now > then) for now, then in pairs)


class Commit(Closed):
    """The outcome of a search."""

    params: dict[str, Any]
    summary: StudySummary | None = None
    trials: list[tuple[int, int]] | None = None
    """First and last number of each run of trials that it rests on, the untuned default not among
    them; None before version 0.6.0."""
    asked: Asked | None = None
    """None before version 0.6.0, and of an ensemble."""

    def of(self, records: Sequence[TrialRecord]) -> list[TrialRecord]:
        """Find the trials that it rests on, the untuned default among them.

        Of a commit that does not name them, the first ones: as many as it counted.
        """
        if self.trials is not None:
            own = {n for first, last in self.trials for n in range(first, last + 1)}
            return [one for one in records if one.trial in own or one.trial == DEFAULT_TRIAL]
        left = sum(self.summary.n_trials.values()) if self.summary else 0
        searched = [one.trial for one in records if one.trial >= 0][:left]
        return [one for one in records if one.trial < 0 or one.trial in set(searched)]


def runs_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Write numbers as runs, each by its first and last one."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs


class Commits:
    """The commits of one model, numbered from 1.

    Readers take the highest whole one. What versions before them wrote has only ``best.json``,
    which later versions keep as a copy of the newest commit.
    """

    def __init__(self, store: Store, experiment: str, model: str):
        self._store, self._folder = store, f"{experiment}/{model}"

    def newest(self) -> Commit | None:
        """Return the newest whole commit; damage above it is told. None while there is none."""
        for path in self._paths():
            found = self.read(path)
            if isinstance(found, Commit):
                return found
            if found:
                tell([found])
        return None

    def numbers(self) -> list[int]:
        """Numbers of the commits that are there, the newest first; of the copy alone, 1."""
        return [_number(path) for path in self._paths() if path != self._best] or (
            [1] if self.newest() else []
        )

    def number_of(self, commit: Commit) -> int:
        """Number of a commit that was read here; 0 if it is there no more."""
        numbers = (_number(path) or 1 for path in self._paths() if self.read(path) == commit)
        return next(numbers, 0)

    def at(self, number: int) -> Commit | None:
        """Return the commit of a number; None if there is none.

        Raises
        ------
        DamagedError
        """
        path = f"{self._folder}/commits/{number:04d}.json"
        found = (
            self.read(path if path in self._paths() else self._best)
            if (number in self.numbers())
            else None
        )
        if isinstance(found, Damage):
            raise DamagedError(found)
        return found

    def add(self, commit: Commit, over: Commit | None = None) -> bool:
        """Commit over `over`, the newest commit so far as the caller knows; None: there is none.

        Returns
        -------
        Whether it was done: of several processes that try at once one succeeds.
        """
        content = commit.model_dump_json(indent=1).encode()
        number = 1 + max(map(_number, self._paths()))
        while self.newest() == over:
            if self._store.create(f"{self._folder}/commits/{number:04d}.json", content):
                self.copy()
                _log.info("%s: committed as number %d", self._folder, number)
                return True
            number += 1
        return False

    def copy(self) -> None:
        """Make ``best.json`` a copy of the newest commit."""
        newest = self.newest()
        if newest and self.read(self._best) != newest:
            self._store.put(self._best, newest.model_dump_json(indent=1).encode())

    def damage(self) -> list[Damage]:
        """Find every commit object that is not whole."""
        found = [one for path in self._paths() if isinstance(one := self.read(path), Damage)]
        if self.newest() is None:
            return found
        return [
            replace(one, remedy="a whole commit is beside it; --repair sets this one aside")
            for one in found
        ]

    def read(self, path: str) -> Commit | Damage | None:
        """Read one of them; None if there is none."""
        return read_whole(self._store, path, lambda content: parse_record(content, Commit), _AGAIN)

    @property
    def _best(self) -> str:
        return f"{self._folder}/best.json"

    def _paths(self) -> list[str]:
        """Every commit, the newest first, then the copy."""
        top = f"{self._folder}/commits"
        own = [
            path for path in self._store.paths(top) if _NAME.fullmatch(path.removeprefix(f"{top}/"))
        ]
        return [*sorted(own, key=_number, reverse=True), self._best]


def _number(path: str) -> int:
    match = _NAME.fullmatch(path.rpartition("/")[2])
    return int(match[1]) if match else 0
