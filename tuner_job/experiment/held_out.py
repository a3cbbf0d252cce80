"""The step that tests on deaths which the search never saw."""

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tuner_job.config.tuning import ModelName
from tuner_job.data.dataset import digest_of_rows
from tuner_job.errors import RunError
from tuner_job.evaluation.assessment import Predictions
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.intervals import reported
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.execution.fit_runner import Fit, run_fits
from tuner_job.experiment.context import Chosen, Run
from tuner_job.problem import Prepared
from tuner_job.records import CsmfEstimator, FittedRows, ModelSummary, Scores, StepName
from tuner_job.types import Floats

_FEWEST_TO_HIDE_AMONG = 20  # with fewer deaths a digest of all tells of each

HeldOut = Mapping[tuple[ModelName, int], Floats | str]
"""Model and trial → probabilities of the hold-out, (n_held_out, n_classes), or why its fit
failed."""


def hold_out(run: Run) -> None:
    """Fit default and chosen trial of each model on the searched rows; score them on the others.

    A model of which one cannot be fitted is missing from then on.
    """
    if not run.prepared.held_out.any():
        return
    found = predict_held_out(
        run, {model: (chosen.counted, chosen.tuned) for model, chosen in run.chosen.items()}
    )
    for model, chosen in list(run.chosen.items()):
        try:
            default, tuned = (predicted(found, model, c) for c in (chosen.counted, chosen.tuned))
            run.held_out[model] = score_held_out(run.prepared, chosen, default, tuned)
        except RunError as error:
            run.missing[model] = error
            del run.chosen[model]


def predict_held_out(run: Run, wanted: Mapping[ModelName, Sequence[ModelSummary]]) -> HeldOut:
    """Read what configurations say of the hold-out; fit those of which that is not stored yet."""
    shape = int(run.prepared.held_out.sum()), run.prepared.dataset.n_causes
    found: dict[tuple[ModelName, int], Floats | str] = {}
    lacking = {}
    for model, ones in wanted.items():
        for one in ones:
            P = run.store.load_held_out(model, one.trial, _identity(one), shape)
            if P is None:
                lacking[model, one.trial] = one
            else:
                found[model, one.trial] = P
    return found | _fit(run, lacking) if lacking else found


def predicted(found: HeldOut, model: ModelName, one: ModelSummary) -> Floats:
    """Look up what a configuration says of the hold-out.

    Raises
    ------
    RunError
        It could not be fitted.
    """
    P = found[model, one.trial]
    if isinstance(P, str):
        which = "the untuned default" if one.trial < 0 else f"trial {one.trial}"
        raise RunError(f"{model}: {which} cannot be fitted for the hold-out: {P}")
    return P


def score_held_out(
    prepared: Prepared, chosen: Chosen, default: Floats, tuned: Floats
) -> dict[str, Scores]:
    """``copy_train`` and each step → metrics in the protocol's populations.

    Parameters
    ----------
    default, tuned : (n_held_out, n_classes)
        What the untuned default and the chosen trial say of the hold-out, fitted on the searched
        rows.
    """
    deaths, searched = prepared.deaths.take(prepared.held_out), prepared.search_data.y
    samples = reported(prepared.protocol).samples(deaths.y, prepared.dataset.n_causes)
    copied = csmf(searched, prepared.dataset.n_causes)
    scores = {"copy_train": {"csmf_accuracy": float(csmf_accuracy_of(samples.true, copied).mean())}}
    untuned, best = (
        Predictions(deaths, P, Calibration.fit(prepared.validated_y, out_of_fold))
        for P, out_of_fold in ((default, chosen.choice.P_default), (tuned, chosen.choice.P))
    )
    for step, estimator in _estimators(chosen):
        part = best if step == "tuned" else untuned
        found = part.estimate([estimator], samples)[0]
        scores[step] = part.scores(estimator, samples, found)
    return scores


def fitted_rows(prepared: Prepared) -> FittedRows:
    """What the models that are kept have seen: all rows, the hold-out too."""
    data, held_out = prepared.dataset, prepared.held_out
    n_held_out = int(held_out.sum())
    apart = n_held_out >= _FEWEST_TO_HIDE_AMONG
    return FittedRows(
        n_rows=data.n_samples,
        n_held_out=n_held_out,
        digest=digest_of_rows(data.X, data.y),
        held_out_digest=digest_of_rows(data.X[held_out], data.y[held_out]) if apart else None,
    )


def _estimators(chosen: Chosen) -> Iterator[tuple[StepName, CsmfEstimator]]:
    yield "default_counted", chosen.counted.csmf_estimator
    yield "default", chosen.default.csmf_estimator
    yield "tuned", chosen.tuned.csmf_estimator


def _fit(
    run: Run, wanted: Mapping[tuple[ModelName, int], ModelSummary]
) -> dict[tuple[ModelName, int], Floats | str]:
    """Fit on the searched rows, and store what is predicted, so that nobody fits that again."""
    dataset, held_out = run.prepared.dataset, run.prepared.held_out
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    fits = [
        Fit(key, key[0], dict(one.params), train, test, [(s.size, s.params) for s in one.schedule])
        for key, one in wanted.items()
    ]
    found: dict[tuple[ModelName, int], Floats | str] = {}
    tasks, families = run.have_workers().tasks(), run.config.catalogue
    for fitted in run_fits(tasks, dataset, fits, run.config.seed, None, families):
        (model, trial), P = fitted.fit.key, fitted.P
        if P is None:
            found[model, trial] = str(fitted.error)
            continue
        found[model, trial] = P.astype(np.float64)
        run.store.save_held_out(model, trial, _identity(wanted[model, trial]), P)
    return found


def _identity(one: ModelSummary) -> str:
    """What a fit is of, beside the data: a trial's number may come to stand for another one."""
    stages = [stage.model_dump() for stage in one.schedule]
    return json.dumps([dict(one.params), stages], sort_keys=True)
