"""Where everything of one experiment stands in object storage.

::

    <prefix>/<experiment>/experiment.yaml          with all defaults filled in, and its digest
                         /provenance.json
                         /start_from.json          the experiments that it starts from, if any
                         /lease.json               while it runs: who runs it
                         /progress.json            how it is going, or how it ended
                         /logs/<run>/000001.log …  what each run has said
                         /<model>/trials/000017.json   one finished trial
                                        /pack-….json.gz  copies of a thousand, to be read at once
                                 /errors/000017.txt    why it failed: the traceback
                                 /oof/000017.npz       its out-of-fold probabilities, if worth
                                 keeping
                                 /holdout/000017.npz   what it says of the hold-out
                                 /models/<sha256>.bin  the best configuration fitted on all rows
                                 /commits/0001.json    the commit point: created once, last
                                 /best.json            a copy of the newest commit
                         /summary.json · report.html

Whoever reads finds an object whole or damaged, never half of a new one; what is damaged is told,
and made again by whoever can.
"""

import os
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from tuner_job.errors import StoreError, UnreadableError
from tuner_job.files.arrays import write_arrays
from tuner_job.records import (
    ExperimentSummary,
    ProgressRecord,
    Provenance,
    StudySummary,
    TrialRecord,
)
from tuner_job.results.damage import (
    Damage,
    DamagedError,
    parse_arrays,
    parse_matrix,
    parse_record,
    read_whole,
    tell,
)
from tuner_job.results.progress import read_progress
from tuner_job.results.run_log import log_pieces, read_log
from tuner_job.results.store import FIRST_CONTACT, Store
from tuner_job.results.trial_folder import RUN_AGAIN, TrialFolder, parse_trial, replaces
from tuner_job.wording import listed, shown

_FOLDERS = ("trials", "errors", "oof", "holdout", "commits", "models")
_MODEL = re.compile(r"model\.bin|models/[0-9a-f]{64}\.bin")
_R = TypeVar("_R", bound=BaseModel)


