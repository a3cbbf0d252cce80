"""The trials of an experiment as one file for other programs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tuner_job.errors import InputError, StoreError
from tuner_job.files.whole import check_outputs, whole_files
from tuner_job.records import DEFAULT_TRIAL, TrialRecord
from tuner_job.results.choose import models_of
from tuner_job.results.claim import read_document
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.protect import check_outside_results
from tuner_job.results.wide import parquet, wide_csv
from tuner_job.search_space import Choices, ModelSearchSpace, Range
from tuner_job.wording import listed, plain

ENDINGS = (".log", ".parquet", ".csv")


def export(
    store: ExperimentStore, path: Path, overwrite: bool = False, option: str = "path"
) -> int:
    """Write the trials of an experiment into a file, whole or not at all.

    Parameters
    ----------
    path
        Its ending says what is written: ``.log``, a journal of Optuna's with a study a model;
        ``.parquet`` or ``.csv``, the table of trials.
    overwrite
        Whether a file that is there may be replaced.
    option
        What names the path, for messages.

    Returns
    -------
    How many trials were written, untuned defaults not counted.

    Raises
    ------
    InputError
        The file cannot be written, or is there already.
    StoreError
        No trial has finished.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(
            f"{option}: must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, which says what is "
            f"written; got {plain(path)}"
        )
    if path.exists() and not overwrite:
        how = "--overwrite" if option.startswith("--") else "overwrite=True"
        raise InputError(
            f"{option}: {plain(path)} is there already; name another file, or have it replaced by "
            f"{how}"
        )
    check_outputs({option: path})
    check_outside_results(store, {option: path})
    records = {model: store.load_trials(model) for model in sorted(models_of(store))}
    n_trials = sum(one.trial != DEFAULT_TRIAL for found in records.values() for one in found)
    if not n_trials:
        raise StoreError(f"{store.url}: no trial of {listed(records)} has finished yet")
    content = _written(store, records, ending)
    with whole_files([path]) as (file,):
        file.buffer.write(content)
    return n_trials


def _written(
    store: ExperimentStore, records: Mapping[str, list[TrialRecord]], ending: str
) -> bytes:
    if ending == ".parquet":
        return parquet(records)
    if ending == ".csv":
        return wide_csv(records).encode()
    return _journal(store, records)


def _journal(store: ExperimentStore, records: Mapping[str, list[TrialRecord]]) -> bytes:
    # importing Optuna takes a second
    from tuner_job.search.samplers.optuna import Searched, journal_of

    document = read_document(store)
    if document is None:
        raise StoreError(
            f"{store.url}: experiment.yaml, which says what was searched, is missing or damaged; "
            "the same tune command writes it anew"
        )
    tuning = document.get("tuning") or {}
    asked = tuning.get("scoring_metric", "csmf_accuracy")
    objectives = [str(one) for one in (asked if isinstance(asked, list) else [asked])]
    spaces = tuning.get("search_spaces") or {}
    return journal_of(
        Searched(
            f"{store.experiment}/{model}",
            objectives,
            _parameters(spaces.get(model)),
            found,
            _told(document, found),
        )
        for model, found in records.items()
        if found
    )


def _parameters(space: object) -> Mapping[str, Choices | Range]:
    """What a search space declares; of one that another version wrote otherwise, nothing."""
    try:
        return ModelSearchSpace.model_validate(space).parameters
    except ValidationError:
        return {}


def _told(document: Mapping[str, Any], records: list[TrialRecord]) -> dict[str, Any]:
    tuning, validation = document.get("tuning") or {}, document.get("validation") or {}
    default = next((one for one in records if one.trial == DEFAULT_TRIAL), None)
    return {
        "search_method": tuning.get("search_method"),
        "validation": validation.get("scheme"),
        "start_from": document.get("start_from") or [],
        "untuned default": default.scores if default else {},
        "intermediate values": "mean over the first folds",
        "time of a trial": "from the seconds of its fits before it was finished, to that; UTC",
    }
