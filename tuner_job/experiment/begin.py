"""The first steps of an experiment: whose results these are, and what is left to do."""

import logging
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from tuner_job.config.decisive import digest_of
from tuner_job.config.tuning import ModelName
from tuner_job.experiment.choice import choose_trial, complete_trials
from tuner_job.experiment.context import Run
from tuner_job.experiment.summarise import count_states
from tuner_job.problem import Prepared
from tuner_job.records import DEFAULT_TRIAL, Provenance, TrialRecord
from tuner_job.results.claim import claim
from tuner_job.results.commits import Commit, Commits
from tuner_job.results.damage import Damage, tell
from tuner_job.results.lease import leased
from tuner_job.results.store import check_writable

_log = logging.getLogger(__name__)
_VERSIONED = ("va-tuning", "numpy", "scikit-learn", "xgboost-cpu", "xgboost", "optuna", "ray")


def claim_results(run: Run) -> None:
    """Say in the store what the results are results of, and hold the lease until the run ends.

    Raises
    ------
    StoreError
        Results cannot be written, are of another experiment, or somebody runs this one.
    """
    config, store, asked = run.config, run.store, run.should_stop
    check_writable(config.results)
    claim(store, config.document(), _provenance(run.prepared))
    lost = run.resources.enter_context(
        leased(store.store, config.name, run.take_over, asked, run.job)
    )
    run.should_stop = lambda: asked() or lost()


def find_unfinished(run: Run) -> None:
    """Find the models that are not committed, or not whole, and their trials that are."""
    for model in run.config.models:
        records, damaged = run.store.read_trials(model, run.config.tuning.objectives)
        if not damaged and _is_committed(run, model, records):
            _log.info("%s: is committed, so nothing is left to do", model)
            continue
        whole = run.unfinished[model] = _with_probabilities(run, model, records)
        _log.info("%s: of %d finished trials %d are whole", model, len(records), len(whole))


def versions() -> dict[str, str]:
    """Versions of what decides a trial, as far as it is installed."""
    found = {}
    for name in _VERSIONED:
        try:
            found[name] = version(name)
        except ImportError:  # one of xgboost and xgboost-cpu is installed
            continue
    return found


def _is_committed(run: Run, model: ModelName, records: Sequence[TrialRecord]) -> bool:
    """Whether a model is committed, all that its commit rests on is there, and it is all that is
    asked for."""
    commits = Commits(run.store.store, run.config.name, model)
    commit = commits.newest()
    if commit is None:
        return False
    fitted = run.store.committed_model(model, commit.summary)
    if isinstance(fitted, Damage):
        tell([fitted])
        return False
    if _lacks_trials(records, commit) or _asks_more(run.prepared, model, commit):
        return False
    commits.copy()
    return True


def _lacks_trials(records: Sequence[TrialRecord], commit: Commit) -> bool:
    """Whether fewer trials are there than were when the search was committed."""
    if commit.summary is None:
        return False
    n_asked = sum(count_states(records).values())
    return n_asked < sum(commit.summary.n_trials.values()) or not any(
        record.trial == DEFAULT_TRIAL for record in records
    )


def _asks_more(prepared: Prepared, model: ModelName, commit: Commit) -> bool:
    """Whether a search that has ended is to have more trials now, or is to be chosen from
    otherwise."""
    if commit.summary is None:
        return False
    found, planned = commit.summary, prepared.planned()[model]
    cut = found.stopped_by in ("timeout", "cpu_seconds")
    more = planned is not None and planned > sum(found.n_trials.values())
    return (more and not cut) or found.selection != prepared.config.tuning.selection


def _with_probabilities(
    run: Run, model: ModelName, records: Sequence[TrialRecord]
) -> list[TrialRecord]:
    """Leave out trials that lack the probabilities they should have: they are run again."""
    shape = (len(run.prepared.validated_y), run.prepared.dataset.n_causes)
    whole = run.store.whole_oof(model, shape)
    needed = {DEFAULT_TRIAL}
    if run.config.tuning.selection != "best":
        needed |= {record.trial for record in complete_trials(records)}
    elif best := complete_trials(records):
        needed.add(choose_trial(run.config, model, best, "finished").trial)
    damaged = {trial for trial, is_whole in whole.items() if not is_whole}
    lacking = damaged | (needed - set(whole))
    sizes = np.bincount(run.prepared.validated_folds).tolist()
    return [r for r in records if r.trial not in lacking and _has_folds(r, sizes)]


def _has_folds(record: TrialRecord, sizes: Sequence[int]) -> bool:
    """Whether a trial ran on folds of these sizes: earlier versions also held out sites that are
    too small."""
    found = [fold.n_validation for fold in record.folds]
    is_whole = record.state == "complete" and record.duplicate_of is None
    return found == sizes if is_whole else found == sizes[: len(found)]


def _provenance(prepared: Prepared) -> Provenance:
    config = prepared.config
    return Provenance(
        experiment_digest=digest_of(config.document()),
        data_digest=prepared.dataset.digest,
        data_source=config.data.source or config.data.format,
        seed=config.seed,
        versions=versions(),
        image=os.environ.get("VA_TUNING_IMAGE"),
        platform=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
