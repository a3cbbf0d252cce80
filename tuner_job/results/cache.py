"""TunedModelCache: the best parameters that searches have committed."""

import json
from collections.abc import Mapping
from typing import Any

from tuner_job.results.records import StudySummary
from tuner_job.results.store import Store


class TunedModelCache:
    """Best parameters by experiment and model, each written once.

    The object ``<experiment>/<model>/best.json`` is the commit point of a search: it is created last and
    atomically, so that whoever reads it sees a finished search, and of two processes that finish the
    same search the first one wins.
    """

    def __init__(self, store: Store):
        self._store = store

    def save_best_params(
        self,
        experiment_id: str,
        model_type: str,
        params: Mapping[str, Any],
        summary: StudySummary | None = None,
    ) -> bool:
        """Commit the best parameters, with the search's summary; return False if there were some already."""
        document = {"params": dict(params), "summary": summary and summary.model_dump(mode="json")}
        return self._store.create(_path(experiment_id, model_type), json.dumps(document, indent=1).encode())

    def load_best_params(self, experiment_id: str, model_type: str) -> dict[str, Any] | None:
        """Return the committed parameters; None while there are none."""
        document = self._load(experiment_id, model_type)
        return document and dict(document["params"])

    def load_summary(self, experiment_id: str, model_type: str) -> StudySummary | None:
        """Return the committed search's summary; None while there is none."""
        document = self._load(experiment_id, model_type)
        return StudySummary.model_validate(document["summary"]) if document and document["summary"] else None

    def _load(self, experiment_id: str, model_type: str) -> dict[str, Any] | None:
        content = self._store.get(_path(experiment_id, model_type))
        return None if content is None else dict(json.loads(content))


def _path(experiment_id: str, model_type: str) -> str:
    return f"{experiment_id}/{model_type}/best.json"
