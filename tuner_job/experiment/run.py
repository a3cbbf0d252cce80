"""One experiment from file to report; reads as its steps."""

import logging
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version

from tuner_job.config.decisive import digest_of
from tuner_job.config.experiment import ExperimentConfig, ModelName
from tuner_job.errors import MissingModelsError, RunError, StoreError
from tuner_job.evaluation.assessment import n_values_judged, needs_assessment
from tuner_job.experiment.choice import choose_trial, complete_trials
from tuner_job.experiment.finish import finish_models, summarise_experiment
from tuner_job.experiment.summarise import count_states
from tuner_job.models import FAMILIES
from tuner_job.prediction.tuned_model import pack_model
from tuner_job.problem import Prepared
from tuner_job.records import ExperimentSummary, Provenance, StudySummary, TrialRecord
from tuner_job.results.claim import claim
from tuner_job.results.commits import Commit, Commits
from tuner_job.results.damage import Damage, tell
from tuner_job.results.experiment_store import DEFAULT_TRIAL, ExperimentStore
from tuner_job.results.lease import leased
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.store import Store, check_writable
from tuner_job.search.early_stopping import NeverStop
from tuner_job.search.samplers import make_stopping_rule, make_tuner
from tuner_job.search.samplers.fixed import FixedTuner
from tuner_job.search.study import Study
from tuner_job.search_space import Configuration
from tuner_job.wording import listed, shown

_log = logging.getLogger(__name__)
_VERSIONED = ("va-tuning", "numpy", "scikit-learn", "xgboost-cpu", "xgboost", "optuna", "ray")


