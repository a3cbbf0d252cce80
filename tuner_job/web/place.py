"""The addresses that are served: read, never written, and never left by a link or a name."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from tuner_job.errors import StoreError, UnreadableError
from tuner_job.files.whole import local_path
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.look import Look
from tuner_job.results.store import Store
from tuner_job.wording import plain

PATIENCE = timedelta(seconds=8)
"""How long a request to storage may take: a page says then that it is away."""
OF_EXPERIMENT = frozenset({"experiment.yaml", "progress.json", "summary.json", "provenance.json"})
"""Each of them tells that a folder is an experiment."""
OF_COMPARISON = "comparison.json"


class ReadOnlyStore(Store):
    """A store that refuses to write, and in a folder to follow links that lead out of it."""

    def __init__(self, url: str, patience: timedelta = PATIENCE):
        super().__init__(url, patience)
        folder = local_path(self.url)
        self._root = None if folder is None else Path(os.path.realpath(folder))

    def get(self, path: str) -> bytes | None:
        """Content of one object; see `Store.get`."""
        self._stay_inside(path)
        return super().get(path)

    def look(self, folder: str = "") -> Look:
        """What stands right in a folder; see `Store.look`."""
        self._stay_inside(folder)
        return super().look(folder)

    def chunks(self, path: str) -> Iterator[bytes] | None:
        """Content piece by piece; see `Store.chunks`."""
        self._stay_inside(path)
        return super().chunks(path)

    def paths(self, prefix: str, cuts: Sequence[str] = ()) -> list[str]:
        """Paths below a folder; see `Store.paths`."""
        self._stay_inside(prefix)
        return super().paths(prefix, cuts)

    def versions(self, prefix: str, cuts: Sequence[str] = ()) -> dict[str, str]:
        """Versions of all below a folder; see `Store.versions`."""
        self._stay_inside(prefix)
        return super().versions(prefix, cuts)

    def put(self, path: str, content: bytes) -> None:
        """Refuse."""
        self._refuse()

    def create(self, path: str, content: bytes) -> bool:
        """Refuse."""
        self._refuse()

    def delete(self, path: str) -> None:
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise StoreError(f"{self.url}: is only read here")

    def _stay_inside(self, path: str) -> None:
        if self._root is None:
            return
        try:
            target = Path(os.path.realpath(self._root.joinpath(*path.split("/"))))
        except ValueError:  # a name with a NUL; the store has words for it
            return
        if not target.is_relative_to(self._root):
            raise UnreadableError(
                f"{plain(f'{self.url}/{path}')}: cannot be read: a link leads out of the results"
            )


@dataclass
class Place:
    """One address of results.

    Attributes
    ----------
    label
        What tells it from the other ones, for people and in addresses of pages.
    only
        The one folder in it that is meant; None: all of them.
    """

    label: str
    store: ReadOnlyStore
    only: str | None = None
    problem: str = ""
    """Why nothing of it could be listed when it was last tried."""
    since: str = field(default="", repr=False)
    """Since when, UTC; empty while it can."""

    def experiment(self, path: str) -> ExperimentStore:
        """Return the experiment that stands at a path."""
        return experiment_at(self.store.url, path)


def experiment_at(url: str, path: str) -> ExperimentStore:
    """Return the experiment at a path below an address, to be read."""
    folder, _, name = path.rpartition("/")
    return ExperimentStore(ReadOnlyStore(f"{url}/{folder}" if folder else url), name)


def places(addresses: list[str]) -> list[Place]:
    """Make a place of each address: a results location, or one experiment or comparison.

    Raises
    ------
    StoreError
        It is no address of results. That it cannot be reached now is no error.
    """
    found: list[Place] = []
    for address in dict.fromkeys(addresses):
        place = _place(address)
        taken = {one.label for one in found}
        label, number = place.label, 1
        while place.label in taken:
            number += 1
            place.label = f"{label}-{number}"
        found.append(place)
    return found


def _place(address: str) -> Place:
    whole = address if "://" in address else os.path.abspath(address)  # noqa: PTH100 (a link keeps its name)
    store = ReadOnlyStore(whole)
    above, _, name = store.url.rpartition("/")
    label = plain(name, 40) or "results"
    if not above or above.endswith("/"):  # a bucket has none
        return Place(label, store)
    try:
        there = store.look().objects
    except StoreError:
        return Place(label, store)
    if OF_COMPARISON in there or OF_EXPERIMENT & there.keys():
        return Place(label, ReadOnlyStore(above), only=name)
    return Place(label, store)
