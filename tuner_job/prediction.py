"""Predicting with a tuned model."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from tuner_job.errors import DataError, StoreError
from tuner_job.public import public
from tuner_job.results.commits import Commits
from tuner_job.results.damage import Damage, DamagedError
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.tuned_model import TunedModel, unpack_model


def load_model(store: ExperimentStore, model: str | None = None) -> TunedModel:
    """Load the tuned model of a finished experiment.

    Parameters
    ----------
    model
        Its family; None if the experiment tuned only one.

    Raises
    ------
    StoreError
        There is none, it is not clear which one, or it is not the one that was committed.
    """
    model = model or _only_model(store)
    commit = Commits(store.store, store.experiment, model).newest()
    if commit is None:
        raise StoreError(f"{store.url}/{model}: has no model yet: its search has not finished")
    content = store.committed_model(model, commit.summary)
    if isinstance(content, Damage):
        raise DamagedError(content)
    name = (commit.summary and commit.summary.model_object) or "model.bin"
    return unpack_model(content, f"{store.url}/{model}/{name}", model)


def predict_file(
    store: ExperimentStore,
    model: str | None,
    source: str,
    output: Path,
    csmf_output: Path | None = None,
    raw: bool = False,
) -> int:
    """Predict for a file of deaths; write a CSV with one row a death; return how many.

    Parameters
    ----------
    csmf_output
        Where the CSMF of all these deaths goes, one row a cause; None: nowhere.
    raw
        Write the model's own probabilities, not the calibrated ones.
    """
    tuned = load_model(store, model)
    if tuned.data.format == "synthetic":
        raise DataError(f"{store.url}: was tuned on synthetic data, so there is no coding to read {public(source)} by")
    P = tuned.predict_proba(tuned.encode(source))
    _write_rows(
        output,
        ["cause", "probability", *tuned.causes],
        (
            [tuned.causes[row.argmax()], f"{row.max():.6f}", *(f"{p:.6f}" for p in row)]
            for row in (P if raw else tuned.calibrate(P))
        ),
    )
    if csmf_output:
        fractions = zip(tuned.causes, tuned.estimate_csmf(P), strict=True)
        _write_rows(csmf_output, ["cause", "fraction"], ([cause, f"{share:.6f}"] for cause, share in fractions))
    return len(P)


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _only_model(store: ExperimentStore) -> str:
    models = store.models()
    if len(models) != 1:
        raise StoreError(f"{store.url}: has models {', '.join(models) or 'none'}; name one with --model")
    return models[0]
