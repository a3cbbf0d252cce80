"""Which experiments one starts from: found, checked, and settled before anything is written."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tuner_job.config.decisive import incomparable
from tuner_job.config.tuning import SEARCH_METHODS
from tuner_job.errors import StoreError
from tuner_job.experiment.context import Run
from tuner_job.files.whole import local_path
from tuner_job.problem import Prepared
from tuner_job.records import SettledSource, StartRecord, TrialRecord
from tuner_job.results.claim import read_document
from tuner_job.results.commits import Commits, runs_of
from tuner_job.results.experiment_store import ExperimentStore, open_experiment
from tuner_job.results.start import read_start
from tuner_job.results.store import FIRST_CONTACT, Store
from tuner_job.wording import listed, plain


def settle_sources(run: Run) -> None:
    """Find out what the experiment starts from: as it was settled when it began, or as it is now.

    Raises
    ------
    StoreError
        An experiment that `start_from` names cannot give its trials.
    """
    config = run.config
    if config.start_from:  # a wrong address of the results is to be found out soon
        own = ExperimentStore(Store(config.results, FIRST_CONTACT), config.name)
        found = read_start(own)
        run.start = found or StartRecord(sources=list(settled(run.prepared, own)))


def settled(prepared: Prepared, own: ExperimentStore) -> Iterator[SettledSource]:
    """Look at the experiments that one starts from as they are now; raises as `settle_sources`."""
    places = {_place(own): "this experiment itself"}
    for address in prepared.config.start_from:
        try:
            store = open_experiment(address)
        except StoreError as error:
            raise StoreError(f"start_from: {error}") from None
        if before := places.get(_place(store)):
            raise refusal(address, f"must be another experiment, and is {before}")
        places[_place(store)] = f"the same one as {plain(address)}"
        yield _settle(prepared, address, store)


def _settle(prepared: Prepared, address: str, store: ExperimentStore) -> SettledSource:
    """Check an experiment, and find the trials that it has now."""
    _check(prepared, address, store)
    commits: dict[str, int] = {}
    trials: dict[str, list[tuple[int, int]]] = {}
    for model in store.models():
        if found := _trials(store, model, commits):
            _check_folds(prepared, address, found)
            trials[model] = runs_of(record.trial for record in found)
    if not trials:
        raise refusal(address, "must have finished trials, and has none")
    if not trials.keys() & set(prepared.config.families):
        models = listed(prepared.config.families)
        raise refusal(address, f"must have trials of {models}; it has those of {listed(trials)}")
    return SettledSource(
        address=address,
        location=store.url,
        commits={model: commits[model] for model in trials},
        trials=trials,
        versions=store.provenance().versions,
    )


def _check(prepared: Prepared, address: str, store: ExperimentStore) -> None:
    """Check that an experiment's trials can be compared with those of another one."""
    document = read_document(store)
    if document is None:
        raise refusal(address, "nothing says what its trials are of: experiment.yaml is damaged")
    digest, own = store.provenance().data_digest, prepared.dataset.digest
    differs = [f"data digest: {digest[:12]} there, {own[:12]} here"] if digest != own else []
    if differs := differs + incomparable(document, prepared.config.document()):
        raise refusal(
            address,
            "must have the same data, folds, validation and seed, as else its trials cannot be "
            f"compared with those here; {'; '.join(differs)}",
        )
    if (document.get("tuning") or {}).get("search_method") == "pbt":
        raise refusal(
            address,
            "must not be of search_method pbt, whose trials change their parameters while they "
            "train, so that none of them is a configuration",
        )


def _trials(store: ExperimentStore, model: str, commits: dict[str, int]) -> list[TrialRecord]:
    """Read the trials of a model's newest commit, whose number is noted; while there is none,
    those that have finished."""
    records = store.load_trials(model)
    own = Commits(store.store, store.experiment, model)
    newest = own.newest()
    commits[model] = 0
    if newest:
        commits[model] = own.number_of(newest)
        records = newest.of(records)
    return [record for record in records if record.duplicate_of is None]


def _check_folds(prepared: Prepared, address: str, records: Sequence[TrialRecord]) -> None:
    """Check that a version which laid out folds otherwise has not made them."""
    sizes = np.bincount(prepared.validated_folds).tolist()
    for record in records:
        found = record.fold_sizes
        if found != sizes[: len(found)]:
            raise refusal(
                address,
                f"must have the same folds, of {listed(sizes)} deaths; trial {record.trial} has "
                f"those of {listed(found)}",
            )


def refusal(address: str, why: str) -> StoreError:
    """Say what is wrong with an experiment that `start_from` names."""
    return StoreError(f"start_from: {plain(address)}: {why}")


def _place(store: ExperimentStore) -> str:
    path = local_path(store.url)
    return store.url if path is None else os.path.realpath(path)


def of_ray_tune(document: Mapping[str, Any]) -> bool:
    """Whether Ray Tune ran the trials of an experiment."""
    method = SEARCH_METHODS.get(str((document.get("tuning") or {}).get("search_method")))
    return method is not None and method.on_ray_tune
