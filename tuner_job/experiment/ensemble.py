"""The step that makes the ensemble of what the other models have committed: it reads what is
stored, and fits none of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tuner_job.errors import RunError
from tuner_job.evaluation.assessment import assess
from tuner_job.evaluation.pooling import Pool, pool_out_of_fold
from tuner_job.experiment.begin import ensemble_is_made, members_of
from tuner_job.experiment.choice import pooled_optimism
from tuner_job.experiment.context import Choice, Chosen, Run
from tuner_job.experiment.finish import commit_model, look_at, probabilities_of, study_summary
from tuner_job.experiment.held_out import predict_held_out, predicted, score_held_out
from tuner_job.experiment.summarise import mean_validation
from tuner_job.models import ENSEMBLE
from tuner_job.prediction.ensemble import pack_members
from tuner_job.prediction.tuned_model import fitted_bytes, pack_model
from tuner_job.records import DEFAULT_TRIAL, FoldRecord, Scores, StudySummary, TrialRecord
from tuner_job.results.commits import Commit, Commits
from tuner_job.results.damage import Damage, DamagedError
from tuner_job.types import Probabilities

_TRIAL = 0
"""Number that the ensemble stands under where others have that of a trial."""


@dataclass(frozen=True)
class _Pooled:
    """How members are pooled untuned and tuned, and what has come of that."""

    default: Pool
    tuned: Pool
    chosen: Chosen


def make_ensemble(run: Run) -> None:
    """Pool the models that are committed, and commit that, unless it is done."""
    if ENSEMBLE not in run.config.models:
        return
    lacking = [model for model in run.config.families if model in run.missing]
    if not lacking and ensemble_is_made(run):
        return
    try:
        _make(run)
    except RunError as error:
        run.missing[ENSEMBLE] = error


def _make(run: Run) -> None:
    members = _members(run)
    pooled = _pool(run, members)
    if run.prepared.held_out.any():
        run.held_out[ENSEMBLE] = _held_out(run, members, pooled)
    update = {
        "members": members_of(run),
        "optimism": pooled_optimism(list(members.values()), pooled.tuned.exponents),
    }
    summary = study_summary(run, ENSEMBLE, pooled.chosen).model_copy(update=update)
    fitted = pack_members({m: _fitted(run, m, study) for m, study in members.items()}, pooled.tuned)
    packed = pack_model(ENSEMBLE, run.prepared.dataset, run.config.data, summary, fitted)
    commit_model(run.store, ENSEMBLE, Commit(params=summary.best.params, summary=summary), packed)


def _members(run: Run) -> dict[str, StudySummary]:
    """What the other models have committed.

    Raises
    ------
    RunError
        One of them has nothing to commit: there is no ensemble of the rest.
    """
    members = {}
    for model in run.config.families:
        commit = Commits(run.store.store, run.config.name, model).newest()
        if model in run.missing or commit is None or commit.summary is None:
            raise RunError(f"{ENSEMBLE}: is made of all other models, and {model} is missing")
        members[model] = commit.summary
    return members


def _pool(run: Run, members: Mapping[str, StudySummary]) -> _Pooled:
    """Pool the untuned defaults, all equal, and the committed trials, each fold as the others say.

    Both are looked at like trials of a search.
    """
    y, folds = run.prepared.validated_y, run.prepared.validated_folds
    untuned = [probabilities_of(run.store, m, DEFAULT_TRIAL) for m in members]
    parts = [probabilities_of(run.store, m, study.best.trial) for m, study in members.items()]
    equal, fitted = Pool.equal(len(parts), run.prepared.dataset.n_causes), Pool.fit(y, parts)
    P_default, P = equal.apply(untuned), pool_out_of_fold(y, parts, folds)
    default, trial = (
        _trial(run, number, dict(zip(members, how.exponents.tolist(), strict=True)), pooled)
        for number, how, pooled in ((DEFAULT_TRIAL, equal, P_default), (_TRIAL, fitted, P))
    )
    return _Pooled(equal, fitted, look_at(run, ENSEMBLE, Choice((), trial, default, P, P_default)))


def _trial(run: Run, number: int, exponents: dict[str, float], P: Probabilities) -> TrialRecord:
    """A pool as the trial that it would be in a search, assessed as those are."""
    prepared, methods = run.prepared, run.config.validation.csmf_estimators
    folds = prepared.validated_folds
    found = assess(prepared.validated, P, folds, prepared.protocol, methods)
    records = [
        FoldRecord(fold=fold, n_validation=int(n), validation=scores, train={}, fit_seconds=0.0)
        for fold, (n, scores) in enumerate(zip(np.bincount(folds), found.folds, strict=True))
    ]
    return TrialRecord(
        trial=number,
        batch=0,
        params=exponents,
        state="complete",
        folds=records,
        scores=mean_validation(records),
        csmf_estimator=found.estimator,
        csmf=found.csmf,
        fell_back=found.fell_back,
    )


def _held_out(run: Run, members: Mapping[str, StudySummary], pooled: _Pooled) -> dict[str, Scores]:
    """Score what the members' fits say of the hold-out."""
    found = predict_held_out(run, {m: (study.default, study.best) for m, study in members.items()})
    default = [predicted(found, m, study.default) for m, study in members.items()]
    tuned = [predicted(found, m, study.best) for m, study in members.items()]
    return score_held_out(
        run.prepared, pooled.chosen, pooled.default.apply(default), pooled.tuned.apply(tuned)
    )


def _fitted(run: Run, model: str, study: StudySummary) -> bytes:
    """Take a member out of its committed object."""
    content = run.store.committed_model(model, study)
    if isinstance(content, Damage):
        raise DamagedError(content)
    return fitted_bytes(content)
