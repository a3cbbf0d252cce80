"""What an experiment had when it committed for the first, second … time."""

from tuner_job.errors import StoreError
from tuner_job.evaluation.best import best_model
from tuner_job.experiment.so_far import summary_so_far
from tuner_job.records import ExperimentSummary, TrialRecord
from tuner_job.results.choose import models_of
from tuner_job.results.commits import Commit, Commits
from tuner_job.results.experiment_store import ExperimentStore


def summary_at(store: ExperimentStore, number: int) -> ExperimentSummary:
    """Put together the commits of a number; of a model that has fewer, its newest.

    Raises
    ------
    StoreError
        No model has so many, or what is there is damaged.
    """
    commits = _commits_at(store, number)
    studies = [commit.summary for commit in commits.values() if commit.summary]
    missing = [model for model in models_of(store) if model not in commits]
    update = {"studies": studies, "best_model": best_model(studies, missing), "unfinished": []}
    return summary_so_far(store).model_copy(update=update)


def trials_at(store: ExperimentStore, number: int) -> dict[str, list[TrialRecord]]:
    """Read the trials that these commits rest on; raises as `summary_at`."""
    commits = _commits_at(store, number)
    return {model: commit.of(store.load_trials(model)) for model, commit in commits.items()}


def _commits_at(store: ExperimentStore, number: int) -> dict[str, Commit]:
    found: dict[str, Commit] = {}
    newest = 0
    for model in models_of(store):
        commits = Commits(store.store, store.experiment, model)
        numbers = commits.numbers()
        newest = max([newest, *numbers])
        if own := [n for n in numbers if n <= number]:
            commit = commits.at(own[0])
            found |= {model: commit} if commit else {}
    if number > newest:
        has = f"its newest is number {newest}" if newest else "it has none yet"
        raise StoreError(f"{store.url}: has no commit of number {number}; {has}")
    return found