class ExperimentStore:
    """The objects of one experiment."""

    def __init__(self, store: Store, experiment: str):
        self.store = store
        self.experiment = experiment

    @property
    def url(self) -> str:
        """Address of the experiment."""
        return f"{self.store.url}/{self.experiment}"

    def path(self, name: str) -> str:
        """Path below the results location of what has this name below the experiment."""
        return f"{self.experiment}/{name}"

    def save_provenance(self, provenance: Provenance) -> None:
        """Write what made the results."""
        self.store.put(self.path("provenance.json"), _json(provenance))

    def create_provenance(self, provenance: Provenance) -> bool:
        """Write what made the results, unless something is there; return whether this call did."""
        return self.store.create(self.path("provenance.json"), _json(provenance))

    def provenance(self) -> Provenance:
        """Read what made the results."""
        return self._read("provenance.json", Provenance)

    def summary(self) -> ExperimentSummary:
        """Read the summary of a finished experiment."""
        return self._read("summary.json", ExperimentSummary)

    def finished(self) -> ExperimentSummary | None:
        """Read the summary of an experiment; None if it has not ended."""
        return self._find("summary.json", ExperimentSummary)

    def progress(self) -> ProgressRecord | None:
        """Read how the experiment is going, or how it ended; None if nothing whole says so."""
        return read_progress(self.store, self.experiment)

    def log_pieces(self) -> list[str]:
        """Paths of all that its runs have said, in the order of time."""
        return log_pieces(self.store, self.experiment)

    def read_log(self, tail: int | None = None) -> list[str]:
        """Read what its runs have said: the last lines of it, or with None all."""
        return read_log(self.store, self.experiment, tail)

    def models(self) -> list[str]:
        """Models that have trials or commits here."""
        paths = [path.split("/") for path in self.store.paths(self.experiment)]
        kinds = ("trials", "commits")
        return sorted({parts[1] for parts in paths if len(parts) == 4 and parts[2] in kinds})

    # trials

    def save_trial(self, model: str, record: TrialRecord) -> None:
        """Write one finished trial; one that is there already stays, unless it is damaged, another
        one, or says less than this one."""
        folder, content = self._folder(model, "trials"), _json(record)
        path = folder.path(record.trial, "json")
        if self.store.create(path, content):
            return
        there = folder.read(record.trial, "json", parse_trial)
        if not isinstance(there, TrialRecord) or replaces(record, there):
            self.store.put(path, content)

    def save_error(self, model: str, trial: int, traceback: str) -> str:
        """Write why a trial failed beside its record; return the address."""
        path = self._folder(model, "errors").path(trial, "txt")
        self.store.put(path, traceback.encode(errors="backslashreplace"))
        return f"{self.store.url}/{path}"

    def errors(self, models: Iterable[str]) -> list[str]:
        """Addresses of the folders in which tracebacks of failed trials are."""
        folders = [self.path(f"{model}/errors") for model in models]
        return [f"{self.store.url}/{folder}" for folder in folders if self.store.paths(folder)]

    def load_trials(
        self, model: str, metrics: Sequence[str] = (), pack: bool = False
    ) -> list[TrialRecord]:
        """Read every finished trial of a model, in order, the untuned default first.

        A trial whose object is damaged is left out and told.

        Parameters
        ----------
        metrics
            Of which a complete trial must have scores.
        pack
            Put the records of very many together, for whoever reads them next.
        """
        return self.read_trials(model, metrics, pack)[0]

    def read_trials(
        self, model: str, metrics: Sequence[str] = (), pack: bool = False
    ) -> tuple[list[TrialRecord], list[Damage]]:
        """Read every finished trial of a model as `load_trials` does, and return what is damaged
        too."""
        folder = self._folder(model, "trials")
        listing = folder.listing()
        if isinstance(listing, Damage):
            tell([listing])
            return [], [listing]
        found = folder.read_packed(
            listing, lambda content, n: parse_trial(content, n, metrics), pack
        )
        records = [one for _, one in found if isinstance(one, TrialRecord)]
        damaged = [one for _, one in found if isinstance(one, Damage)]
        tell(damaged)
        return records, damaged

    def files_for_folders(self, model: str) -> list[Damage]:
        """Files that stand where a folder of the model's must, so that nothing can be written
        there."""
        found = [self._folder(model, kind).file_in_its_way() for kind in _FOLDERS]
        return list(dict.fromkeys(one for one in found if one))

    def damaged_numbered(self, model: str) -> list[Damage]:
        """What of a model's trials, probabilities and folders is not whole."""
        found = [
            *self._folder(model, "trials").read_all(parse_trial),
            *(
                one
                for kind in ("oof", "holdout")
                for one in self._folder(model, kind).read_all(lambda held, _: parse_matrix(held))
            ),
        ]
        misplaced = self.files_for_folders(model)
        return [
            *misplaced,
            *(one for _, one in found if isinstance(one, Damage) and one not in misplaced),
        ]

    def save_oof(self, model: str, trial: int, P: NDArray[np.floating[Any]]) -> None:
        """Write out-of-fold probabilities, (n_validated, n_classes)."""
        path = self._folder(model, "oof").path(trial, "npz")
        self.store.put(path, write_arrays({"P": P}, deflate=False))

    def load_oof(self, model: str, trial: int) -> NDArray[np.float64] | None:
        """Read out-of-fold probabilities, (n_validated, n_classes); None if they were not kept.

        Raises
        ------
        DamagedError
        """
        folder = self._folder(model, "oof")
        found = folder.read(trial, "npz", lambda content, _: parse_matrix(content))
        if isinstance(found, Damage):
            raise DamagedError(found)
        return found

    def whole_oof(self, model: str, shape: tuple[int, int]) -> dict[int, bool]:
        """Trial → whether its probabilities, of which there are some, are whole; damage is told."""
        found = self._folder(model, "oof").read_all(lambda content, _: parse_matrix(content, shape))
        tell(one for _, one in found if isinstance(one, Damage))
        return {trial: not isinstance(one, Damage) for trial, one in found}

    def save_held_out(self, model: str, trial: int, of: str, P: NDArray[np.floating[Any]]) -> None:
        """Write what a trial, fitted on the searched rows, says of the hold-out.

        Parameters
        ----------
        of
            Tells the trial from another one of its number.
        P : (n_held_out, n_classes)
        """
        path = self._folder(model, "holdout").path(trial, "npz")
        self.store.put(path, write_arrays({"P": P, "of": np.array(of)}, deflate=False))

    def load_held_out(
        self, model: str, trial: int, of: str, shape: tuple[int, int]
    ) -> NDArray[np.float64] | None:
        """Read what `save_held_out` wrote of this very trial; None if there is nothing, or nothing
        whole, which is told."""

        def parse(content: bytes, _: int) -> NDArray[np.float64] | None:
            P = parse_matrix(content, shape)
            stated = parse_arrays(content, ["of"])["of"]
            return P if stated.dtype.kind == "U" and str(stated) == of else None

        found = self._folder(model, "holdout").read(trial, "npz", parse)
        if isinstance(found, Damage):
            tell([found])
            return None
        return found

    # models

    def save_model(self, model: str, content: bytes) -> str:
        """Write a fitted model under a name made of its content; return its path below the
        model's folder."""
        name = f"models/{sha256(content).hexdigest()}.bin"
        self.store.put(self.path(f"{model}/{name}"), content)
        return name

    def committed_model(self, model: str, summary: StudySummary | None) -> bytes | Damage:
        """Read the fitted model that a commit names, or say what is wrong with it."""
        name = (summary and summary.model_object) or "model.bin"
        path, remedy = self.path(f"{model}/{name}"), f"{RUN_AGAIN} fits it again"
        if not _MODEL.fullmatch(name):
            return Damage(
                self.url,
                path,
                f"a commit of {model} names {shown(name)}, which is no model",
                remedy,
            )
        digest = summary.model_sha256 if summary else None
        found = read_whole(self.store, path, lambda content: _checked(content, digest), remedy)
        return (
            Damage(f"{self.store.url}/{path}", path, "it is not there", remedy)
            if found is None
            else found
        )

    # reports

    def save_report(self, summary: ExperimentSummary, page: str | None = None) -> None:
        """Write the summary, unless the experiment has not ended, and, if given, the report
        page."""
        if not summary.unfinished:
            self.store.put(self.path("summary.json"), _json(summary))
        if page is not None:
            self.store.put(self.path("report.html"), page.encode())

    def _folder(self, model: str, kind: str) -> TrialFolder:
        return TrialFolder(self.store, self.path(f"{model}/{kind}"))

    def _read(self, name: str, record: type[_R]) -> _R:
        found = self._find(name, record)
        if found is None:
            raise StoreError(
                f"{self.url}: has no {name}; is it the address of an experiment that has finished?"
            )
        return found

    def _find(self, name: str, record: type[_R]) -> _R | None:
        remedy = f"{RUN_AGAIN} writes it anew"
        found = read_whole(
            self.store, self.path(name), lambda content: parse_record(content, record), remedy
        )
        if isinstance(found, Damage):
            raise DamagedError(found)
        return found


