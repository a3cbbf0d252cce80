"""Where a comparison stands: one object an experiment, so that a killed run goes on.

::

    <output-dir>/comparison.json           what is compared, with the data's digest
                /results/<experiment>.json one finished experiment
                /predictions/<…>.npz       P of one fit on all its test rows
                /tuning/…                  the searches, each an experiment of its own
                /*.csv · report.html · plots/
"""

import io
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.comparison.plan import TrainingSet
from tuner_job.comparison.result import ExperimentResult
from tuner_job.errors import StoreError
from tuner_job.evaluation.protocols import Composition
from tuner_job.results.store import Store

_READERS = 16


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

    def clear(self) -> None:
        """Remove results and predictions; searches stay, being the same for the same rows."""
        for folder in ("results", "predictions"):
            for path in self.store.paths(folder):
                self.store.delete(path)
        self.store.delete("comparison.json")

    def claim(self, document: dict[str, Any], resume: bool) -> None:
        """Write what is compared, or check that it is what was compared here before.

        Raises
        ------
        StoreError
            Another comparison is here, or the same one and `resume` is False.
        """
        content = json.dumps(document, indent=1, sort_keys=True)
        if self.store.create("comparison.json", content.encode()):
            return
        before = json.loads(self.store.get("comparison.json") or b"{}")
        changed = sorted(k for k in before.keys() | document.keys() if before.get(k) != json.loads(content).get(k))
        if changed:
            raise StoreError(
                f"{self.url}: holds another comparison ({', '.join(changed)} differ); choose another --output-dir, or "
                "remove its results with --clear-checkpoints"
            )
        if not resume and self.store.paths("results"):
            raise StoreError(
                f"{self.url}: holds results of this comparison; go on (--resume) or start anew (--clear-checkpoints)"
            )

    def save(self, results: Iterable[ExperimentResult]) -> None:
        """Write finished experiments."""
        for result in results:
            self.store.put(f"results/{result.experiment_id}.json", result.model_dump_json(indent=1).encode())

    def load(self) -> list[ExperimentResult]:
        """Read every finished experiment, ordered by name."""
        paths = self.store.paths("results")
        with ThreadPoolExecutor(_READERS) as readers:
            contents = list(readers.map(self.store.get, paths))
        return [ExperimentResult.model_validate_json(content) for content in contents if content]

    def save_predictions(self, name: str, rows: NDArray[np.intp], P: NDArray[np.floating[Any]]) -> None:
        """Write P (n_rows, n_classes) of one fit for these rows."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, rows=rows, P=P.astype(np.float32))
        self.store.put(f"predictions/{name}.npz", buffer.getvalue())

    def load_predictions(self, name: str) -> tuple[NDArray[np.intp], NDArray[np.float32]] | None:
        """Read the rows and P of one fit; None if there are none."""
        content = self.store.get(f"predictions/{name}.npz")
        if content is None:
            return None
        with np.load(io.BytesIO(content)) as arrays:
            return np.asarray(arrays["rows"]), np.asarray(arrays["P"])

    def write_text(self, name: str, text: str) -> None:
        """Write a table or a page."""
        self.store.put(name, text.encode())
