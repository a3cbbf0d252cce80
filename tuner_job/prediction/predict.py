"""Predicting with a tuned model."""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO

from tuner_job.errors import DataError, StoreError
from tuner_job.files.spreadsheet import cell
from tuner_job.files.whole import check_outputs, local_path, whole_files
from tuner_job.prediction.tuned_model import TunedModel, unpack_model
from tuner_job.public import public
from tuner_job.results.choose import choose_model
from tuner_job.results.commits import Commits
from tuner_job.results.damage import Damage, DamagedError
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.protect import check_outside_results
from tuner_job.wording import plain


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


def predict_file(
    store: ExperimentStore,
    model: str | None,
    source: str,
    output: Path,
    csmf_output: Path | None = None,
    raw: bool = False,
    say: Callable[[str], None] = lambda note: None,
) -> int:
    """Predict for a file of deaths; write a CSV with one row a death; return how many.

    Parameters
    ----------
    csmf_output
        Where the CSMF of all these deaths goes, one row a cause; None: nowhere.
    raw
        Write the model's own probabilities, not the calibrated ones.
    say
        Told what was found in the file and handled, one sentence each.

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
    P = tuned.predict_proba(tuned.encode(source, say))
    with whole_files(list(outputs.values())) as files:
        causes = [cell(cause) for cause in tuned.causes]
        rows = (
            [causes[p.argmax()], *_fixed([p.max(), *p])] for p in (P if raw else tuned.calibrate(P))
        )
        _write(files[0], ["cause", "probability", *causes], rows)
        if csmf_output is not None:
            fractions = _fixed(tuned.estimate_csmf(P))
            _write(files[1], ["cause", "fraction"], zip(causes, fractions, strict=True))
    return len(P)


def _fixed(shares: Iterable[float]) -> list[str]:
    return [f"{share:.6f}" for share in shares]


def _write(file: TextIO, header: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(file)
    writer.writerow(header)
    writer.writerows(rows)
