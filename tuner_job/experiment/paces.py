"""What is known, before and while they run, of how long the searches of an experiment take."""

from collections.abc import Callable, Mapping, Sequence

from tuner_job.config.tuning import ModelName
from tuner_job.experiment.context import Run
from tuner_job.records import DEFAULT_TRIAL, TrialRecord
from tuner_job.results.monitor import ModelProgress
from tuner_job.results.pace import StudyPace
from tuner_job.search.effort import Effort
from tuner_job.search.study import Study


def paces_of(run: Run, studies: Sequence[Study]) -> dict[str, StudyPace]:
    """What is known of how long the studies take: of the trials that are stored, their fits."""
    planned, paces = run.prepared.planned(), {}
    for study in studies:
        is_default = study.name != study.model
        paces[study.name] = StudyPace(
            study.model,
            at_once=study.n_fits_at_once,
            effort=_effort_of(study, 1 if is_default else planned[study.model]),
            is_default=is_default,
            seconds=sum(
                record.fit_seconds
                for record in run.unfinished[study.model]
                if (record.trial == DEFAULT_TRIAL) == is_default and record.source is None
            ),
        )
    return paces


def paces_on_ray_tune(
    run: Run, stored: Mapping[ModelName, Sequence[TrialRecord]]
) -> dict[str, StudyPace]:
    """The same of searches on Ray Tune, which are known by their finished trials."""
    planned = {model: n or 1 for model, n in run.prepared.planned().items()}
    models, n_folds = run.monitor.models, run.prepared.n_folds
    return {
        model: StudyPace(
            model,
            at_once=n_folds * planned[model],
            effort=_effort_on_ray_tune(models[model], n_folds, planned[model]),
            seconds=sum(record.fit_seconds for record in records),
        )
        for model, records in stored.items()
    }


def _effort_of(study: Study, planned: int | None) -> Callable[[], Effort] | None:
    return None if planned is None else lambda: study.effort(planned)


def _effort_on_ray_tune(
    progress: ModelProgress, n_folds: int, planned: int
) -> Callable[[], Effort]:
    return lambda: Effort(progress.done * n_folds, (planned - progress.done) * n_folds)
