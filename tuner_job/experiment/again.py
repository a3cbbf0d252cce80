"""The step that fits a known trial once more, where its probabilities were not kept."""

import logging

from tuner_job.config.budget import Budget
from tuner_job.config.tuning import ModelName
from tuner_job.execution.drive import Driver
from tuner_job.experiment.choice import choose_trial, complete_trials, on_these_folds
from tuner_job.experiment.context import Run
from tuner_job.experiment.search import recording, single_study
from tuner_job.results.damage import DamagedError, tell

_log = logging.getLogger(__name__)


def fit_again(run: Run) -> None:
    """Fit a model's best trial once more if it is known from another experiment, which had not
    kept what it predicted out of fold."""
    if run.runner is None or run.start is None:
        return
    studies = []
    for model in run.unfinished:
        if model in run.missing:
            continue
        found = complete_trials(on_these_folds(run.prepared, run.store.load_trials(model)))
        best = choose_trial(run.config, model, found, run.reason) if found else None
        if best and best.source and not _has_probabilities(run, model, best.trial):
            _log.info("%s: trial %d is fitted again for its probabilities", model, best.trial)
            studies.append(single_study(run, model, best.params, best.trial))
    if not studies:
        return
    with recording(run, run.runner) as recorder:
        budget = Budget(memory_per_task=run.config.budget.memory_per_task)
        Driver(studies, run.runner, budget, recorder.record, run.should_stop).run()


def _has_probabilities(run: Run, model: ModelName, trial: int) -> bool:
    try:
        return run.store.load_oof(model, trial) is not None
    except DamagedError as error:
        tell([error.damage])
        return False
