"""The step that tests on deaths which the search never saw."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.tuning import ModelName
from tuner_job.errors import RunError
from tuner_job.evaluation.assessment import Predictions
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.intervals import reported
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.experiment.context import Chosen, Run
from tuner_job.problem import Prepared
from tuner_job.records import ModelSummary, Scores


def hold_out(run: Run) -> None:
    """Fit default and chosen trial of each model on the searched rows; score them on the others.

    A model of which one cannot be fitted is missing from then on.
    """
    if not run.prepared.held_out.any() or not run.chosen:
        return
    predicted = _predict(run)
    for model, chosen in list(run.chosen.items()):
        try:
            run.held_out[model] = _scores(run.prepared, model, chosen, predicted)
        except RunError as error:
            run.missing[model] = error
            del run.chosen[model]


def _predict(run: Run) -> Mapping[Any, Any]:
    """Model and trial → what became of its fit."""
    from tuner_job.execution.fit_runner import Fit, run_fits  # brings Ray

    train = np.flatnonzero(~run.prepared.held_out)
    test = np.flatnonzero(run.prepared.held_out)
    wanted = {
        (model, one.trial): one
        for model, chosen in run.chosen.items()
        for one in (chosen.default, chosen.tuned)
    }
    fits = [
        Fit(key, key[0], dict(one.params), train, test, [(s.size, s.params) for s in one.schedule])
        for key, one in wanted.items()
    ]
    memory, seed = run.config.budget.memory_per_task, run.config.seed
    fitted = run_fits(run.prepared.dataset, fits, seed, memory, None)
    return {one.fit.key: one for one in fitted}


def _scores(
    prepared: Prepared, model: ModelName, chosen: Chosen, predicted: Mapping[Any, Any]
) -> dict[str, Scores]:
    """``copy_train``, ``default`` and ``tuned`` → metrics.

    Raises
    ------
    RunError
        One of them cannot be fitted.
    """
    y, searched = prepared.dataset.y[prepared.held_out], prepared.search_data.y
    samples = reported(prepared.protocol).samples(y, prepared.dataset.n_causes)
    copied = csmf(searched, prepared.dataset.n_causes)
    scores = {"copy_train": {"csmf_accuracy": float(csmf_accuracy_of(samples.true, copied).mean())}}
    for kind, one, P in _kinds(chosen):
        fitted = predicted[model, one.trial]
        if fitted.P is None:
            raise RunError(f"{model}: {kind} cannot be fitted for the hold-out: {fitted.error}")
        part = Predictions(y, fitted.P, Calibration.fit(prepared.validated_y, P))
        found = part.estimate([one.csmf_estimator], samples)[0]
        scores[kind] = part.scores(one.csmf_estimator, samples, found)
    return scores


def _kinds(chosen: Chosen) -> Iterator[tuple[str, ModelSummary, NDArray[np.floating[Any]]]]:
    """The configurations that are tested, and the probabilities that calibrate them."""
    yield "default", chosen.default, chosen.P_default
    yield "tuned", chosen.tuned, chosen.P
