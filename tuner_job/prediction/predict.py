"""Predicting with a tuned model."""

import csv
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from tuner_job.data.new_rows import NewDeaths
from tuner_job.errors import DataError, StoreError
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.files.spreadsheet import cell
from tuner_job.files.whole import check_outputs, local_path, whole_files
from tuner_job.prediction.tuned_model import TunedModel, unpack_model
from tuner_job.public import public
from tuner_job.results.choose import choose_model
from tuner_job.results.commits import Commits
from tuner_job.results.damage import Damage, DamagedError
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.protect import check_outside_results
from tuner_job.types import Probabilities
from tuner_job.wording import plain

_log = logging.getLogger(__name__)


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
    model = choose_model(store, model)
    commit = Commits(store.store, store.experiment, model).newest()
    if commit is None:
        raise StoreError(f"{store.url}/{model}: has no model yet: its search has not finished")
    content = store.committed_model(model, commit.summary)
    if isinstance(content, Damage):
        raise DamagedError(content)
    name = (commit.summary and commit.summary.model_object) or "model.bin"
    return unpack_model(content, f"{store.url}/{model}/{name}", model)


@dataclass(frozen=True)
class Predicted:
    """What was predicted of a file of deaths.

    Attributes
    ----------
    n_rows
        Number of deaths.
    scores
        ``n_samples`` (deaths with a cause that the model knows), ``csmf_accuracy`` and
        ``cod_accuracy`` on them; empty where the file has no causes.
    """

    n_rows: int
    scores: Mapping[str, float]


def predict_file(
    store: ExperimentStore,
    model: str | None,
    source: str,
    output: Path,
    csmf_output: Path | None = None,
    raw: bool = False,
) -> Predicted:
    """Predict for a file of deaths; write a CSV with one row a death.

    Parameters
    ----------
    csmf_output
        Where the CSMF of all these deaths goes, one row a cause; None: nowhere.
    raw
        Write the model's own probabilities, not the calibrated ones.

    Raises
    ------
    InputError
        A file cannot be read or written, or does not fit the model; then nothing was changed.
    """
    outputs = {"--output": output} | ({"--csmf": csmf_output} if csmf_output is not None else {})
    given = local_path(source)
    check_outputs(outputs, [given] if given is not None else [])
    check_outside_results(store, outputs)
    tuned = load_model(store, model)
    if tuned.data.format == "synthetic":
        raise DataError(
            f"{store.url}: was tuned on synthetic data, so there is no coding to read "
            f"{plain(public(source))} by"
        )
    deaths = tuned.read(source, _log.warning)
    P = tuned.predict_proba(deaths.X)
    _log.info("%s: the model of %s predicts %d deaths", public(source), store.url, len(P))
    with whole_files(list(outputs.values())) as files:
        causes = [cell(cause) for cause in tuned.causes]
        shown = P if raw else tuned.calibrate(P)
        rows = (
            [causes[p.argmax()], *_fixed([p.max()]), n, *_fixed(p)]
            for p, n in zip(shown, deaths.n_doubtful.tolist(), strict=True)
        )
        _write(files[0], ["cause", "probability", "doubtful_answers", *causes], rows)
        if csmf_output is not None:
            fractions = _fixed(tuned.estimate_csmf(P))
            _write(files[1], ["cause", "fraction"], zip(causes, fractions, strict=True))
    return Predicted(len(P), _score(tuned, P, deaths))


def _score(tuned: TunedModel, P: Probabilities, deaths: NewDeaths) -> dict[str, float]:
    """Accuracies on the deaths that have a cause which the model knows; empty without any."""
    known = np.flatnonzero(deaths.y >= 0) if deaths.y is not None else np.empty(0, np.intp)
    if deaths.y is None or not len(known):
        return {}
    y, Q = deaths.y[known], tuned.calibrate(P[known])
    truth = csmf(y, len(tuned.causes))
    return {
        "n_samples": len(known),
        "csmf_accuracy": float(csmf_accuracy_of(truth, tuned.estimate_csmf(P[known]))),
        "cod_accuracy": float((Q.argmax(axis=1) == y).mean()),
    }


def _fixed(shares: Iterable[float]) -> list[str]:
    return [f"{share:.6f}" for share in shares]


def _write(file: TextIO, header: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(file)
    writer.writerow(header)
    writer.writerows(rows)
