"""How a run of an experiment is going, as the store tells it."""

from tuner_job.experiment.context import Run
from tuner_job.records import BestSoFar, ModelProgressRecord, ProgressRecord, utc
from tuner_job.results.monitor import ModelProgress, TuningMonitor


def progress_of(run: Run) -> ProgressRecord:
    """Say how far a run is by now; who runs it, and how it ended, others know."""
    monitor, families = run.monitor, run.config.families
    models = {m: _of_model(one) for m, one in monitor.all_models().items() if m in families}
    return ProgressRecord(
        experiment=run.config.name,
        state="running",
        stage=monitor.stage,
        metric=run.config.tuning.objectives[0],
        models=models,
        best=_best_of_all(run) or _best(monitor),
        seconds_left=monitor.seconds_left(),
        began=utc(),
        written=utc(),
        fit_seconds=monitor.fit_seconds,
        last_trial=monitor.last_trial and monitor.last_trial.replace("+00:00", "Z"),
    )


def _of_model(progress: ModelProgress) -> ModelProgressRecord:
    return ModelProgressRecord(
        planned=progress.planned,
        done=progress.done,
        states=dict(progress.states),
        best_score=progress.best_score,
        best_trial=progress.best_trial,
    )


def _best(monitor: TuningMonitor) -> BestSoFar | None:
    found = [
        BestSoFar(model=model, trial=one.best_trial, score=one.best_score)
        for model, one in monitor.all_models().items()
        if one.best_trial is not None and one.best_score is not None
    ]
    return max(found, key=lambda one: one.score, default=None)


def _best_of_all(run: Run) -> BestSoFar | None:
    """The one that the summary holds for the best, once there is a summary."""
    best = run.summary and run.summary.best_model
    for study in run.summary.studies if run.summary and best else ():
        if best and study.model == best.model and best.metric in study.best.scores:
            score = study.best.scores[best.metric]
            return BestSoFar(model=study.model, trial=study.best.trial, score=score)
    return None
