"""Which of an experiment's models is meant."""

from tuner_job.errors import StoreError
from tuner_job.results.cache import TunedModelCache
from tuner_job.results.claim import read_document
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.wording import listed, plain


def choose_model(store: ExperimentStore, model: str | None) -> str:
    """Return the model that is named, or the only one if none is.

    Raises
    ------
    StoreError
        The experiment has no such model, its search has not finished, or it is not clear which one
        is meant.
    """
    models = models_of(store)
    if model is None and len(models) != 1:
        raise StoreError(
            f"{store.url}: has the models {listed(models) or 'none'}; name one with --model"
        )
    model = models[0] if model is None else model
    if model not in models:
        raise StoreError(
            f"{store.url}: the experiment has no model {plain(model, 60) or 'without a name'}; it "
            f"has {listed(models)}"
        )
    if TunedModelCache(store.store).load_summary(store.experiment, model) is None:
        raise StoreError(
            f"{store.url}/{model}: has no model yet: its search has not finished; the same tune "
            "command goes on with it"
        )
    return model


def models_of(store: ExperimentStore) -> list[str]:
    """Return the models that the experiment's own file names; if that is damaged, those that
    have trials."""
    document = read_document(store)
    models = document.get("models") if document else None
    return [str(model) for model in models] if isinstance(models, list) else store.models()
