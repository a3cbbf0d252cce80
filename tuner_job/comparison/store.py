"""Where a comparison stands: one object an experiment, so that a killed run goes on.

::

    <output-dir>/comparison.json           what is compared, with the data's digest
                /results/<experiment>.json one finished experiment
                /predictions/<…>.npz       P of one fit on all its test rows
                /tuning/…                  the searches, each an experiment of its own
                /progress.json · logs/…    how it is going, and what each run has said
                /*.csv · report.html · plots/
"""

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.comparison.plan import TrainingSet
from tuner_job.comparison.result import ExperimentResult
from tuner_job.comparison.settings import as_now
from tuner_job.config.comparison import NOW_A_MODEL, TABLES
from tuner_job.errors import StoreError
from tuner_job.evaluation.protocols import Composition
from tuner_job.files.arrays import write_arrays
from tuner_job.files.whole import is_same_file, local_path
from tuner_job.results.damage import (
    Damage,
    DamagedError,
    parse_arrays,
    parse_record,
    read_whole,
    tell,
)
from tuner_job.results.store import Store
from tuner_job.wording import listed, plain

_READERS = 16
_RESULT = re.compile(r"[^/]+\.json")
CLAIM = "comparison.json"
_BEGUN_BY = "begun_by"
PAGES = ("report.html", *TABLES)
"""What is written anew as a comparison goes on."""


def predictions_name(training: TrainingSet, model: str, tuned_for: Composition | None) -> str:
    """Name of a fit's predictions: of the untuned default, or of what was tuned for a protocol."""
    return f"{training.digest}-{model}-{f'tuned-{tuned_for}' if tuned_for else 'default'}"


class ComparisonStore:
    """The objects of one comparison below a folder or URL."""

    def __init__(self, url: str):
        self.store = Store(url)

    @property
    def url(self) -> str:
        """Address of the comparison."""
        return self.store.url

    def check_place(self, data: Path | None) -> None:
        """See before any work that nothing of anybody else's would be written over.

        Parameters
        ----------
        data
            The file that is compared on; None if it is not in a folder.

        Raises
        ------
        StoreError
            The data are what the comparison would write, or there are such files that no comparison
            wrote.
        """
        folder = local_path(self.url)
        if data and folder and any(is_same_file(folder / name, data) for name in PAGES):
            raise StoreError(
                f"{plain(data)}: would be written over by the comparison; choose another place "
                "for it"
            )
        if self.store.get(CLAIM) is not None:
            return
        foreign = [name for name in ("experiment.yaml", *PAGES) if self.store.get(name) is not None]
        if foreign:
            raise StoreError(
                f"{self.url}: holds {listed(foreign)}, which no comparison wrote here; choose "
                "another place"
            )

    def clear(self) -> None:
        """Remove results, predictions and tables; searches stay, being the same for the same
        rows."""
        if self.store.get(CLAIM) is None:
            return
        for folder in ("results", "predictions"):
            for path in self.store.paths(folder):
                self.store.delete(path)
        for name in (*PAGES, CLAIM):  # the claim last: it says whose the others are
            if self.store.get(name) is not None:
                self.store.delete(name)

    def is_of_earlier_version(self) -> bool:
        """Whether a version before 0.5.0 began the comparison that stands here."""
        found = read_whole(self.store, CLAIM, _parse_keys, "")
        return isinstance(found, dict) and _BEGUN_BY not in found

    def claim(self, document: dict[str, Any], resume: bool) -> None:
        """Write what is compared, or check that it is what was compared here before.

        Raises
        ------
        StoreError
            Another comparison is here, or the same one and `resume` is False.
        """
        content = json.dumps(
            {**document, _BEGUN_BY: version("va-tuning")}, indent=1, sort_keys=True
        )
        if self.store.create(CLAIM, content.encode()):
            return
        remedy = "nothing says what stands beside it: remove its results with --clear-checkpoints"
        before = read_whole(self.store, CLAIM, _parse_keys, remedy) or {}
        if isinstance(before, Damage):
            raise DamagedError(before)
        then, now = as_now(before), json.loads(content)
        for one in (then, now):
            one.pop(_BEGUN_BY, None)
        if then.get("ensemble"):
            raise StoreError(
                f"{self.url}: holds a comparison with the key comparison.ensemble, which was "
                f"removed in version 0.5.0; {NOW_A_MODEL}, in another place or after "
                "--clear-checkpoints"
            )
        changed = sorted(k for k in then.keys() | now.keys() if then.get(k) != now.get(k))
        if changed:
            raise StoreError(
                f"{self.url}: holds another comparison ({listed(changed)} differ); choose another "
                "place, or remove its results with --clear-checkpoints"
            )
        if not resume and self.store.paths("results"):
            raise StoreError(
                f"{self.url}: holds results of this comparison; go on (--resume) or start anew "
                "(--clear-checkpoints)"
            )

    def save(self, results: Iterable[ExperimentResult]) -> None:
        """Write finished experiments."""
        for result in results:
            self.store.put(
                f"results/{result.experiment_id}.json", result.model_dump_json(indent=1).encode()
            )

    def load(self) -> list[ExperimentResult]:
        """Read every finished experiment, ordered by name; one whose object is damaged is told
        and left out."""
        top = "results"
        paths = [
            path
            for path in self.store.paths(top)
            if _RESULT.fullmatch(path.removeprefix(f"{top}/"))
        ]
        with ThreadPoolExecutor(_READERS) as readers:
            found = list(readers.map(self._result, paths))
        tell(one for one in found if isinstance(one, Damage))
        return [one for one in found if isinstance(one, ExperimentResult)]

    def _result(self, path: str) -> ExperimentResult | Damage | None:
        def parse(content: bytes) -> ExperimentResult:
            result = parse_record(content, ExperimentResult)
            if path != f"results/{result.experiment_id}.json":
                raise ValueError(f"it is {plain(result.experiment_id, 80)}'s")
            return result

        return read_whole(self.store, path, parse, "it is run again")

    def save_predictions(
        self, name: str, rows: NDArray[np.intp], P: NDArray[np.floating[Any]]
    ) -> None:
        """Write P (n_rows, n_classes) of one fit for these rows."""
        self.store.put(
            f"predictions/{name}.npz", write_arrays({"rows": rows, "P": P.astype(np.float32)})
        )

    def load_predictions(self, name: str) -> tuple[NDArray[np.intp], NDArray[np.float32]] | None:
        """Read the rows and P of one fit; None if there are none, or if they are damaged, which
        is told."""
        found = read_whole(
            self.store,
            f"predictions/{name}.npz",
            _parse_predictions,
            "it is left out, and fitted again with the next run",
        )
        if isinstance(found, Damage):
            tell([found])
            return None
        return found

    def write_text(self, name: str, text: str) -> None:
        """Write a table or a page."""
        self.store.put(name, text.encode())


def _parse_keys(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ValueError("it is empty, cut off, or no comparison that va-tuning wrote")
    return document


def _parse_predictions(content: bytes) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    rows, P = (parse_arrays(content, ("rows", "P"))[name] for name in ("rows", "P"))
    if rows.ndim != 1 or P.ndim != 2 or len(rows) != len(P):
        raise ValueError("its rows and its probabilities do not belong together")
    return np.asarray(rows), np.asarray(P)
