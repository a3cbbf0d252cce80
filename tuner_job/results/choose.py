"""Which of an experiment's models is meant."""

from dataclasses import dataclass

from tuner_job.errors import StoreError
from tuner_job.evaluation.best import best_model
from tuner_job.results.cache import TunedModelCache
from tuner_job.results.claim import read_document
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.wording import listed, plain


@dataclass(frozen=True)
class Choice:
    """A model of an experiment, and why it was taken of several; empty where nobody had to
    choose."""

    model: str
    reason: str = ""


def choose_model(store: ExperimentStore, model: str | None) -> Choice:
    """Return the model that is named; if none is, the best one of those that have a result.

    Raises
    ------
    StoreError
        The experiment has no such model, its search has not finished, or it is not clear which one
        is best.
    """
    models = models_of(store)
    if model is None:
        return _best(store, models)
    if model not in models:
        raise StoreError(
            f"{store.url}: the experiment has no model {plain(model, 60) or 'without a name'}; it "
            f"has {listed(models)}"
        )
    if TunedModelCache(store.store).load_summary(store.experiment, model) is None:
        raise StoreError(_unfinished(f"{store.url}/{model}"))
    return Choice(model)


def _best(store: ExperimentStore, models: list[str]) -> Choice:
    cache = TunedModelCache(store.store)
    found = {model: cache.load_summary(store.experiment, model) for model in models}
    studies = [study for study in found.values() if study]
    if models and not studies:
        raise StoreError(_unfinished(f"{store.url}/{models[0]}" if len(models) == 1 else store.url))
    if len(models) == 1:
        return Choice(models[0])
    best = best_model(studies, [model for model, study in found.items() if not study])
    if best is None:
        raise StoreError(
            f"{store.url}: has the models {listed(models) or 'none'}; name one with --model"
        )
    return Choice(best.model, best.reason)


def _unfinished(address: str) -> str:
    return (
        f"{address}: has no model yet: its search has not finished; the same tune command goes on "
        "with it"
    )


def models_of(store: ExperimentStore) -> list[str]:
    """Return the models that the experiment's own file names; if that is damaged, those that
    have trials."""
    document = read_document(store)
    models = document.get("models") if document else None
    return [str(model) for model in models] if isinstance(models, list) else store.models()
