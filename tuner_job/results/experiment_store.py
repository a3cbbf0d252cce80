"""Where everything of one experiment stands in object storage.

::

    <prefix>/<experiment>/experiment.yaml          with all defaults filled in, and its digest
                         /provenance.json
                         /<model>/trials/000017.json   one finished trial
                                 /oof/000017.npz       its out-of-fold probabilities, if worth keeping
                                 /model.bin            the best configuration fitted on all rows
                                 /best.json            the commit point: created once, last
                         /summary.json · report.html
"""

import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from tuner_job.errors import StoreError
from tuner_job.results.records import ExperimentSummary, Provenance, TrialRecord
from tuner_job.results.store import Store

DEFAULT_TRIAL = -1
"""Number of the untuned default among the trials of a model."""
_READERS = 16
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

    def claim(self, document: Mapping[str, Any], digest: str, provenance: Provenance) -> None:
        """Write what this experiment is, or check that it is what was written before.

        Parameters
        ----------
        document
            The experiment, as an experiment file.
        digest
            Of all in it that decides the trials.

        Raises
        ------
        StoreError
            Another experiment, or the same one on other data, has results under this name.
        """
        content = f"# digest: {digest}\n{yaml.safe_dump(dict(document), sort_keys=False)}"
        if not self.store.create(self._path("experiment.yaml"), content.encode()):
            before = (self.store.get(self._path("experiment.yaml")) or b"").decode()
            if not before.startswith(f"# digest: {digest}\n"):
                changed = _differences(yaml.safe_load(before), document)
                raise StoreError(
                    f"{self.url}: holds results of another experiment ({', '.join(changed)}); "
                    "choose another `name` or another `results` location"
                )
        if not self.store.create(self._path("provenance.json"), _json(provenance)):
            earlier = self.provenance()
            if earlier.data_digest != provenance.data_digest:
                raise StoreError(
                    f"{self.url}: holds results on other data (digest {earlier.data_digest[:12]}, now "
                    f"{provenance.data_digest[:12]}); choose another `name` or another `results` location"
                )

    def provenance(self) -> Provenance:
        """Read what made the results."""
        return self._read("provenance.json", Provenance)

    def summary(self) -> ExperimentSummary:
        """Read the summary of a finished experiment."""
        return self._read("summary.json", ExperimentSummary)

    def models(self) -> list[str]:
        """Models that have trials here."""
        paths = self.store.paths(self.experiment)
        return sorted({path.split("/")[1] for path in paths if "/trials/" in path})

    def save_trial(self, model: str, record: TrialRecord) -> None:
        """Write one finished trial; one that is there already stays."""
        self.store.create(self._trial(model, "trials", record.trial, "json"), _json(record))

    def load_trials(self, model: str) -> list[TrialRecord]:
        """Read every finished trial of a model, in order, the untuned default first."""
        paths = self.store.paths(f"{self.experiment}/{model}/trials")
        with ThreadPoolExecutor(_READERS) as readers:
            contents = readers.map(self.store.get, paths)
            records = [self._parse(p, c, TrialRecord) for p, c in zip(paths, contents, strict=True) if c]
        return sorted(records, key=lambda record: record.trial)

    def save_oof(self, model: str, trial: int, P: NDArray[np.floating[Any]]) -> None:
        """Write out-of-fold probabilities, (n_samples, n_classes)."""
        buffer = io.BytesIO()
        np.savez(buffer, P=P)
        self.store.put(self._trial(model, "oof", trial, "npz"), buffer.getvalue())

    def load_oof(self, model: str, trial: int) -> NDArray[np.float64] | None:
        """Read out-of-fold probabilities, (n_samples, n_classes); None if they were not kept.

        In double precision, in which trials are judged, whatever the model gave: so looking again finds the same.
        """
        content = self.store.get(self._trial(model, "oof", trial, "npz"))
        if content is None:
            return None
        with np.load(io.BytesIO(content)) as arrays:
            return np.asarray(arrays["P"], dtype=np.float64)

    def save_model(self, model: str, content: bytes) -> str:
        """Write the fitted model; return its path below the model's folder."""
        self.store.put(self._path(f"{model}/model.bin"), content)
        return "model.bin"

    def load_model(self, model: str) -> bytes:
        """Read the fitted model.

        Raises
        ------
        StoreError
            There is none yet.
        """
        content = self.store.get(self._path(f"{model}/model.bin"))
        if content is None:
            raise StoreError(f"{self.url}/{model}: has no model yet: its search has not finished")
        return content

    def save_report(self, summary: ExperimentSummary, page: str | None = None) -> None:
        """Write the summary and, if given, the report page."""
        self.store.put(self._path("summary.json"), _json(summary))
        if page is not None:
            self.store.put(self._path("report.html"), page.encode())

    def _path(self, name: str) -> str:
        return f"{self.experiment}/{name}"

    def _trial(self, model: str, folder: str, trial: int, ending: str) -> str:
        number = "default" if trial == DEFAULT_TRIAL else f"{trial:06d}"
        return self._path(f"{model}/{folder}/{number}.{ending}")

    def _read(self, name: str, record: type[_R]) -> _R:
        content = self.store.get(self._path(name))
        if content is None:
            raise StoreError(f"{self.url}: has no {name}; is it the address of an experiment that has finished?")
        return self._parse(self._path(name), content, record)

    def _parse(self, path: str, content: bytes, record: type[_R]) -> _R:
        try:
            return record.model_validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise StoreError(
                f"{self.store.url}/{path}: is not what this version wrote: {key} {first['msg'].lower()}"
            ) from None


def open_experiment(url: str) -> ExperimentStore:
    """Open the experiment at an address, or the only one below it.

    Raises
    ------
    StoreError
        There is none, or there are several.
    """
    folder, _, name = url.rstrip("/").rpartition("/")
    inside = Store(url)
    if inside.get("experiment.yaml") is not None:
        return ExperimentStore(Store(folder or "."), name)
    experiments = [f for f in inside.folders() if inside.get(f"{f}/experiment.yaml") is not None]
    if len(experiments) == 1:
        return ExperimentStore(inside, experiments[0])
    found = f"found {', '.join(experiments)}: name one of them" if experiments else "found none"
    raise StoreError(f"{url}: must be the address of an experiment; {found}")


def _json(record: BaseModel) -> bytes:
    return record.model_dump_json(indent=1).encode()


def _differences(before: Any, now: Any, key: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, Mapping):
        keys = [k for k in {**before, **now} if not (k in ("budget", "results") and not key)]
        return [d for k in keys for d in _differences(before.get(k), now.get(k), f"{key}.{k}".strip("."))]
    return [] if before == now else [f"{key}: {before} there, {now} here"]
