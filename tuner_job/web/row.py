"""What the page tells of one experiment in a line."""

from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal

from tuner_job.records import ProgressRecord
from tuner_job.results.damage import Damage
from tuner_job.results.look import Look
from tuner_job.results.progress import PROGRESS, find_progress
from tuner_job.web.earlier import EarlierError, progress_of_earlier
from tuner_job.web.place import Place

State = Literal["running", "done", "failed", "cancelled", "stopped", "damaged"]
"""``stopped``: it has not ended, and nobody runs it; ``damaged``: what is stored does not tell."""
STATES: tuple[State, ...] = ("running", "done", "failed", "cancelled", "stopped", "damaged")
_TOLD_BY = (PROGRESS, "summary.json", "experiment.yaml")
_BEATS = (PROGRESS, "lease.json")
_MOST_MODELS = 20


@dataclass(frozen=True)
class Row:
    """One experiment.

    Attributes
    ----------
    id
        By which addresses of pages name it.
    name
        For people.
    place, path
        Where it stands: label of the place, and path below it.
    address
        As commands take it.
    parent
        Of a search of a comparison: the comparison's id; else empty.
    progress
        None where what is stored does not tell.
    claim
        Version of the experiment file: another one for another experiment of this name.
    documents
        Versions of the documents that tell.
    version
        Another one whenever something was written that a page shows.
    problem
        What is wrong with what is stored, in one sentence.
    """

    id: str
    name: str
    place: str
    path: str
    address: str
    parent: str = ""
    state: State = "damaged"
    progress: ProgressRecord | None = None
    claim: str = ""
    documents: str = ""
    version: str = ""
    problem: str = ""

    @property
    def began(self) -> str:
        """When its last run began: UTC, ISO 8601; empty where nothing says so."""
        return self.progress.began if self.progress else ""

    @property
    def share(self) -> float | None:
        """Share of the planned trials that have ended; None where nobody knows how many there
        will be."""
        planned = self.progress.planned if self.progress else None
        if self.progress is None or not planned:
            return None
        return min(1.0, self.progress.done / planned)

    def document(self) -> dict[str, Any]:
        """Write it for programs."""
        progress = self.progress.model_dump(mode="json") if self.progress else {}
        return {
            "id": self.id,
            "name": self.name,
            "address": self.address,
            **progress,
            "state": self.state,
            "planned": self.progress.planned if self.progress else None,
            "done": self.progress.done if self.progress else 0,
            "problem": self.problem,
        }


def read_row(place: Place, look: Look, blank: Row) -> Row:
    """Read what is told of an experiment.

    Parameters
    ----------
    look
        What stands in its folder.
    blank
        Its names, to be filled in.

    Raises
    ------
    StoreError
        Storage is away.
    """
    there = look.objects
    told = documents(look)
    claim = there["experiment.yaml"].version if "experiment.yaml" in there else ""
    row = replace(blank, claim=claim, documents=told, version=told)
    if PROGRESS in there:
        found = find_progress(place.store, blank.path)
        if isinstance(found, ProgressRecord):
            return replace(row, state=found.state, progress=_bounded(found))
        if isinstance(found, Damage):
            row = replace(row, problem=found.sentence)
    try:
        progress = progress_of_earlier(place.store, blank.path, look, _MOST_MODELS)
    except EarlierError as error:
        return replace(row, problem=row.problem or str(error))
    return replace(
        row,
        state=progress.state,
        progress=progress,
        version=f"{told}/{progress.done}",
    )


def _bounded(found: ProgressRecord) -> ProgressRecord:
    """Leave out models that are too many to show, and numbers that are none."""
    models = {
        name: one.model_copy(update={"best_score": _finite(one.best_score)})
        for name, one in list(found.models.items())[:_MOST_MODELS]
    }
    best = found.best if found.best and isfinite(found.best.score) else None
    update = {
        "models": models,
        "best": best,
        "seconds_left": _finite(found.seconds_left),
        "fit_seconds": _finite(found.fit_seconds) or 0.0,
    }
    return found.model_copy(update=update)


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None


def documents(look: Look) -> str:
    """Tell the documents that say how an experiment is going, another text for each version of
    them."""
    there = look.objects
    return "/".join(f"{name} {there[name].version}" for name in _TOLD_BY if name in there)


def beat(look: Look) -> tuple[str, float]:
    """Tell what changes every few seconds while a run is alive, and when it last did by the
    store's clock."""
    there = [look.objects[name] for name in _BEATS if name in look.objects]
    return "/".join(one.version for one in there), max((one.modified for one in there), default=0.0)
