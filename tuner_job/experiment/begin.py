"""The first steps of an experiment: whose results these are, and what is left to do."""

import logging
import os
import platform
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tuner_job.config.decisive import digest_of
from tuner_job.config.estimators import versions_of
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import ModelName
from tuner_job.config.validation import ValidationConfig, as_begun
from tuner_job.experiment.choice import choose_trial, complete_trials, on_these_folds
from tuner_job.experiment.context import Run
from tuner_job.experiment.progress import progress_of
from tuner_job.experiment.summarise import count_states
from tuner_job.models import ENSEMBLE
from tuner_job.problem import Prepared, make_protocol
from tuner_job.records import DEFAULT_TRIAL, Member, Provenance, TrialRecord
from tuner_job.results.claim import claim, read_document
from tuner_job.results.commits import Asked, Commit, Commits
from tuner_job.results.damage import Damage, tell
from tuner_job.results.lease import leased
from tuner_job.results.store import check_writable
from tuner_job.results.telling import Telling, telling

_log = logging.getLogger(__name__)


def claim_results(run: Run) -> None:
    """Say in the store what the results are results of, and hold the lease until the run ends.

    Raises
    ------
    StoreError
        Results cannot be written, are of another experiment, or somebody runs this one.
    """
    store, asked = run.store, run.should_stop
    check_writable(run.config.results)
    _go_on_as_begun(run)
    config = run.config
    write = claim(store, config.document(), _provenance(run.prepared))
    lost = run.resources.enter_context(
        leased(store.store, config.name, run.take_over, asked, run.job)
    )
    write()
    run.should_stop = lambda: asked() or lost()
    told = Telling(store.store, config.name, lambda: progress_of(run), run.job, lost)
    log = run.resources.enter_context(telling(told))
    for line in run.prepared.described():
        log.say(line)


def _go_on_as_begun(run: Run) -> None:
    """Keep the test populations of an earlier version for an experiment that it began, where the
    experiment file says nothing else."""
    stored = (read_document(run.store) or {}).get("validation")
    now = run.config.validation.model_dump(mode="json")
    if not isinstance(stored, dict) or stored.get("scheme", now["scheme"]) != now["scheme"]:
        return  # what is another experiment is refused later
    begun = ValidationConfig.model_validate(as_begun(now, stored))
    if begun == run.config.validation:
        return
    _log.warning(
        "%s: was begun by an earlier version, so it goes on with its test populations (shift: any, "
        "population_size: all) and CSMF estimators; under another name, those of this version are "
        "taken",
        run.store.url,
    )
    prepared = run.prepared
    run.prepared = replace(
        prepared,
        config=prepared.config.model_copy(update={"validation": begun}),
        protocol=make_protocol(begun, prepared.dataset, prepared.config.seed),
    )


def find_unfinished(run: Run) -> None:
    """Find the models that are not committed, or not whole, and their trials that are."""
    lacks = ENSEMBLE in run.config.models and not ensemble_is_made(run)
    for model in run.config.families:
        records, damaged = run.store.read_trials(model, run.config.tuning.objectives, pack=True)
        is_whole = not damaged and _is_committed(run, model, records)
        if is_whole and not (lacks and _lacks_probabilities(run, model)):
            _log.info("%s: is committed, so nothing is left to do", model)
            run.monitor.settle(model, records, run.config.tuning.objectives[0])
            continue
        whole = run.unfinished[model] = _with_probabilities(run, model, records)
        _log.info("%s: of %d finished trials %d are whole", model, len(records), len(whole))
    run.monitor.follow(run.unfinished, {})


def members_of(run: Run) -> dict[str, Member]:
    """What an ensemble would be made of now: every other model that is committed."""
    members = {}
    for model in run.config.families:
        commit = Commits(run.store.store, run.config.name, model).newest()
        if commit and (found := commit.summary):
            members[model] = Member(trial=found.best.trial, model_sha256=found.model_sha256)
    return members


def ensemble_is_made(run: Run) -> bool:
    """Whether the committed ensemble is whole, and of what the other models have committed."""
    commits = Commits(run.store.store, run.config.name, ENSEMBLE)
    commit = commits.newest()
    if not commit or not commit.summary or commit.summary.members != members_of(run):
        return False
    fitted = run.store.committed_model(ENSEMBLE, commit.summary)
    if isinstance(fitted, Damage):
        tell([fitted])
        return False
    commits.copy()
    return True


def versions(config: ExperimentConfig) -> dict[str, str]:
    """Versions of what decides a trial, as far as it is installed: of the packages that estimators
    come from too."""
    return versions_of(config.estimators.values(), config.own_modules)


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
    n_run, asked = sum(found.n_trials.values()), asked_of(prepared, model)
    if found.stopped_by in ("timeout", "cpu_seconds"):  # it ended there, unless more is asked now
        more = planned is None or planned > n_run
        more = more and commit.asked is not None and asked.exceeds(commit.asked)
    else:
        more = planned is not None and planned > n_run
    return more or found.selection != prepared.config.tuning.selection


def asked_of(prepared: Prepared, model: ModelName) -> Asked:
    """How far a model's search is to go."""
    budget = prepared.config.budget
    return Asked(
        trials=prepared.planned()[model], timeout=budget.timeout, cpu_seconds=budget.cpu_seconds
    )


def _lacks_probabilities(run: Run, model: ModelName) -> bool:
    """Whether the ensemble cannot be made of a committed model, whose probabilities were lost."""
    commit = Commits(run.store.store, run.config.name, model).newest()
    best = commit.summary.best.trial if commit and commit.summary else DEFAULT_TRIAL
    whole = run.store.whole_oof(model, _shape(run))
    return not all(whole.get(trial) for trial in (DEFAULT_TRIAL, best))


def _shape(run: Run) -> tuple[int, int]:
    return len(run.prepared.validated_y), run.prepared.dataset.n_causes


def _with_probabilities(
    run: Run, model: ModelName, records: Sequence[TrialRecord]
) -> list[TrialRecord]:
    """Leave out trials that ran on other folds, or lack the probabilities they should have: they
    are run again."""
    records = on_these_folds(run.prepared, records)
    whole = run.store.whole_oof(model, _shape(run))
    needed = {DEFAULT_TRIAL}
    if run.config.tuning.selection != "best":
        needed |= {record.trial for record in complete_trials(records)}
    elif best := complete_trials(records):
        needed.add(choose_trial(run.config, model, best, "finished").trial)
    damaged = {trial for trial, is_whole in whole.items() if not is_whole}
    known = {record.trial for record in records if record.source} - {DEFAULT_TRIAL}
    lacking = (damaged | (needed - set(whole))) - known  # those are fitted again if one is chosen
    return [record for record in records if record.trial not in lacking]


def _provenance(prepared: Prepared) -> Provenance:
    config = prepared.config
    return Provenance(
        experiment_digest=digest_of(config.document()),
        data_digest=prepared.dataset.digest,
        data_source=config.data.source or config.data.format,
        seed=config.seed,
        versions=versions(config),
        image=os.environ.get("VA_TUNING_IMAGE"),
        platform=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
