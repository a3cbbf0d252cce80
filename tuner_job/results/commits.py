"""What the search of a model has committed: ``commits/0001.json``, created once, never replaced."""

import re
from dataclasses import replace
from typing import Any

from tuner_job.records import StudySummary
from tuner_job.results.damage import Damage, parse_record, read_whole, tell
from tuner_job.results.store import Store
from tuner_job.schema import Closed

_NAME = re.compile(r"([0-9]{4,18})\.json")
_AGAIN = "`va-tuning tune` with the experiment's file commits again, from the trials that are there"


class Commit(Closed):
    """The outcome of a search."""

    params: dict[str, Any]
    summary: StudySummary | None = None


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
