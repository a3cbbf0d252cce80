"""What stands in the places besides experiments: comparisons, and pages of predictions."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tuner_job.config.comparison import TABLES
from tuner_job.records import ProgressRecord, utc
from tuner_job.results.look import Look, Object
from tuner_job.results.progress import PROGRESS, find_progress
from tuner_job.web.place import OF_COMPARISON, OF_EXPERIMENT, Place

_REPORT = "report.html"
_MOST_PAGES = 50


@dataclass(frozen=True)
class Page:
    """A page that `va-tuning predict` wrote, or somebody else."""

    id: str
    place: str
    path: str
    modified: str
    """UTC, ISO 8601."""
    size: int


@dataclass(frozen=True)
class Comparison:
    """A comparison of models across sites."""

    id: str
    name: str
    place: str
    path: str
    address: str
    state: str = "begun"
    """That of its progress; where it keeps none, ``done`` once it has a report."""
    n_results: int = 0
    """Experiments that are finished."""
    began: str = ""
    """UTC, ISO 8601."""
    files: dict[str, int] = field(default_factory=dict)
    """Tables and plots → bytes."""
    has_report: bool = False
    progress: ProgressRecord | None = None
    version: str = ""
    problem: str = ""

    def document(self) -> dict[str, Any]:
        """Write it for programs."""
        return {
            "id": self.id,
            "name": self.name,
            "address": self.address,
            "state": self.state,
            "finished_experiments": self.n_results,
            "began": self.began,
            "files": list(self.files),
            "problem": self.problem,
        }


def is_experiment(look: Look) -> bool:
    """Whether a folder is one experiment's."""
    return bool(OF_EXPERIMENT & look.objects.keys()) and not is_comparison(look)


def is_comparison(look: Look) -> bool:
    """Whether a folder is one comparison's."""
    return OF_COMPARISON in look.objects


def read_comparison(place: Place, look: Look, blank: Comparison) -> Comparison:
    """Read what is told of a comparison, whose folder holds `look`.

    Raises
    ------
    StoreError
        Storage is away.
    """
    n_results = sum(
        name.endswith(".json") for name in place.store.look(f"{blank.path}/results").objects
    )
    told = find_progress(place.store, blank.path) if PROGRESS in look.objects else None
    progress = told if isinstance(told, ProgressRecord) else None
    has_report = _REPORT in look.objects
    shown = {name: look.objects[name].size for name in TABLES if name in look.objects}
    versions = [one.version for one in look.objects.values()]
    return Comparison(
        id=blank.id,
        name=blank.name,
        place=blank.place,
        path=blank.path,
        address=blank.address,
        state=progress.state if progress else "done" if has_report else "begun",
        n_results=n_results,
        began=moment_of(look.objects[OF_COMPARISON]),
        files=dict(sorted(shown.items())),
        has_report=has_report,
        progress=progress,
        version="/".join([*versions, str(n_results)]),
    )


def pages_in(label: str, prefix: str, folder: str, look: Look) -> list[Page]:
    """Find pages beside or among results: every HTML file that is no experiment's report.

    Parameters
    ----------
    label
        Of the place.
    prefix
        Of ids.
    folder
        That was looked into; empty for the place itself.
    """
    ours = is_experiment(look) or is_comparison(look)
    found = []
    for name, one in sorted(look.objects.items()):
        if name.endswith(".html") and not (ours and name == _REPORT):
            path = f"{folder}/{name}" if folder else name
            found.append(
                Page(prefix + path.replace("/", ":"), label, path, moment_of(one), one.size)
            )
    return found[:_MOST_PAGES]


def moment_of(one: Object) -> str:
    """When an object was written: UTC, ISO 8601."""
    return utc(datetime.fromtimestamp(one.modified, UTC))