def run_experiment(
    prepared: Prepared,
    *,
    n_workers: int | None = None,
    listener: Callable[[TuningMonitor], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    take_over: bool = False,
    job: str | None = None,
) -> ExperimentSummary:
    """Tune every model of the experiment, or go on where an earlier run stopped, and write the
    results.

    Parameters
    ----------
    n_workers
        Workers of the embedded Ray; None: one a CPU.
    listener
        Told of progress.
    should_stop
        Once it returns True the search ends, its finished trials kept.
    take_over
        Stop whoever runs this experiment now.
    job
        Uid of the RayJob that this run is a part of; None: of none.

    Raises
    ------
    StoreError
        The results location cannot be written, holds another experiment, or somebody runs this one.
    InputError
        Ray cannot be started or reached, or could never run what is asked for; nothing was written.
    MissingModelsError
        Some models have nothing to commit; the others are committed and reported.
    RunError
        The search could not go on.
    """
    from tuner_job.execution.ray_start import ray_for

    with ray_for(prepared.config.budget, n_workers, prepared.dataset.X.nbytes):
        return _claim_and_run(prepared, n_workers, listener, should_stop, take_over, job)


def _claim_and_run(
    prepared: Prepared,
    n_workers: int | None,
    listener: Callable[[TuningMonitor], None] | None,
    should_stop: Callable[[], bool],
    take_over: bool,
    job: str | None,
) -> ExperimentSummary:
    config = prepared.config
    started = time.monotonic()
    check_writable(config.results)
    store = ExperimentStore(Store(config.results), config.name)
    claim(store, config.document(), _provenance(prepared))
    without: dict[str, RunError] = {}
    with leased(store.store, config.name, take_over, should_stop, job) as lost:
        stored = {
            model: found
            for model in config.models
            if (found := _to_search(prepared, store, model)) is not None
        }
        if stored:
            without = _search_and_commit(
                prepared, stored, store, n_workers, listener, lambda: should_stop() or lost()
            )
        if config.tuning.on_ray_tune and not without:
            _forget_trials_under_way(config.models, store)
        commits = [Commits(store.store, config.name, model).newest() for model in config.models]
        studies = [commit.summary for commit in commits if commit and commit.summary]
        summary = summarise_experiment(prepared, studies, time.monotonic() - started)
        if studies:
            write_report(store, summary)
    if without:
        raise MissingModelsError(without, summary, f"{store.url}/report.html")
    return summary


def _to_search(
    prepared: Prepared, store: ExperimentStore, model: ModelName
) -> list[TrialRecord] | None:
    """Find the finished trials that the search of a model goes on from; None if it is committed
    and all is whole."""
    objectives = prepared.config.tuning.objectives
    commits = Commits(store.store, prepared.config.name, model)
    commit = commits.newest()
    records, damaged = store.read_trials(model, objectives)
    fitted = store.committed_model(model, commit.summary) if commit else None
    if isinstance(fitted, Damage):
        tell([fitted])
    whole = isinstance(fitted, bytes) and not (damaged or _lacks_trials(records, commit))
    if whole and not _asks_more(prepared, model, commit):
        commits.copy()
        return None
    return _with_probabilities(prepared, store, model, records)


def _lacks_trials(records: Sequence[TrialRecord], commit: Commit | None) -> bool:
    """Whether fewer trials are there than were when the search was committed."""
    if commit is None or commit.summary is None:
        return False
    n_asked = sum(count_states(records).values())
    return n_asked < sum(commit.summary.n_trials.values()) or not any(
        r.trial == DEFAULT_TRIAL for r in records
    )


def _asks_more(prepared: Prepared, model: ModelName, commit: Commit | None) -> bool:
    """Whether a search that has ended is to have more trials now, or is to be chosen from
    otherwise."""
    if commit is None or commit.summary is None:
        return False
    found, planned = commit.summary, prepared.planned()[model]
    cut = found.stopped_by in ("timeout", "cpu_seconds")
    more = planned is not None and planned > sum(found.n_trials.values())
    return (more and not cut) or found.selection != prepared.config.tuning.selection


def _with_probabilities(
    prepared: Prepared, store: ExperimentStore, model: ModelName, records: list[TrialRecord]
) -> list[TrialRecord]:
    """Leave out trials that lack the probabilities they should have: they are run again."""
    dataset, config = prepared.search_data, prepared.config
    whole = store.whole_oof(model, (dataset.n_samples, dataset.n_causes))
    needed = {DEFAULT_TRIAL}
    if config.tuning.selection != "best":
        needed |= {record.trial for record in complete_trials(records)}
    elif best := complete_trials(records):
        needed.add(choose_trial(config, model, best, "finished").trial)
    lacking = {trial for trial, is_whole in whole.items() if not is_whole} | (needed - set(whole))
    return [record for record in records if record.trial not in lacking]


def _forget_trials_under_way(models: Sequence[ModelName], store: ExperimentStore) -> None:
    """Remove what Ray Tune kept to go on from: every model is committed."""
    from tuner_job.execution.ray_tune.storage import TuneFolder

    for model in models:
        TuneFolder.below(f"{store.url}/{model}").remove()


def write_report(store: ExperimentStore, summary: ExperimentSummary) -> str:
    """Write ``summary.json`` and ``report.html`` from what the store holds; return the page."""
    from tuner_job.report import render_report

    trials = {study.model: store.load_trials(study.model) for study in summary.studies}
    page = render_report(summary, store.provenance(), trials)
    store.save_report(summary, page)
    return page


def _search_and_commit(
    prepared: Prepared,
    stored: Mapping[ModelName, Sequence[TrialRecord]],
    store: ExperimentStore,
    n_workers: int | None,
    listener: Callable[[TuningMonitor], None] | None,
    should_stop: Callable[[], bool],
) -> dict[str, RunError]:
    """Search models and commit each that can be; return why the others cannot."""
    from tuner_job.execution.session import search

    models = list(stored)

    def commit(model: ModelName, summary: StudySummary, fitted: bytes) -> None:
        packed = pack_model(model, prepared.dataset, prepared.config.data, summary, fitted)
        _commit(store, model, summary, packed)

    studies = [s for model in models for s in _studies(prepared, model, stored[model], store)]
    planned: dict[str, int | None] = {m: n for m, n in prepared.planned().items() if m in models}
    monitor = TuningMonitor(planned, listener)
    with search(prepared, store, studies, stored, monitor, n_workers, should_stop) as session:
        return finish_models(prepared, store, models, session, commit)


def _commit(store: ExperimentStore, model: ModelName, summary: StudySummary, packed: bytes) -> None:
    """Write the model, then the commit that names it; one that is there already and whole stays."""
    commits = Commits(store.store, store.experiment, model)
    earlier = commits.newest()
    update = {
        "model_object": store.save_model(model, packed),
        "model_sha256": sha256(packed).hexdigest(),
    }
    known = earlier and earlier.summary
    goes_on = known and (known.n_trials, known.selection) != (summary.n_trials, summary.selection)
    if known and not goes_on and isinstance(store.committed_model(model, known), bytes):
        commits.copy()
        return
    summary = summary.model_copy(update=update)
    commits.add(Commit(params=dict(summary.best.params), summary=summary), over=earlier)


def _studies(
    prepared: Prepared, model: ModelName, stored: Sequence[TrialRecord], store: ExperimentStore
) -> list[Study]:
    """Build the evaluation of a model's untuned default, and its search unless Ray Tune runs
    that."""
    config, n_folds = prepared.config, prepared.n_folds
    family, tuning = FAMILIES[model], config.tuning
    methods = config.validation.csmf_estimators
    assessed = needs_assessment(methods)
    by_number = {record.trial: record for record in stored}
    on_mismatch = _mismatch_teller(store, model, tuning.search_method)
    default = Study(
        f"{model} default",
        model,
        FixedTuner([family.Parameters.model_validate({}).model_dump()]),
        NeverStop(),
        objectives=tuning.objectives,
        path=None,
        n_folds=n_folds,
        lag=1,
        max_trials=1,
        stored={n: r for n, r in by_number.items() if n == DEFAULT_TRIAL},
        first_trial=DEFAULT_TRIAL,
        assessed=assessed,
        on_mismatch=on_mismatch,
    )
    if tuning.on_ray_tune:
        return [default]
    limits = [n for n in (config.budget.max_trials, _n_trials(config)) if n]
    tuner = make_tuner(tuning, config.space(model), family.path_parameter, config.seed)
    search = Study(
        model,
        model,
        tuner,
        make_stopping_rule(tuning, n_folds, n_values_judged(tuning.objectives, methods)),
        objectives=tuning.objectives,
        path=family.path_parameter,
        n_folds=n_folds,
        lag=tuning.lag,
        max_trials=min(limits, default=None),
        stored={n: r for n, r in by_number.items() if n != DEFAULT_TRIAL},
        assessed=assessed,
        on_mismatch=on_mismatch,
        nested=family.path_is_nested,
    )
    return [default, search]


def _mismatch_teller(
    store: ExperimentStore, model: ModelName, method: str
) -> Callable[[TrialRecord, Configuration], None]:
    """Say what a stored trial means that is not the one that the search proposes.

    If the same versions wrote it, it is of another experiment: it is run again. Else this version's
    search is another one, and running its trials again would lose those that are there.
    """
    began, changed = store.provenance().versions.get("va-tuning"), _changed_versions(store)

    def tell(record: TrialRecord, proposed: Configuration) -> None:
        trial = f"trial {record.trial} is {shown(record.params)} there and {shown(proposed)} here"
        if began and began != _versions().get("va-tuning"):
            raise StoreError(
                f"{store.url}/{model}: was begun by va-tuning {began}, whose {method} search has "
                f"other trials ({trial}); finish it with that version, or choose another `name`"
            )
        if changed:
            raise StoreError(
                f"{store.url}/{model}: was begun with {listed(changed)}, and has other trials "
                f"({trial}); go on with those versions, or choose another `name`"
            )
        _log.warning(
            f"{store.url}/{model}/trials: {trial}: it is of another experiment, so it is run again "
            "and its object replaced"
        )

    return tell


def _changed_versions(store: ExperimentStore) -> list[str]:
    before, now = store.provenance().versions, _versions()
    return [
        f"{name} {before[name]}, here {now.get(name)}"
        for name in before
        if before[name] != now.get(name)
    ]


def _n_trials(config: ExperimentConfig) -> int | None:
    return None if config.tuning.search_method == "grid" else config.tuning.n_trials


def _provenance(prepared: Prepared) -> Provenance:
    config = prepared.config
    return Provenance(
        experiment_digest=digest_of(config.document()),
        data_digest=prepared.dataset.digest,
        data_source=config.data.source or config.data.format,
        seed=config.seed,
        versions=_versions(),
        image=os.environ.get("VA_TUNING_IMAGE"),
        platform=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _VERSIONED:
        try:
            found[name] = version(name)
        except ImportError:  # one of xgboost and xgboost-cpu is installed
            continue
    return found
