"""TunedModelCache: the best parameters that searches have committed."""

from collections.abc import Mapping
from typing import Any

from tuner_job.records import StudySummary
from tuner_job.results.commits import Commit, Commits
from tuner_job.results.store import Store


class TunedModelCache:
    """Best parameters by experiment and model.

    A commit is created last and atomically, so that whoever reads it sees a finished search, and of
    two processes that finish the same search the first one wins.
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
        """Commit the best parameters, with the search's summary; return False if there were some
        already."""
        return Commits(self._store, experiment_id, model_type).add(
            Commit(params=dict(params), summary=summary)
        )

    def load_best_params(self, experiment_id: str, model_type: str) -> dict[str, Any] | None:
        """Return the committed parameters; None while there are none."""
        commit = Commits(self._store, experiment_id, model_type).newest()
        return dict(commit.params) if commit else None

    def load_summary(self, experiment_id: str, model_type: str) -> StudySummary | None:
        """Return the committed search's summary; None while there is none."""
        commit = Commits(self._store, experiment_id, model_type).newest()
        return commit.summary if commit else None
