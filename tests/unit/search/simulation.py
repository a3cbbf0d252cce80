"""Running a study without models or workers: fold outcomes come from a formula, in any order."""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence

from tuner_job.evaluation.assessment import Assessment
from tuner_job.records import CsmfEstimator, FoldRecord, TrialRecord
from tuner_job.search.early_stopping import NeverStop, StoppingRule
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.base import Sampler
from tuner_job.search.study import Study
from tuner_job.search.trial import AssessmentTask, FoldOutcome, Task, TaskResult, Trial
from tuner_job.search_space import Configuration, ModelSearchSpace, SearchSpace

N_FOLDS = 5
SPACE = SearchSpace(
    ModelSearchSpace.model_validate(
        {"depth": [1, 2, 3, 4], "rate": [0.1, 0.2, 0.4], "rounds": [10, 20, 30]}
    ).parameters,
    [],
)


def fold_score(params: Configuration, fold: int) -> float:
    """A pure function of configuration and fold: good near depth 3, rate 0.2, with fold noise."""
    digest = hashlib.sha256(repr((sorted(params.items()), fold)).encode()).digest()
    noise = int.from_bytes(digest[:4], "big") / 2**32 - 0.5
    depth, rate, rounds = (float(params[k]) for k in ("depth", "rate", "rounds"))  # type: ignore[arg-type]
    level = 0.8 - 0.06 * (depth - 3) ** 2 - 1.5 * abs(rate - 0.2) - 0.002 * abs(rounds - 20)
    return level + 0.01 * fold + 0.02 * noise


def make_study(
    sampler: Sampler,
    *,
    rule: StoppingRule | None = None,
    lag: int = 4,
    max_trials: int | None = 30,
    stored: Mapping[int, TrialRecord] | None = None,
    assessed: bool = False,
    nested: bool = True,
    on_mismatch: Callable[[TrialRecord, Configuration], None] = lambda record, proposed: None,
    known: Sequence[Trial] = (),
) -> Study:
    return Study(
        StudyPlan(
            name="study",
            model="model",
            objectives=["csmf_accuracy"],
            path="rounds",
            n_folds=N_FOLDS,
            lag=lag,
            max_trials=max_trials,
            first_trial=len(known),
            assessed=assessed,
            nested=nested,
        ),
        sampler,
        rule or NeverStop(),
        stored=stored,
        on_mismatch=on_mismatch,
        known=known,
    )


def outcomes_of(task: Task, assessed: bool = False) -> list[TaskResult]:
    """What the formula says of each wanted value; an assessment sees the folds otherwise than
    they were judged, by two values each."""
    if isinstance(task, AssessmentTask):
        return [assessment_of(scores) for scores in task.points]
    made: list[TaskResult] = []
    for position in task.wanted:
        params = dict(task.params)
        if task.values:
            params["rounds"] = task.values[position]
        score = fold_score(params, task.fold)
        made.append(outcome(score, task.fold, assessed))
    return made


def outcome(score: float, fold: int, assessed: bool = False) -> FoldOutcome:
    """What a fold tells of a configuration with this score."""
    values = {"csmf_accuracy": score}
    judged = [score, score - 0.1] if assessed else [score]
    record = FoldRecord(
        fold=fold, n_validation=10, validation=values, train=values, fit_seconds=1.0, judged=judged
    )
    return FoldOutcome(record, score)


def assessment_of(scores: Sequence[float]) -> Assessment:
    """A pure function of what the folds gave, in another order than theirs."""
    folds = [{"csmf_accuracy": 0.9 - abs(score - 0.77)} for score in scores]
    return Assessment(
        CsmfEstimator(method="mean"),
        False,
        folds,
        folds,
        {"mean": [f["csmf_accuracy"] for f in folds]},
    )


def as_record(trial: Trial) -> TrialRecord:
    """The stored form of a finished trial."""
    assert trial.state
    n_folds = len(trial.fold_scores) if trial.duplicate_of is None else 0
    folds = [trial.outcomes[fold].record for fold in range(n_folds)]
    scores = {"csmf_accuracy": trial.scores[0]} if trial.scores else {}
    return TrialRecord(
        trial=trial.number,
        batch=trial.batch,
        params=trial.params,
        state=trial.state,
        folds=folds,
        scores=scores if trial.duplicate_of is None else {},
        duplicate_of=trial.duplicate_of,
        error=trial.error,
    )


def run(
    study: Study, slots: int, seed: int = 0, stop_after: int | None = None
) -> tuple[list[TrialRecord], int]:
    """Run to the end with so many workers that finish in random order; return what finished, and
    fits run.

    With `stop_after` the run is killed after so many fits.
    """
    order = random.Random(seed)
    running: list[Task] = []
    finished: list[TrialRecord] = []
    n_fits = 0
    while True:
        while len(running) < slots and (task := study.next_task() or study.speculative_task()):
            running.append(task)
        finished += [as_record(trial) for trial in study.take_finished()]
        if not running or n_fits == stop_after:
            return finished, n_fits
        task = running.pop(order.randrange(len(running)))
        n_fits += 1
        study.record(task, outcomes_of(task, study.assessed))
        finished += [as_record(trial) for trial in study.take_finished()]


def table(study: Study) -> list[tuple[object, ...]]:
    """What must be the same at every run."""
    return [
        (t.number, t.batch, t.params, t.state, t.fold_scores, t.scores, t.duplicate_of)
        for t in study.trials
    ]