def open_experiment(url: str) -> ExperimentStore:
    """Open the experiment at an address, or the only one below it.

    Raises
    ------
    StoreError
        There is none, or there are several.
    """
    if "://" not in url and url.rstrip("/").rpartition("/")[2] in ("", ".", ".."):
        url = os.path.abspath(url)  # noqa: PTH100 (a link keeps its name)
    folder, _, name = url.rstrip("/").rpartition("/")
    inside = Store(url, FIRST_CONTACT)
    if _has(inside, "experiment.yaml"):
        return ExperimentStore(Store(folder or ".", FIRST_CONTACT), name)
    experiments = [f for f in inside.folders() if _has(inside, f"{f}/experiment.yaml")]
    if len(experiments) == 1:
        return ExperimentStore(inside, experiments[0])
    found = f"found {listed(experiments)}: name one of them" if experiments else "found none"
    raise StoreError(f"{url}: must be the address of an experiment; {found}")


def _has(store: Store, path: str) -> bool:
    """Whether there is an object, be it one that cannot be read."""
    try:
        return store.get(path) is not None
    except UnreadableError:
        return path in store.paths(path.rpartition("/")[0])  # raises if nothing can be read there


def _json(record: BaseModel) -> bytes:
    return record.model_dump_json(indent=1).encode()


def _checked(content: bytes, digest: str | None) -> bytes:
    if not content:
        raise ValueError("it is empty")
    if sha256(content).hexdigest() != digest:
        raise ValueError("it is not the model that the search committed")
    return content
